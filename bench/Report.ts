/**
 * @module What every bench prints: rows and ratios, as a table for people or, with `--json`, as one object
 * on the last line. Times are only comparable within a run, so peers are interleaved and ratios count.
 */
import { parseArgs } from 'node:util'

/** `ours` or `ours/<variant>`, otherwise the peer's name. */
export type Row = {
  readonly subject: string
  readonly metric: string
  readonly value: number
  readonly unit: string
}

/** What a bench found. `ratios['ours/peer']` above 1: ours is better. */
export type Report = {
  readonly bench: string
  readonly rows: readonly Row[]
  readonly ratios: Readonly<Record<string, number>>
}

/** What a bench is asked. */
export type Options = {
  readonly data: string | undefined
  readonly records: string | undefined
  readonly json: boolean
}

/** Reads the command line; prints help, or what is wrong with it, and exits. */
export function options(bench: string, help: string): Options {
  const usage = `usage: npm run bench -- ${bench} [--data <file>] [--records <n>] [--json]\n\n${help}\n`
  try {
    const { values } = parseArgs({
      options: {
        data: { type: 'string' },
        records: { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    })
    if (values.help) {
      process.stdout.write(usage)
      process.exit(0)
    }
    return { data: values.data, records: values.records, json: values.json }
  } catch (error) {
    return stop(`${(error as Error).message}\n${usage}`)
  }
}

/** Says what went wrong and exits with 2. */
export function stop(message: string): never {
  process.stderr.write(`${message}\n`)
  process.exit(2)
}

/** Progress, on stderr. */
export function note(message: string): void {
  process.stderr.write(`${message}\n`)
}

/** Prints a report. */
export function print(report: Report, { json }: Pick<Options, 'json'>): void {
  const lines = report.rows.map(
    ({ subject, metric, value, unit }) =>
      `${subject.padEnd(22)} ${metric.padEnd(22)} ${value.toPrecision(4).padStart(10)} ${unit}`,
  )
  const ratios = Object.entries(report.ratios).map(
    ([name, ratio]) => `${name.padEnd(45)} ${ratio.toPrecision(3).padStart(10)} ×`,
  )
  const table = `${[...lines, '', ...ratios].join('\n')}\n`
  if (json) {
    process.stderr.write(table)
    process.stdout.write(`${JSON.stringify({ v: 1, ...report })}\n`)
  } else process.stdout.write(table)
}

/** CPU milliseconds that a function took, and what it returned, so that its work counts. */
export function cpuMs<T>(work: () => T): { readonly ms: number; readonly result: T } {
  const before = process.cpuUsage()
  const result = work()
  const { user, system } = process.cpuUsage(before)
  return { ms: (user + system) / 1000, result }
}

/** The middle of several values. */
export function median(values: readonly number[]): number {
  return [...values].sort((left, right) => left - right)[values.length >> 1]!
}
