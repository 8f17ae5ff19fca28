/**
 * @module A local chain: one anvil process on loopback, for development and tests. It lives no longer
 * than the process that started it, however that one ends, and its state can be dumped and loaded.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, dirname, join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { BaseError, InputError } from '../kernel/Errors.ts'
import type { Hex } from '../kernel/Hex.ts'

/** Chain id of every local chain. */
export const chainId = 31337

/**
 * Private keys of the accounts that a fresh local chain funds with 10,000 units of its native coin each.
 * They are **public**: derived from the mnemonic "test test test test test test test test test test test
 * junk" that every such chain uses. Worth nothing anywhere else; never fund them on another chain.
 */
export const devKeys: readonly Hex[] = [
  '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80',
  '0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d',
  '0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a',
  '0x7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6',
  '0x47e179ec197488593b187f80a00eb0da91f1b9d0b13f8733639f19c30a34926a',
  '0x8b3a350cf5c34c9194ca85829a2df0ec3153be0318b5e2d3348e872092edffba',
  '0x92db14e403b83dfe3df233f83dfa3a0d7096f21ca9b0d6d6b8d88b2b4ec1564e',
  '0x4bbbf85ce3377467afe5d46f804f221813b2bb87f24d81f60f1fcdbf7cbf4356',
  '0xdbda1821b80551c9d65939329250298aa3472ba22feea921c0cf5d620ea67b97',
  '0x2a871d0798f97d79848a013d4936a73bf4cc922c825d33c1cf7073dff6d409c6',
]

/** A running local chain. */
export type LocalChain = {
  /** `http://127.0.0.1:<port>`. */
  readonly rpcUrl: string
  readonly chainId: typeof chainId
  /** Process id of the node itself. */
  readonly pid: number
  /** The whole state (accounts, blocks, transactions) as JSON text that `stateFile` loads. */
  dump(): Promise<string>
  /** Mines `blocks` (1 unless told), after moving the clock `aheadSec` seconds forward. */
  mine(options?: { readonly blocks?: number; readonly aheadSec?: number }): Promise<void>
  /** Ends the process; resolves when it is gone. Twice is once. */
  stop(): Promise<void>
}

/** How to start. `port` 0 lets the system choose a free one. */
export type Options = {
  readonly port?: number
  /** A file holding what `dump` gave. */
  readonly stateFile?: string
  /**
   * A block at least this often, beside one for each transaction: without it an idle chain's time stands
   * still, and a payment that was never made never expires.
   */
  readonly blockEverySec?: number
  /** Unless false, what the node prints is dropped; else it goes to stderr. */
  readonly quiet?: boolean
  /** Time to become ready, 20,000 ms unless told. */
  readonly readyMs?: number
}

/**
 * Path of the anvil program: the platform's npm package, else PATH. Throws `anvil-missing`.
 */
export function find(): string {
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch
  const program = process.platform === 'win32' ? 'anvil.exe' : 'anvil'
  const named = `@foundry-rs/anvil-${process.platform}-${architecture}`
  try {
    const manifest = createRequire(import.meta.url).resolve(`${named}/package.json`)
    const packaged = join(dirname(manifest), 'bin', program)
    if (existsSync(packaged)) return packaged
  } catch {
    // Not installed: PATH is asked next.
  }
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const candidate = join(folder, program)
    if (folder !== '' && existsSync(candidate)) return candidate
  }
  throw new BaseError('expected anvil, the local chain, and found none', {
    code: 'anvil-missing',
    hint: `npm install ${named}, or install Foundry and have anvil on PATH`,
    facts: { package: named },
  })
}

/** Starts a local chain on loopback. Throws `port-taken`, `anvil-missing` or `local-chain-failed`. */
export async function start(options: Options = {}): Promise<LocalChain> {
  const { port = 0, stateFile, blockEverySec, quiet = true, readyMs = 20_000 } = options
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new InputError(`expected a port from 0 to 65535, got ${port}`)
  if (stateFile !== undefined && !existsSync(stateFile))
    throw new InputError(`expected a dumped state in ${stateFile}, found no such file`)
  const node = launch(find(), [
    ...['--host', '127.0.0.1', '--port', String(port), '--chain-id', String(chainId)],
    '--enable-tx-gas-limit',
    '--no-cors',
    ...(stateFile === undefined ? [] : ['--load-state', stateFile]),
    ...(blockEverySec === undefined
      ? []
      : ['--block-time', String(blockEverySec), '--mixed-mining']),
  ])
  const gone = new Promise<void>((resolve) => node.once('close', () => resolve()))
  const stop = async () => {
    node.stdin.end()
    if (process.platform === 'win32') node.kill()
    await gone
  }
  try {
    const { pid, address } = await ready(node, { port, readyMs, quiet })
    const rpcUrl = `http://${address}`
    const answered = await call(rpcUrl, 'eth_chainId')
    if (answered !== `0x${chainId.toString(16)}`)
      throw failed(`expected chain ${chainId}, got ${String(answered)}`)
    if (quiet) await call(rpcUrl, 'anvil_setLoggingEnabled', [false])
    return {
      rpcUrl,
      chainId,
      pid,
      dump: () => dump(rpcUrl),
      mine: ({ blocks = 1, aheadSec = 0 } = {}) => mine(rpcUrl, blocks, aheadSec),
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

type Node = ChildProcessByStdio<Writable, Readable, Readable>

/**
 * Ends the node when its standard input closes: the system closes that pipe when the parent dies, even by
 * SIGKILL, when no handler of ours can run. A group of its own keeps Ctrl-C from ending the node before
 * the parent has dumped it.
 */
const guard = `
exec 3<&0 </dev/null
"$0" "$@" 3<&- &
node=$!
echo "pid $node"
( read -r line <&3; kill -KILL $node ) 2>/dev/null &
guard=$!
exec 3<&-
wait $node
code=$?
kill $guard 2>/dev/null
exit $code
`

function launch(program: string, args: readonly string[]): Node {
  const stdio: ['pipe', 'pipe', 'pipe'] = ['pipe', 'pipe', 'pipe']
  if (process.platform !== 'win32')
    return spawn('/bin/sh', ['-c', guard, program, ...args], { stdio, detached: true })
  const node = spawn(program, args, { stdio })
  process.once('exit', () => node.kill())
  return node
}

function ready(
  node: Node,
  options: { readonly port: number; readonly readyMs: number; readonly quiet: boolean },
): Promise<{ pid: number; address: string }> {
  let printed = ''
  let heard = false
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(late(options.readyMs)), options.readyMs)
    const hear = (chunk: Buffer) => {
      if (!options.quiet) process.stderr.write(chunk)
      if (heard) return
      printed = (printed + chunk.toString('utf8')).slice(-65_536)
      const address = /Listening on (127\.0\.0\.1:\d+)/.exec(printed)?.[1]
      if (address === undefined) return
      heard = true
      clearTimeout(timer)
      const pid = Number(/^pid (\d+)$/m.exec(printed)?.[1] ?? node.pid)
      resolve({ pid, address })
    }
    node.stdout.on('data', hear)
    node.stderr.on('data', hear)
    node.stdin.on('error', () => {})
    node.once('error', (cause) => reject(failed(`could not be started: ${cause.message}`)))
    node.once('close', () => {
      clearTimeout(timer)
      node.stdin.destroy()
      reject(ended(printed, options.port))
    })
  })
}

function ended(printed: string, port: number): BaseError {
  if (/address already in use|os error (48|98)|10048/i.test(printed))
    return new BaseError(`expected port ${port} to be free, and it is taken`, {
      code: 'port-taken',
      hint: 'choose another port, or 0 for any free one',
      facts: { port },
    })
  const tail = printed
    .split('\n')
    .filter((line) => /error/i.test(line))
    .slice(-3)
    .join('; ')
  return failed(`ended before it was ready${tail === '' ? '' : `: ${tail}`}`)
}

function late(readyMs: number): BaseError {
  return failed(`was not ready within ${readyMs} ms`)
}

function failed(what: string): BaseError {
  return new BaseError(`the local chain ${what}`, { code: 'local-chain-failed', retry: 'safe' })
}

async function dump(rpcUrl: string): Promise<string> {
  const packed = await call(rpcUrl, 'anvil_dumpState')
  if (typeof packed !== 'string') throw failed('gave no state')
  const json = await promisify(gunzip)(Buffer.from(packed.slice(2), 'hex'))
  return json.toString('utf8')
}

async function mine(rpcUrl: string, blocks: number, aheadSec: number): Promise<void> {
  if (aheadSec > 0) await call(rpcUrl, 'evm_increaseTime', [aheadSec])
  await call(rpcUrl, 'anvil_mine', [blocks])
}

async function call(rpcUrl: string, method: string, params: unknown[] = []): Promise<unknown> {
  let answer: { result?: unknown; error?: { message?: string } }
  try {
    const response = await fetch(rpcUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
      signal: AbortSignal.timeout(30_000),
    })
    answer = (await response.json()) as typeof answer
  } catch (cause) {
    throw new BaseError(`the local chain at ${rpcUrl} does not answer`, {
      code: 'chain-unreachable',
      hint: 'is it still running?',
      retry: 'safe',
      cause,
    })
  }
  if (answer.error !== undefined) throw failed(`refused ${method}: ${answer.error.message}`)
  return answer.result
}
