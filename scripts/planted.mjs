/**
 * @module `npm run test:planted`: whether tests see bugs. Each file of `test/planted` is a one-line mistake
 * that a good engineer could make and the test that must turn red; each is made in a copy of the
 * repository, where only that test runs. First all those tests must be green without it.
 * `npm run test:planted -- carry` plants only the bugs with that in their names.
 */
import { spawn, spawnSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { ensureInstalled, root } from './setup.mjs'

const folder = join(root, 'test', 'planted')
const members = ['file', 'find', 'replace', 'says', 'test']
const atOnce = 2
const limitS = 120

/** What stands between the test's file, its groups and its name in `test`. */
const arrow = ' > '

/**
 * @typedef {{ name: string, file: string, find: string, replace: string, says: string, test: string }} Bug
 * `file` and `test` begin at the repository's folder.
 */

/**
 * All bugs there are.
 * @returns {Bug[]}
 */
export function bugs() {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => {
      const bug = JSON.parse(readFileSync(join(folder, name), 'utf8'))
      const isWhole =
        Object.keys(bug).sort().join() === members.join() &&
        members.every((member) => typeof bug[member] === 'string') &&
        bug.test.split(arrow).length > 1
      if (!isWhole)
        throw new Error(`expected ${name} to say ${members.join(', ')}, got ${Object.keys(bug)}`)
      return { name: name.slice(0, -5), ...bug }
    })
}

/**
 * The text of a bug's file with the bug in it. Throws unless it is one line, in exactly one place.
 * @param {Bug} bug
 * @param {string} text
 */
export function plant({ name, file, find, replace }, text) {
  const places = text.split(find).length - 1
  if (places !== 1)
    throw new Error(`${name}: expected its \`find\` once in ${file}, got ${places} places`)
  const planted = text.replace(find, () => replace)
  const [before, after] = changed(text.split('\n'), planted.split('\n'))
  if (before !== 1 || after > 1)
    throw new Error(`${name}: expected one line to change, got ${before} and ${after} instead`)
  return planted
}

/**
 * The file a bug's test is in, and its path there: titles of groups, then its own.
 * @param {Bug} bug
 * @returns {{ file: string, path: string[] }}
 */
export function testOf(bug) {
  const [file, ...path] = bug.test.split(arrow)
  return { file, path }
}

/** How many lines differ before and after, from the first that does to the last. */
function changed(before, after) {
  const most = Math.min(before.length, after.length)
  let top = 0
  while (top < most && before[top] === after[top]) top++
  let bottom = 0
  while (bottom < most - top && before.at(-1 - bottom) === after.at(-1 - bottom)) bottom++
  return [before.length - top - bottom, after.length - top - bottom]
}

const running = new Set()

async function run(wanted) {
  const startedAt = performance.now()
  const isWanted = ({ name }) => wanted.length === 0 || wanted.some((part) => name.includes(part))
  const chosen = bugs().filter(isWanted)
  if (chosen.length === 0) throw new Error(`expected bugs named ${wanted.join(' ')}, found none`)
  const scratch = mkdtempSync(join(tmpdir(), 'requite-planted-'))
  const clear = () => rmSync(scratch, { recursive: true, force: true, maxRetries: 3 })
  for (const signal of ['SIGINT', 'SIGTERM'])
    process.once(signal, () => {
      for (const child of running) end(child)
      clear()
      process.exit(130)
    })
  try {
    // All copies are made of the first: whoever edits meanwhile changes nothing here.
    const files = repository()
    const sound = copy(files, { from: root, to: join(scratch, 'sound') })
    const planted = plantAll(chosen, sound)
    await expectGreen(chosen, sound)
    const rows = []
    const queue = [...chosen]
    const worker = async () => {
      for (let bug = queue.shift(); bug !== undefined; bug = queue.shift()) {
        const at = copy(files, { from: sound, to: join(scratch, bug.name) })
        writeFileSync(join(at, bug.file), planted.get(bug))
        const found = await verdicts(at, [bug])
        rmSync(at, { recursive: true, force: true, maxRetries: 3 })
        rows.push({ bug, verdict: found.of(bug), ...found })
      }
    }
    await Promise.all(Array.from({ length: atOnce }, worker))
    report(rows, (performance.now() - startedAt) / 1000)
  } finally {
    clear()
  }
}

/** Each bug's file with the bug in it. Throws naming all that do not fit. */
function plantAll(chosen, at) {
  const planted = new Map()
  const unfit = []
  for (const bug of chosen)
    try {
      planted.set(bug, plant(bug, readFileSync(join(at, bug.file), 'utf8')))
    } catch (error) {
      unfit.push(error.message)
    }
  if (unfit.length > 0) throw new Error(unfit.join('\n'))
  return planted
}

async function expectGreen(chosen, at) {
  const { of, output, seconds } = await verdicts(at, chosen)
  const unfit = chosen.filter((bug) => of(bug) !== 'passed')
  if (unfit.length > 0) {
    const said = unfit.map((bug) => `${bug.name}: its test ${of(bug)}: ${bug.test}`)
    const expected = 'expected each test to be green before its bug is planted'
    throw new Error([output, ...said, expected].join('\n'))
  }
  console.log(`green without bugs: ${chosen.length} tests, ${seconds.toFixed(1)} s`)
}

/** Paths of the repository: what is tracked, and what is new and not ignored. */
function repository() {
  const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard']
  const { status, stdout } = spawnSync('git', args, { cwd: root, encoding: 'utf8' })
  if (status !== 0) throw new Error('expected a git repository: what is tracked is what is copied')
  const isFile = (path) => path !== '' && path !== 'node_modules' && existsSync(join(root, path))
  return [...new Set(stdout.split('\0'))].filter(isFile)
}

function copy(files, { from, to }) {
  for (const path of files) {
    mkdirSync(join(to, dirname(path)), { recursive: true })
    copyFileSync(join(from, path), join(to, path))
  }
  symlinkSync(join(root, 'node_modules'), join(to, 'node_modules'), 'junction')
  return to
}

/** Runs the tests of these bugs, and no others, in a copy. */
async function verdicts(at, chosen) {
  const startedAt = performance.now()
  const json = join(at, 'planted-report.json')
  const names = chosen.map((bug) => escaped(testOf(bug).path.join(' ')))
  const args = [
    join(root, 'node_modules', 'vitest', 'vitest.mjs'),
    'run',
    ...new Set(chosen.map((bug) => testOf(bug).file)),
    `--testNamePattern=^(${names.join('|')})$`,
    `--maxWorkers=${chosen.length === 1 ? 1 : atOnce}`,
    '--cache=false',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${json}`,
  ]
  const output = await spawned(args, at)
  const results = existsSync(json) ? JSON.parse(readFileSync(json, 'utf8')).testResults : []
  const of = (bug) => {
    const { file, path } = testOf(bug)
    const found = results
      .filter(({ name }) => name.replaceAll('\\', '/').endsWith(`/${file}`))
      .flatMap(({ assertionResults }) => assertionResults)
      .filter(({ status }) => status === 'passed' || status === 'failed')
      .filter(
        ({ ancestorTitles, title }) => [...ancestorTitles, title].join(arrow) === path.join(arrow),
      )
    return found.length === 1 ? found[0].status : `ran ${found.length} times`
  }
  return { of, output, seconds: (performance.now() - startedAt) / 1000 }
}

/** Runs Node in a process group of its own, so that nothing it started outlives it; gives what it wrote. */
function spawned(args, cwd) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      cwd,
      env: { ...process.env, CI: 'true', NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: process.platform !== 'win32',
    })
    running.add(child)
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => {
        output += text
      })
    const timer = setTimeout(() => {
      output += `\nexpected an end within ${limitS} s\n`
      end(child)
    }, limitS * 1000)
    child.once('error', reject).once('close', () => {
      clearTimeout(timer)
      running.delete(child)
      resolve(output)
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

function report(rows, seconds) {
  const sorted = rows.sort((a, b) => (a.bug.name < b.bug.name ? -1 : 1))
  const width = Math.max(...sorted.map(({ bug }) => bug.name.length))
  for (const { bug, verdict, seconds } of sorted) {
    const seen = verdict === 'failed' ? 'red  ' : 'GREEN'
    console.log(
      `${seen} ${seconds.toFixed(1).padStart(5)} s  ${bug.name.padEnd(width)}  ${bug.test}`,
    )
  }
  const survivors = sorted.filter(({ verdict }) => verdict !== 'failed')
  for (const { bug, verdict, output } of survivors) {
    const how = verdict === 'passed' ? 'survives' : `could not be tried: its test ${verdict}`
    console.error(`\n${bug.name} ${how}\n  ${bug.says}\n  ${bug.file}\n  ${bug.test}`)
    if (verdict !== 'passed') console.error(output)
  }
  const red = sorted.length - survivors.length
  console.log(
    `${red} of ${sorted.length} planted bugs turned their test red, ${seconds.toFixed(0)} s`,
  )
  process.exitCode = survivors.length === 0 ? 0 : 1
}

function escaped(text) {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  ensureInstalled()
  try {
    await run(process.argv.slice(2))
  } catch (error) {
    console.error(error.message)
    process.exitCode = 1
  }
}
