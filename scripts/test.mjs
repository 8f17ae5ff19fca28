/**
 * @module `npm test`: installs what is missing, then checks types, style, what nobody uses, the build and
 * every test. Each step runs whatever the others said and is bounded in time; the last line is a count,
 * the exit code the truth. `npm test -- src/kernel` runs only the tests under a path.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { compiler, ensureInstalled, root } from './setup.mjs'

const bin = (path) => join(root, 'node_modules', ...path.split('/'))

ensureInstalled()
const scratch = mkdtempSync(join(tmpdir(), 'requite-test-'))
const report = join(scratch, 'report.json')
const steps = [
  { name: 'types', limitS: 180, args: [compiler, '--noEmit'] },
  { name: 'lint', limitS: 60, args: [bin('@biomejs/biome/bin/biome'), 'check', '.'] },
  { name: 'unused', limitS: 120, args: [bin('knip/bin/knip.js'), '--no-config-hints'] },
  { name: 'build', limitS: 180, args: ['scripts/build.mjs'] },
  {
    name: 'tests',
    limitS: 1_800,
    args: [
      bin('vitest/vitest.mjs'),
      'run',
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${report}`,
      ...process.argv.slice(2),
    ],
  },
]

const outcomes = []
try {
  for (const step of steps) outcomes.push(await outcome(step))
} finally {
  outcomes.push(...counts())
  rmSync(scratch, { recursive: true, force: true })
}
for (const { name, ok, seconds } of outcomes.filter(({ seconds }) => seconds !== undefined))
  console.log(`${ok ? 'ok    ' : 'FAILED'} ${name.padEnd(8)} ${seconds.toFixed(1)} s`)
for (const check of outcomes.filter(({ seconds, ok }) => seconds === undefined && !ok))
  console.log(`FAILED ${check.name}`)
const passed = sum('passed')
const failed = sum('failed')
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 && passed > 0 ? 0 : 1

/** Runs a step in a process group of its own, so that nothing it started outlives it. */
function outcome({ name, limitS, args }) {
  const startedAt = performance.now()
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
      detached: process.platform !== 'win32',
    })
    const kill = () => end(child)
    const timer = setTimeout(() => {
      console.error(`${name}: expected an end within ${limitS} s`)
      kill()
    }, limitS * 1000)
    const interrupted = () => {
      kill()
      process.exit(130)
    }
    process.once('SIGINT', interrupted).once('SIGTERM', interrupted)
    child.once('close', (code) => {
      clearTimeout(timer)
      process.off('SIGINT', interrupted).off('SIGTERM', interrupted)
      const ok = code === 0
      const seconds = (performance.now() - startedAt) / 1000
      // The tests count themselves; a step counts as one.
      const counted = name === 'tests' ? {} : { passed: ok ? 1 : 0, failed: ok ? 0 : 1 }
      resolve({ name, ok, seconds, ...counted })
    })
  })
}

function end(child) {
  try {
    process.platform === 'win32' ? child.kill('SIGKILL') : process.kill(-child.pid, 'SIGKILL')
  } catch {
    // It ended by itself.
  }
}

/** What the test runner counted; a run without a report, a skipped test, or no test at all is a failure. */
function counts() {
  const tests = outcomes.find(({ name }) => name === 'tests')
  let result = { numPassedTests: 0, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0 }
  try {
    result = JSON.parse(readFileSync(report, 'utf8'))
  } catch {
    return [{ name: 'tests: expected a report, got none', ok: false, passed: 0, failed: 1 }]
  }
  const skipped = result.numPendingTests + result.numTodoTests
  const failed = result.numFailedTests
  const unnamed = tests?.ok === false && failed === 0 ? 1 : 0
  return [
    { name: 'tests failed', ok: failed === 0, passed: result.numPassedTests, failed },
    { name: `${skipped} tests were skipped`, ok: skipped === 0, passed: 0, failed: skipped },
    { name: 'tests: an error outside of any test', ok: unnamed === 0, passed: 0, failed: unnamed },
  ]
}

function sum(key) {
  return outcomes.reduce((total, outcome) => total + (outcome[key] ?? 0), 0)
}
