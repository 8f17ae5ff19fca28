/**
 * @module `npm run test:simulation`: 50,000 simulations on all cores, with a table of what they were exposed
 * to. `-- --seed 7` runs one and shows each step; `-- --simulations 1000000 --first 1` as many as told.
 */
import { spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { createInterface } from 'node:readline'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'

const here = new URL('.', import.meta.url)
const root = fileURLToPath(new URL('../..', here))
/** Never more at once, however many cores there are. */
const mostProcesses = 8

/**
 * Runs `count` seeds from `first` on, each process its share.
 * @param {{ first?: number, count: number, mode?: 'trace' | 'fingerprints', limitS?: number,
 *   print?: (line: string) => void }} options
 * @returns {Promise<{ sum: Record<string, any>, failures: { seed: number, wrong: string[] }[],
 *   fingerprints: Record<number, string> }>}
 */
export async function simulate({ first = 1, count, mode, limitS = 3_600, print }) {
  const processes = Math.min(count, availableParallelism(), mostProcesses)
  const failures = []
  const fingerprints = {}
  const shares = Array.from({ length: processes }, (_, index) => {
    const from = first + Math.floor((count * index) / processes)
    return [from, first + Math.floor((count * (index + 1)) / processes) - from]
  })
  const sums = await Promise.all(
    shares.map(([from, share]) => child([from, share, ...(mode ? [mode] : [])], limitS, take)),
  )
  failures.sort((one, two) => one.seed - two.seed)
  return { sum: sums.reduce(plus), failures, fingerprints }

  function take(line) {
    if (!line.startsWith('{')) return void print?.(line)
    const { seed, wrong, fingerprint, sum } = JSON.parse(line)
    if (sum !== undefined) return sum
    if (fingerprint !== undefined) {
      fingerprints[seed] = fingerprint
      return undefined
    }
    failures.push({ seed, wrong })
    print?.(
      `seed ${seed}: ${wrong.join('\n  ')}\n  replay: node test/simulation/run.mjs --seed ${seed}`,
    )
  }
}

function child(args, limitS, take) {
  return new Promise((resolve, reject) => {
    const started = spawn(
      process.execPath,
      [
        ...['--single-threaded-gc', '--min-semi-space-size=16', '--max-semi-space-size=32'],
        '--conditions=source',
        ...['--import', 'tsx', '--import', new URL('hooks.mjs', here).href],
        ...[fileURLToPath(new URL('main.ts', here)), ...args.map(String)],
      ],
      { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] },
    )
    const end = () => started.kill('SIGKILL')
    process.once('exit', end)
    const timer = setTimeout(end, limitS * 1000)
    let sum
    createInterface({ input: started.stdout }).on('line', (line) => {
      sum = take(line) ?? sum
    })
    started.once('close', (code, signal) => {
      clearTimeout(timer)
      process.off('exit', end)
      if (code === 0 && sum !== undefined) resolve(sum)
      else
        reject(
          new Error(
            `expected seeds from ${args[0]} on to end within ${limitS} s, got ${signal ?? code}`,
          ),
        )
    })
  })
}

function plus(left, right) {
  if (typeof left === 'number' || left === undefined) return (left ?? 0) + (right ?? 0)
  const keys = new Set([...Object.keys(left), ...Object.keys(right ?? {})])
  return Object.fromEntries([...keys].map((key) => [key, plus(left[key] ?? 0, right?.[key] ?? 0)]))
}

/** The table for people to read. */
export function table(sum) {
  const { simulations, steps, crashes, payments, records, audits, checks, failures, cpuMs } = sum
  const rows = [
    ['simulations', simulations],
    ['steps', steps, `${(steps / simulations).toFixed(1)} each`],
    ['payments on chain', payments],
    ['records', records],
    ['audits', audits, `${checks} checks`],
    ['crashes', crashes],
    ...Object.entries(sum.crashedIn)
      .sort()
      .map(([name, count]) => [`  ${name}`, count]),
    ...Object.entries(sum.faults),
    ...Object.entries(sum.acts),
    ...Object.entries(sum.ends).map(([name, count]) => [`calls ${name}`, count]),
    ['CPU ms', cpuMs, `${(cpuMs / simulations).toFixed(2)} each`],
    ['failures', failures],
  ]
  const width = Math.max(...rows.map(([name]) => name.length))
  const number = (count) => count.toLocaleString('en').padStart(13)
  return rows.map(([name, count, note = '']) =>
    `${name.padEnd(width)} ${number(count)}  ${note}`.trimEnd(),
  )
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string' },
      simulations: { type: 'string', default: '50000' },
      first: { type: 'string', default: '1' },
    },
  })
  const { seed } = values
  const which =
    seed === undefined
      ? { first: Number(values.first), count: Number(values.simulations) }
      : { first: Number(seed), count: 1, mode: 'trace' }
  const { sum, failures } = await simulate({ ...which, print: (line) => console.log(line) })
  console.log(table(sum).join('\n'))
  process.exitCode = failures.length === 0 ? 0 : 1
}
