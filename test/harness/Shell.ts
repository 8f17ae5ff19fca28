/**
 * @module The command line as somebody types it: the built program, in real processes, in a folder outside
 * of this repository. Every wait is bounded, and whatever a command starts carries a mark, so that a process left
 * behind is seen and ended.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ensureBuilt } from '../../scripts/setup.mjs'
import { root } from '../tidy/Source.ts'

const program = join(root, 'dist', 'cli', 'main.js')

/** How a command is run. */
export type How = {
  readonly input?: string | Uint8Array
  readonly timeoutMs?: number
  readonly env?: Readonly<Record<string, string>>
  /** A folder below the workspace; the workspace itself unless given. */
  readonly in?: string
}

/** A command that has ended. */
export type Ended = {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
  readonly ms: number
}

/** A command that runs. */
export type Running = {
  readonly pid: number
  readonly ended: Promise<Ended>
  stdout(): string
  stderr(): string
  /** Resolves once stdout or stderr holds `pattern`. */
  says(pattern: RegExp, withinMs?: number): Promise<RegExpExecArray>
  kill(signal: NodeJS.Signals): void
}

/** A folder like a user's project, and a shell in it. */
export type Shell = ReturnType<typeof open>

/**
 * A project: this repository's own documents and policy, and installed packages, all of them (a link) or
 * the documents of a few, which is quicker.
 */
export function open(packages: 'all' | readonly string[]) {
  ensureBuilt()
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'requite-shell-')))
  const mark = `REQUITE-TEST-${randomUUID()}`
  furnish(folder, packages)
  const children = new Set<ChildProcess>()
  const shell = {
    folder,
    home: join(folder, '.requite'),
    path: (...parts: string[]) => join(folder, ...parts),
    start(args: readonly string[], how: How = {}): Running {
      const child = launch(args, { ...how, folder, mark })
      children.add(child)
      return follow(child, how)
    },
    run: (args: readonly string[], how: How = {}) => shell.start(args, how).ended,
    /** Processes that this shell's commands started and that still run. */
    processes: () => marked(mark),
    /** Waits until none is left; those that are left after all. */
    async quiet(withinMs = 20_000): Promise<string[]> {
      const deadline = Date.now() + withinMs
      for (;;) {
        const left = marked(mark)
        if (left.length === 0 || Date.now() > deadline) return left.map(({ what }) => what)
        await sleep(50)
      }
    },
    async close() {
      for (const child of children) child.kill('SIGKILL')
      for (const { pid } of marked(mark)) end(pid)
      await shell.quiet(5_000)
      for (const each of [folder, stateOf(folder)]) rmSync(each, { recursive: true, force: true })
    },
  }
  return shell
}

/** Something that listens on a port, and does nothing else until it is closed. */
export async function occupy(): Promise<{ readonly port: string; close(): Promise<void> }> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    port: String(port),
    async close() {
      server.close()
      await once(server, 'close')
    },
  }
}

/** A port that nothing listens on. */
export async function freePort(): Promise<string> {
  const { port, close } = await occupy()
  await close()
  return port
}

/** The last line of what a command printed, read as JSON. */
export function last<T = Record<string, unknown>>({ stdout, stderr }: Ended): T {
  const line = stdout.trimEnd().split('\n').at(-1) ?? ''
  try {
    return JSON.parse(line) as T
  } catch {
    throw new Error(`expected a line of JSON, got ${JSON.stringify(line)}; stderr: ${stderr}`)
  }
}

function stateOf(folder: string): string {
  return `${folder}-state`
}

function furnish(folder: string, packages: 'all' | readonly string[]): void {
  for (const name of ['README.md', 'CONTRIBUTING.md', 'docs', 'policy.yaml', 'package.json'])
    if (existsSync(join(root, name)))
      cpSync(join(root, name), join(folder, name), { recursive: true })
  const installed = join(root, 'node_modules')
  if (packages === 'all') symlinkSync(installed, join(folder, 'node_modules'))
  else mkdirSync(join(folder, 'node_modules'))
  for (const name of packages === 'all' ? [] : packages) {
    mkdirSync(join(folder, 'node_modules', name), { recursive: true })
    for (const file of ['package.json', 'README.md'])
      cpSync(join(installed, name, file), join(folder, 'node_modules', name, file))
  }
}

function launch(
  args: readonly string[],
  { folder, mark, ...how }: How & { folder: string; mark: string },
): ChildProcess {
  const inherited = Object.entries(process.env).filter(
    ([key]) => !/^(REQUITE_|NODE_OPTIONS|NODE_ENV|VITEST|FORCE_COLOR|NO_COLOR)/.test(key),
  )
  const child = spawn(process.execPath, [program, ...args], {
    cwd: join(folder, how.in ?? '.'),
    env: {
      ...Object.fromEntries(inherited),
      REQUITE_TEST_MARK: mark,
      // What a user keeps for himself, and not in his home.
      XDG_STATE_HOME: stateOf(folder),
      ...how.env,
    },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  // A command that does not read its input closes it.
  child.stdin!.on('error', () => undefined)
  child.stdin!.end(how.input ?? '')
  return child
}

function follow(child: ChildProcess, { timeoutMs = 60_000 }: How): Running {
  const startedMs = performance.now()
  const printed = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]!.setEncoding('utf8')
    child[name]!.on('data', (text: string) => {
      printed[name] += text
    })
  }
  const told = () => `${printed.stdout.slice(-2_000)}\n${printed.stderr.slice(-4_000)}`
  const ended = new Promise<Ended>((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      reject(new Error(`expected an end within ${timeoutMs} ms; it said:\n${told()}`))
    }, timeoutMs)
    child.once('close', (code, signal) => {
      clearTimeout(timer)
      const ms = performance.now() - startedMs
      resolve({ code: code ?? (signal === null ? -1 : -2), ...printed, ms })
    })
  })
  ended.catch(() => undefined)
  return {
    pid: child.pid!,
    ended,
    stdout: () => printed.stdout,
    stderr: () => printed.stderr,
    async says(pattern, withinMs = 60_000) {
      const deadline = Date.now() + withinMs
      for (;;) {
        const found = pattern.exec(printed.stdout) ?? pattern.exec(printed.stderr)
        if (found !== null) return found
        if (child.exitCode !== null || Date.now() > deadline)
          throw new Error(`expected ${pattern} within ${withinMs} ms; it said:\n${told()}`)
        await sleep(10)
      }
    },
    kill: (signal) => void child.kill(signal),
  }
}

type Process = { readonly pid: number; readonly what: string }

/** Processes whose environment carries the mark, however they were started and whoever their parent is. */
function marked(mark: string): Process[] {
  if (!existsSync('/proc/self/environ')) return listed(mark)
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        if (!readFileSync(`/proc/${pid}/environ`, 'utf8').includes(mark)) return []
        const what = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
        return [{ pid: Number(pid), what: `${pid} ${what}` }]
      } catch {
        // It ended meanwhile, or is somebody else's.
        return []
      }
    })
}

function listed(mark: string): Process[] {
  return execFileSync('ps', ['-Aww', '-E', '-o', 'pid=,command='], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.includes(mark))
    .map((what) => ({ pid: Number.parseInt(what, 10), what }))
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It ended by itself.
  }
}
