/** @module Run: what every command shares: flags, JSON output, errors and exit codes. */
import { BaseError, InputError, problem } from '../kernel/Errors.ts'
import * as Json from '../kernel/Json.ts'
import * as Print from './Print.ts'

/** 0 ok, 1 error, 2 usage, 3 denied by policy, 4 needs approval, 5 over budget. */
export type ExitCode = 0 | 1 | 2 | 3 | 4 | 5

/** Flags that every command has. */
export const flags = {
  home: { type: 'string', description: 'Folder of keys, journals and documents (.requite)' },
  json: { type: 'boolean', description: 'Print one JSON object a line instead of text' },
} as const

/** Runs a command: its exit code becomes the process's, its error a message with a hint. */
export async function command(
  json: boolean | undefined,
  work: () => Promise<ExitCode>,
): Promise<void> {
  try {
    process.exitCode = await work()
  } catch (error) {
    if (json) Print.line(JSON.stringify({ v: 1, error: Json.plain(problem(error)) }))
    else Print.failure(error)
    process.exitCode = exitCode(error)
  }
}

/** The exit code of an error. */
export function exitCode(error: unknown): ExitCode {
  if (error instanceof InputError && error.code === 'usage') return 2
  if (error instanceof BaseError && error.code === 'denied') return 3
  return 1
}

/** Bad usage: exit code 2. */
export function usage(message: string, hint?: string): InputError {
  return new InputError(message, { code: 'usage', ...(hint === undefined ? {} : { hint }) })
}

/** Longest question in characters; what a model takes in tokens is for its card to say. */
export const longestQuestion = 8_000

/** Refuses what is no question before anything is started or paid for it. */
export function expectQuestion(question: string): void {
  if (question.trim() === '') throw usage('expected a question', 'npx requite ask "How …?"')
  if (question.length > longestQuestion)
    throw usage(
      `expected a question of at most ${longestQuestion} characters, got ${question.length}`,
    )
}

/** Whether to print JSON: asked for, or nobody is reading at a terminal. */
export function wantsJson(flag: boolean | undefined): boolean {
  return flag ?? process.stdout.isTTY !== true
}

/** Ctrl-C and SIGTERM, from now on: what is open is closed first, however often they come. */
export type Interruption = {
  readonly came: Promise<void>
  /** Throws `interrupted` once it came. */
  check(): void
}

/** Listens for it. */
export function interruption(): Interruption {
  let hasCome = false
  const came = new Promise<void>((resolve) => {
    const interrupt = () => {
      if (!hasCome) Print.note('closing the books and the chain')
      hasCome = true
      resolve()
    }
    process.on('SIGINT', interrupt).on('SIGTERM', interrupt)
  })
  return {
    came,
    check() {
      if (hasCome)
        throw new BaseError('interrupted before the job was done', {
          code: 'interrupted',
          hint: 'nothing is lost: start again',
          retry: 'safe',
        })
    },
  }
}
