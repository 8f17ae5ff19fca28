/**
 * @module The seams of the simulator, without any in the sources: where the code under test meets disk,
 * network, chain, clock or curve, the module that would do it is replaced by the one in `virtual/`.
 * Load with `node --import ./test/simulation/hooks.mjs`.
 */
import { register } from 'node:module'
import { isMainThread } from 'node:worker_threads'

if (isMainThread) register(import.meta.url)

const here = new URL('.', import.meta.url).href
const source = new URL('../../src/', here).href

/** What is replaced, by where it stands. */
const modules = new Map(
  Object.entries({
    'store/Journal.ts': 'Journal.ts',
    'store/Files.ts': 'Files.ts',
    'store/Books.ts': 'Books.ts',
    'policies/Policy.ts': 'Policy.ts',
    'provenance/Record.ts': 'Record.ts',
    'economy/Event.ts': 'Event.ts',
    'wallets/Rpc.ts': 'Rpc.ts',
    'wallets/NoteKey.ts': 'NoteKey.ts',
    'agents/Runtime.ts': 'Runtime.ts',
    'server/Library.ts': 'Library.ts',
  }).map(([path, name]) => [source + path, `${here}virtual/${name}`]),
)

/** What is replaced for one importer: libraries. */
const libraries = new Map([
  [`${source}kernel/Hash.ts @noble/hashes/sha3.js`, 'Keccak.ts'],
  [`${source}wallets/Wallet.ts @noble/curves/secp256k1.js`, 'Curve.ts'],
  [`${source}wallets/x402/Seller.ts @x402/core/facilitator`, 'Facilitator.ts'],
  [`${source}wallets/x402/Seller.ts @x402/evm`, 'Facilitator.ts'],
  [`${source}wallets/x402/Seller.ts @x402/evm/exact/facilitator`, 'Facilitator.ts'],
])

/** What a replacement imports is the real thing. */
export async function resolve(specifier, context, next) {
  const parent = (context.parentURL ?? '').split('?')[0]
  const library = libraries.get(`${parent} ${specifier}`)
  if (library !== undefined) return next(`${here}virtual/${library}`, context)
  const found = await next(specifier, context)
  const [url] = found.url.split('?')
  const replacement = parent.startsWith(`${here}virtual/`) ? undefined : modules.get(url)
  return replacement === undefined ? found : next(replacement, context)
}

/** What keeps the names of functions costs each closure a property; nobody reads them here. */
const naming = '__name=(target,value)=>__defProp(target,"name",{value,configurable:true})'

/** Sources as the compiler makes them, but for what only costs time. */
export async function load(url, context, next) {
  const loaded = await next(url, context)
  if (loaded.source == null || !url.startsWith('file:') || !/\.ts(\?|$)/.test(url)) return loaded
  return { ...loaded, source: String(loaded.source).replace(naming, '__name=(target)=>target') }
}
