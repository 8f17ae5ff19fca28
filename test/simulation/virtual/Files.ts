/** @module Files on a virtual disk: written whole, or not at all. */
import * as Hash from '../../../src/kernel/Hash.ts'
import type { Hex } from '../../../src/kernel/Hex.ts'
import type * as Real from '../../../src/store/Files.ts'
import * as World from '../World.ts'

function files(path: string): Map<string, string> {
  return World.party(path.split('/')[1]!).disk.files
}

/** Nothing to do: a virtual disk has no folders. */
export function ensureFolder(_folder: string): void {}

/** As the real one. */
export function readText(file: string): string | undefined {
  return files(file).get(file)
}

/** As the real one. */
export function readBytes(file: string): Uint8Array | undefined {
  const text = readText(file)
  return text === undefined ? undefined : Hash.bytes(text)
}

/** As the real one. */
export function writeAtomic(file: string, text: string): void {
  files(file).set(file, text)
}

/** As the real one. */
export function putDocuments(folder: string, texts: readonly string[]): Hex[] {
  return texts.map((text) => {
    const hash = Hash.text(text)
    writeAtomic(`${folder}/${hash}`, text)
    return hash
  })
}

/** As the real one. */
export function getDocument(folder: string, hash: Hex): Real.Document {
  const text = readText(`${folder}/${hash}`)
  return text === undefined ? { kind: 'erased' } : { kind: 'found', text }
}
