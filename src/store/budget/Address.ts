/**
 * @module Where a budget's writer is asked: a Unix domain socket in a folder that only its owner may enter,
 * or, where there can be none, loopback with a token in a file that only its owner can read.
 */
import * as fs from 'node:fs'
import * as path from 'node:path'
import * as Json from '../../kernel/Json.ts'
import * as Files from '../Files.ts'
import * as Command from './Command.schema.ts'

/** A way to the writer. */
export type Address =
  | { readonly kind: 'socket'; readonly path: string }
  | { readonly kind: 'loopback'; readonly port: number; readonly token: string }

/** What fits into a socket's address everywhere, its closing zero included (macOS: 104). */
const mostSocketBytes = 103

/** The socket's path; undefined where loopback has to do. */
export function socketOf(dir: string): string | undefined {
  const socket = path.join(folderOf(dir), 'socket')
  const isShort = Buffer.byteLength(socket) <= mostSocketBytes
  return process.platform !== 'win32' && isShort ? socket : undefined
}

/** The folder of socket or token, made and closed to others. */
export function makeFolder(dir: string): void {
  const folder = folderOf(dir)
  Files.ensureFolder(folder)
  fs.chmodSync(folder, 0o700)
}

/** Leaves port and token of a listening writer. */
export function writeLoopback(dir: string, address: { port: number; token: string }): void {
  Files.writeAtomic(loopbackFile(dir), JSON.stringify(address), { mode: 0o600 })
}

/** Takes away what a writer before has left. Only for who holds the lock. */
export function clear(dir: string): void {
  for (const file of [socketOf(dir), loopbackFile(dir)])
    if (file !== undefined) fs.rmSync(file, { force: true })
}

/** Where the writer said it would be; undefined when none said so. It may be gone. */
export function find(dir: string): Address | undefined {
  const socket = socketOf(dir)
  if (socket !== undefined)
    return fs.existsSync(socket) ? { kind: 'socket', path: socket } : undefined
  const file = loopbackFile(dir)
  const text = Files.readText(file)
  if (text === undefined) return undefined
  return { kind: 'loopback', ...Command.readLoopback(Json.parse(text, file)) }
}

function folderOf(dir: string): string {
  return path.join(dir, 'writer')
}

function loopbackFile(dir: string): string {
  return path.join(folderOf(dir), 'loopback.json')
}
