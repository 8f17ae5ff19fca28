/**
 * @module Manifest: the SHA-256 of every file of a closed home but keys, signed by the node's key. What
 * `verify` checks first, so that a changed byte names its file.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { z } from 'zod'
import * as Hash from '../kernel/Hash.ts'
import * as Json from '../kernel/Json.ts'
import { name } from '../kernel/Name.ts'
import type { TypedData } from '../kernel/TypedData.ts'
import * as Fields from '../market/Fields.schema.ts'
import * as Files from '../store/Files.ts'
import * as Wallet from '../wallets/Wallet.ts'
import type * as Home from './Home.ts'
import * as Verified from './Verified.ts'

const file = z.strictObject({
  path: z.string().min(1).max(4_096),
  sha256: Fields.hash,
  bytes: Fields.count,
})
const manifest = z.strictObject({
  v: z.literal(1),
  signer: Fields.address,
  files: z.array(file).max(1_000_000),
  signature: Fields.signature,
})

/** One thing that is not as the manifest says. */
export type Problem = { readonly path: string; readonly because: string }

/**
 * Keys stay out; so do the manifest itself, what a running process leaves for its callers, and what a
 * verification remembers: that is the verifier's, and sealed.
 */
function isOutside(path: string): boolean {
  if (Verified.isFile(path)) return true
  const base = path.split('/').at(-1)!
  return base === 'key.json' || base === 'control.json' || path === 'manifest.json'
}

/** Writes the manifest of a home whose processes have ended. */
export async function write(home: Home.Home, signer: Wallet.Wallet): Promise<void> {
  const files = Files.manifest(home.root, { exclude: isOutside })
  const body = { v: 1 as const, signer: signer.address, files }
  const signature = await signer.signTypedData(typedData(body))
  Files.writeAtomic(home.manifest, `${Json.encode({ ...body, signature })}\n`, { mode: 0o600 })
}

/** A home that is opened again has no manifest until it is closed. */
export function remove(home: Home.Home): void {
  rmSync(home.manifest, { force: true })
}

/**
 * What differs from the manifest; undefined when there is none. `signer` is who must have signed it, as
 * far as the caller knows.
 */
export function check(
  home: Home.Home,
): { readonly signer: string; readonly problems: readonly Problem[] } | undefined {
  if (!existsSync(home.manifest)) return undefined
  const bad = (because: string) => ({ signer: '', problems: [{ path: 'manifest.json', because }] })
  let parsed: z.infer<typeof manifest>
  try {
    const text = readFileSync(home.manifest, 'utf8')
    const result = manifest.safeParse(JSON.parse(text))
    if (!result.success) return bad(result.error.issues[0]!.message)
    parsed = result.data
    if (`${Json.encode(parsed)}\n` !== text) return bad('expected canonical JSON')
  } catch (error) {
    return bad((error as Error).message)
  }
  const { signature, ...body } = parsed
  if (!Wallet.verifyTypedData({ address: body.signer, data: typedData(body), signature }))
    return bad('expected the signature of its signer')
  const problems = Files.checkManifest(home.root, body.files, { exclude: isOutside })
  return {
    signer: body.signer,
    problems: problems.map(({ path, problem }) => ({
      path,
      because: `file ${problem} since it was closed`,
    })),
  }
}

function typedData(body: Omit<z.infer<typeof manifest>, 'signature'>): TypedData {
  return {
    domain: { name, version: '1', chainId: 0 },
    primaryType: 'Manifest',
    types: { Manifest: [{ name: 'digest', type: 'bytes32' }] },
    message: { digest: Hash.digest(body) },
  }
}
