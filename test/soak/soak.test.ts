/**
 * The short soak: twenty agents, two days; all money counted after every epoch, every policy each evening,
 * every log audited at the end. Nothing passes by not happening. `npm run test:soak` is the long one.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import type * as Verdict from './Verdict.ts'

const started = new Set<ChildProcess>()
afterAll(() => {
  for (const child of started) child.kill('SIGKILL')
})

function soak(...args: string[]): Promise<Verdict.Report> {
  const program = fileURLToPath(new URL('full.ts', import.meta.url))
  const child = spawn(
    process.execPath,
    ['--conditions=source', '--import', 'tsx', program, '--json', ...args],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  started.add(child)
  let [told, said] = ['', '']
  child.stdout.on('data', (part) => {
    told += part
  })
  child.stderr.on('data', (part) => {
    said += part
  })
  return new Promise((resolve, reject) => {
    child.once('close', () => {
      const last = told.trim().split('\n').at(-1)!
      if (last.startsWith('{')) resolve(JSON.parse(last))
      else reject(new Error(`expected a report, got\n${said}`))
    })
  })
}

/** Of each, in two days; what a seed gives is the same on every machine. */
const least: Readonly<Record<string, number>> = {
  'payments on chain': 90,
  'purchases captured': 90,
  'purchases disputed': 2,
  'purchases refused': 50,
  epochs: 25,
  'counts of all money': 40,
  claims: 15,
  'atoms claimed': 2_000,
  'answers given again': 8,
  'reviews approved': 2,
  freezes: 2,
  restarts: 2,
  records: 900,
  'checks of audits': 5_000,
}

test('two days of twenty agents: all money in its place, every policy kept, every log verified', {
  timeout: 170_000,
}, async () => {
  const report = await soak('--days', '2')
  expect(report.wrong).toEqual([])
  for (const [what, count] of Object.entries(least))
    expect(report.counts[what] ?? 0, what).toBeGreaterThanOrEqual(count)
  const denials = Object.keys(report.refusals).filter((code) => code.startsWith('denied: '))
  expect(denials.sort()).toEqual([
    'denied: allow payees',
    'denied: cap USDC per 24h',
    'denied: cap USDC per 24h per payee',
    'denied: cap USDC per 7d',
    'denied: cap USDC per payment',
    'denied: frozen agent',
  ])
  expect(Object.keys(report.faults).sort()).toEqual([
    'answer altered',
    'answer lost',
    'buyer dies after it was served',
    'buyer dies before it is served',
    'payment never taken',
    'request lost',
    'seller restarts',
  ])
  // Each limit was nearly met by somebody: what is never approached is not tested.
  for (const [window, ppm] of Object.entries(report.nearest))
    expect(ppm, window).toBeGreaterThanOrEqual(500_000)
  expect(report.memory).toHaveLength(2)
})

test('a seed is the same story every time', { timeout: 60_000 }, async () => {
  const small = ['--agents', '4', '--days', '1', '--per-day', '4']
  const [one, again, other] = await Promise.all([
    soak(...small),
    soak(...small),
    soak(...small, '--seed', '2'),
  ])
  expect(one.wrong).toEqual([])
  expect(one.counts['payments on chain']).toBeGreaterThan(3)
  expect(again.fingerprint).toBe(one.fingerprint)
  expect(other.fingerprint).not.toBe(one.fingerprint)
})
