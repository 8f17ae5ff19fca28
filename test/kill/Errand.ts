/**
 * @module The child's end of the line to the harness: one line in says what to do, each line out says what
 * came of it. A child ends when the line is cut, so that none outlives whoever started it.
 */
import { writeSync } from 'node:fs'
import { createInterface } from 'node:readline'

/** No child lives longer, whatever happens. */
const lifeMs = 240_000

/** Waits for the errand. From then on the end of the line, or of the child's time, ends the process. */
export function read<Errand>(): Promise<Errand> {
  setTimeout(() => process.exit(9), lifeMs).unref()
  return new Promise((resolve) => {
    const lines = createInterface({ input: process.stdin })
    lines.once('line', (line) => resolve(JSON.parse(line) as Errand))
    lines.once('close', () => process.exit(8))
  })
}

/** Says something at once: what was said before a kill was said. */
export function say(what: { readonly [key: string]: unknown }): void {
  writeSync(1, `${JSON.stringify(what)}\n`)
}

/** Says where it stands, and goes no further: the harness kills it there. */
export function stop(at: string): Promise<never> {
  say({ at })
  return new Promise(() => undefined)
}

/** Waits. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
