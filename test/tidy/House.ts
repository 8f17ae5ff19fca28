/** @module The house's plan: which room stands on which floor, which library lives in which room. */

/** Rooms from the ground up. What is on one floor does not know its neighbours. */
export const floors: readonly (readonly string[])[] = [
  ['kernel'],
  ['policies', 'attribution', 'datanets', 'market', 'royalties', 'provenance'],
  ['economy'],
  ['store', 'wallets', 'models'],
  ['agents', 'server'],
  ['cli'],
]

/** Floors up to this one are pure: no clock, randomness, network, environment or file system. */
export const topPureFloor = 2

/** The files of pure floors that may import a builtin of Node: chosen by an import condition. */
export const builtinExempt: readonly string[] = ['src/kernel/sha256.node.ts']

/** Builtins that touch the disk or start processes, and the files above floor 2 that may. */
export const effectful: Readonly<Record<string, RegExp>> = {
  'node:fs': /^src\/(store|cli)\/|^src\/wallets\/(Keystore|LocalChain)\.ts$/,
  'node:fs/promises': /^src\/(store|cli)\/|^src\/wallets\/(Keystore|LocalChain)\.ts$/,
  'node:child_process': /^src\/cli\/|^src\/wallets\/LocalChain\.ts$/,
  'node:sqlite': /^src\/store\//,
}

/** Each library and the files it may be imported by. A library that is not here has no room yet. */
export const libraries: Readonly<Record<string, RegExp>> = {
  '@hono/node-server': /^src\/server\//,
  '@langchain/core': /^src\/agents\//,
  '@langchain/langgraph': /^src\/agents\/langchain\//,
  '@noble/curves': /^src\/(kernel|wallets)\//,
  '@noble/hashes': /^src\/(kernel|wallets)\//,
  '@x402/core': /^src\/wallets\//,
  '@x402/evm': /^src\/wallets\//,
  citty: /^src\/cli\//,
  'cli-table3': /^src\/cli\//,
  hono: /^src\/server\//,
  langchain: /^src\/agents\//,
  libsql: /^src\/store\//,
  picocolors: /^src\/cli\//,
  'temporal-polyfill': /^src\/policies\//,
  viem: /^src\/wallets\//,
  xstate: /^src\/agents\//,
  yaml: /^src\/policies\//,
  zod: /\.schema\.ts$|^src\/(store|agents|server|cli)\//,
}

/** Libraries whose types may be named anywhere: what a schema infers is the type of plain data. */
export const typesAnywhere: readonly string[] = ['zod']

/** The floor of a room, or -1 of none. */
export function floor(room: string): number {
  return floors.findIndex((rooms) => rooms.includes(room))
}
