/**
 * @module What every script needs before it starts: a Node that is new enough, the packages of the lock
 * file, a build of the sources as they stand. Node's own modules only, because nothing else may be there
 * yet; all it prints goes to stderr, so that a program's stdout stays its own.
 */
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
} from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { writeTemplates } from './templates.mjs'

/** The repository's folder. */
export const root = fileURLToPath(new URL('..', import.meta.url))

/** The compiler's command line, without npx in between. */
export const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc')

/** Installs the packages of the lock file unless they are there. Ends the process if that fails. */
export function ensureInstalled() {
  orExit(() => {
    checkNode()
    install()
  })
}

/**
 * Builds `dist` unless it is newer than every source. The build happens beside it and takes its place in
 * one rename, so that a process that runs from `dist` never meets half of one. Ends the process if the
 * sources do not compile.
 */
export function ensureBuilt({ force = false } = {}) {
  const dist = join(root, 'dist')
  if (force || !isBuilt(dist)) orExit(() => build(dist))
}

function checkNode() {
  const { engines } = json(join(root, 'package.json'))
  const [major, minor] = engines.node.match(/\d+/g).map(Number)
  const [ownMajor, ownMinor] = process.versions.node.split('.').map(Number)
  if (ownMajor > major || (ownMajor === major && ownMinor >= minor)) return
  throw new Error(
    `expected Node ${engines.node}, got ${process.versions.node}: get a newer one from nodejs.org`,
  )
}

function install() {
  if (isInstalled()) return
  note('installing packages (npm ci)')
  const command = process.env.npm_execpath
  const [file, before] = command?.endsWith('js')
    ? [process.execPath, [command]]
    : [process.platform === 'win32' ? 'npm.cmd' : 'npm', []]
  const args = [...before, 'ci', '--include=dev', '--no-audit', '--no-fund']
  run(file, args, 'npm ci', process.platform === 'win32')
  if (!isInstalled()) throw new Error('expected npm ci to install all of package-lock.json')
}

function build(dist) {
  note('building (tsc)')
  const fresh = `${dist}.${process.pid}`
  const startedAt = new Date()
  try {
    run(process.execPath, [compiler, '-p', 'tsconfig.build.json', '--outDir', fresh], 'tsc')
    chmodSync(join(fresh, 'cli', 'main.js'), 0o755)
    writeTemplates(fresh)
    utimesSync(join(fresh, 'index.js'), startedAt, startedAt)
    swap(fresh, dist, `${fresh}.old`)
  } finally {
    for (const folder of [fresh, `${fresh}.old`]) rmSync(folder, { recursive: true, force: true })
  }
}

/** Puts `fresh` in the place of `dist`, although another process may be doing the same. */
function swap(fresh, dist, stale) {
  for (let attempt = 1; ; attempt++) {
    try {
      rmSync(stale, { recursive: true, force: true })
      if (existsSync(dist)) renameSync(dist, stale)
      renameSync(fresh, dist)
      return
    } catch (error) {
      if (attempt === 20) throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 25)
    }
  }
}

/** Whether each package of the lock file is in node_modules at its version; optional ones may be absent. */
function isInstalled() {
  const hidden = join(root, 'node_modules', '.package-lock.json')
  if (!existsSync(hidden)) return false
  const installed = json(hidden).packages
  return Object.entries(json(join(root, 'package-lock.json')).packages).every(
    ([path, wanted]) =>
      path === '' ||
      (installed[path] === undefined
        ? wanted.optional === true
        : installed[path].version === wanted.version && existsSync(join(root, path))),
  )
}

function isBuilt(dist) {
  const built = newest(join(dist, 'index.js'))
  const sources = ['src', 'examples', 'tsconfig.json', 'tsconfig.build.json']
  return built > 0 && sources.every((path) => newest(join(root, path)) <= built)
}

/** When the newest file at or below `path` was written, in milliseconds; 0 if there is none. */
function newest(path) {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat === undefined) return 0
  if (!stat.isDirectory()) return stat.mtimeMs
  return readdirSync(path)
    .map((name) => newest(join(path, name)))
    .reduce((latest, at) => Math.max(latest, at), stat.mtimeMs)
}

function run(file, args, name, shell = false) {
  const result = spawnSync(file, args, { cwd: root, stdio: ['ignore', 2, 2], shell })
  if (result.error) throw new Error(`${name} could not be started: ${result.error.message}`)
  if (result.status !== 0) throw new Error(`${name} failed (${result.signal ?? result.status})`)
}

function json(path) {
  return JSON.parse(readFileSync(path, 'utf8'))
}

function note(text) {
  process.stderr.write(`${text}\n`)
}

function orExit(work) {
  try {
    work()
  } catch (error) {
    note(error.message)
    process.exit(1)
  }
}
