/** @module Verification in a process of its own: it trusts nothing but files, this one included. */
import { spawn } from 'node:child_process'
import { BaseError } from '../kernel/Errors.ts'
import type * as Home from './Home.ts'

/** Counts of a verification. */
export type Summary = {
  readonly records: number
  readonly failures: number
  readonly erased: number
}

/** Runs `requite verify --all --json` on a home and reads its last line. */
export async function run(home: Home.Home, note: (text: string) => void): Promise<Summary> {
  note('verifying both folders from files')
  const child = spawn(
    process.execPath,
    [...process.execArgv, process.argv[1]!, 'verify', home.root, '--all', '--json'],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  let output = ''
  child.stdout.setEncoding('utf8')
  child.stdout.on('data', (text: string) => {
    output += text
  })
  await new Promise((resolve) => child.once('close', resolve))
  const last = output.trim().split('\n').at(-1) ?? ''
  try {
    const { records, failures, erased } = JSON.parse(last) as Summary
    if (typeof records === 'number') return { records, failures, erased }
  } catch {
    // Told below with what was printed.
  }
  throw new BaseError(`verify printed no summary: ${last.slice(0, 200)}`, { code: 'verify-failed' })
}
