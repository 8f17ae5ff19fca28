/** @module Rules of structure: who may import whom, which library lives where, what stays pure. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as House from './House.ts'
import * as Rule from './Rule.ts'
import * as Source from './Source.ts'

const isPure = (source: Source.Source) =>
  source.room !== undefined && House.floor(source.room) <= House.topPureFloor

const manifest = JSON.parse(readFileSync(join(Source.root, 'package.json'), 'utf8')) as {
  dependencies: Record<string, string>
  peerDependencies: Record<string, string>
}

/** Rooms and their files. */
export const rooms: readonly Rule.Rule[] = [
  {
    says: 'every folder of src is a room of the plan',
    find: Rule.each((source, see) => {
      if (source.room === undefined) return
      see.saw()
      if (House.floor(source.room) === -1) see.wrong(source.path, 'is in no room of the plan')
    }, 'tests too'),
    bad: { 'src/utils/Text.ts': '' },
  },
  {
    says: 'imports go down only, and neighbours do not know each other',
    find: Rule.each((source, see) => {
      if (source.room === undefined) return
      for (const { file } of source.imports) {
        const [, room] = /^src\/(?:([^/]+)\/)?/.exec(file ?? '') ?? []
        if (file?.startsWith('src/') !== true) continue
        see.saw()
        if (room === source.room) continue
        if (room === undefined) see.wrong(source.path, `imports ${file}, the door above all rooms`)
        else if (House.floor(room) >= House.floor(source.room))
          see.wrong(source.path, `imports ${file}: ${room} is not below ${source.room}`)
      }
    }, 'tests too'),
    bad: {
      'src/kernel/Up.ts': "import * as Policy from '../policies/Policy.ts'",
      'src/market/Aside.ts': "export * from '../royalties/Account.ts'",
      'src/store/Typed.ts': "import type * as Buyer from '../agents/Buyer.ts'",
      'src/models/Lazy.ts': "export const lazy = () => import('../wallets/Wallet.ts')",
      'src/agents/Inline.ts': "export type App = import('../server/App.ts').App",
      'src/cli/Door.ts': "import * as All from '../index.ts'",
    },
  },
  {
    says: 'a relative import names a file that is there',
    find: Rule.each((source, see) => {
      for (const { file, specifier } of source.imports) {
        if (file === undefined) continue
        see.saw()
        if (!/\.(ts|mjs|json)$/.test(specifier) || !existsSync(join(Source.root, file)))
          see.wrong(source.path, `imports ${specifier}: no such file`)
      }
    }, 'tests too'),
    bad: {
      'src/kernel/A.ts': "import * as Money from './Money'",
      'src/kernel/B.ts': "import * as Money from './Mony.ts'",
    },
  },
  {
    says: 'no import cycles',
    find: cycles,
    bad: {
      'src/kernel/A.ts': "import * as B from './B.ts'",
      'src/kernel/B.ts': "export * as C from './C.ts'",
      'src/kernel/C.ts': "import { a } from './A.ts'",
    },
  },
]

/** Libraries, builtins, the world. */
export const world: readonly Rule.Rule[] = [
  {
    says: 'every library has one room, and consumers get it',
    find: Rule.each((source, see) => {
      for (const { library, typeOnly } of source.imports) {
        if (library === undefined) continue
        see.saw()
        if (typeOnly && House.typesAnywhere.includes(library)) continue
        const rooms = House.libraries[library]
        if (rooms === undefined) see.wrong(source.path, `imports ${library}, which has no room`)
        else if (!rooms.test(source.path))
          see.wrong(source.path, `imports ${library}, which lives in ${rooms}`)
        if (!(library in manifest.dependencies) && !(library in manifest.peerDependencies))
          see.wrong(source.path, `imports ${library}, which is neither dependency nor peer`)
      }
    }),
    bad: {
      'src/royalties/Chain.ts': "import { createPublicClient } from 'viem'",
      'src/server/Sql.ts': "import type { Database } from 'libsql/promise'",
      'src/economy/Parse.ts': "import { z } from 'zod'",
      'src/cli/Left.ts': "import pad from 'left-pad'",
      'src/models/Types.ts': "export type Model = import('@langchain/core').Model",
    },
  },
  {
    says: 'floors 0 to 2 use no builtin of Node',
    find: Rule.each((source, see) => {
      if (!isPure(source)) return
      see.saw()
      for (const { builtin } of source.imports)
        if (builtin !== undefined && !House.builtinExempt.includes(source.path))
          see.wrong(source.path, `imports ${builtin}`)
    }),
    bad: {
      'src/kernel/Disk.ts': "import { readFileSync } from 'node:fs'",
      'src/economy/Random.ts': "import { randomBytes } from 'node:crypto'",
    },
  },
  {
    says: 'the disk and other processes have their rooms',
    find: Rule.each((source, see) => {
      for (const { builtin } of source.imports) {
        if (builtin === undefined) continue
        see.saw()
        if (House.effectful[builtin]?.test(source.path) === false)
          see.wrong(source.path, `imports ${builtin}, which lives in ${House.effectful[builtin]}`)
      }
    }),
    bad: {
      'src/agents/Notes.ts': "import { appendFile } from 'node:fs/promises'",
      'src/server/Spawn.ts': "import { spawn } from 'node:child_process'",
    },
  },
  {
    says: 'floors 0 to 2 read no clock, no randomness, no network, no environment',
    find: Rule.eachNode((source, node, above, see) => {
      if (!isPure(source)) return
      if (node.type === 'Program') see.saw()
      const name = impurity(node, above)
      if (name !== undefined) see.wrong(Source.place(source, node), `reads ${name}`)
    }),
    bad: {
      'src/kernel/A.ts': 'export const now = () => Date.now()',
      'src/kernel/B.ts': 'export const now = () => new Date()',
      'src/market/C.ts': 'export const draw = Math.random',
      'src/economy/D.ts': 'export const home = process.env.HOME',
      'src/policies/E.ts': "export const ask = () => fetch('http://localhost')",
      'src/royalties/F.ts': 'export const tick = { at: performance.now() }',
      'src/datanets/G.ts': 'export const later = () => setTimeout(() => 1, 5)',
      'src/provenance/H.ts': 'export const salt = globalThis.crypto.getRandomValues',
    },
  },
]

const impure = new Set([
  ...['process', 'performance', 'fetch', 'crypto', 'console', 'globalThis', 'navigator'],
  ...['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'localStorage', 'require'],
])

/** The name of what a node reads of the world, if it does. */
function impurity(node: Source.Node, above: readonly Source.Node[]): string | undefined {
  const parent = above.at(-1)
  if (node.type === 'NewExpression' && Rule.nameOf(node.callee) === 'Date')
    return (node.arguments as unknown[]).length === 0 ? 'new Date()' : undefined
  if (node.type === 'MemberExpression') {
    const member = `${Rule.nameOf(node.object)}.${Rule.nameOf(node.property)}`
    return member === 'Date.now' || member === 'Math.random' ? member : undefined
  }
  if (node.type !== 'Identifier' || !impure.has(String(node.name))) return undefined
  const isKey =
    (parent?.property === node || parent?.key === node) &&
    parent.computed !== true &&
    parent.shorthand !== true
  return isKey || parent?.type.startsWith('TS') === true ? undefined : String(node.name)
}

/** Depth first; each cycle is told once, at the edge that closes it. */
function cycles(sources: readonly Source.Source[]): Rule.Finding {
  const graph = new Map(
    sources
      .filter((source) => !source.isTest)
      .map((source) => [
        source.path,
        source.imports.filter((each) => !each.typeOnly).flatMap(({ file }) => file ?? []),
      ]),
  )
  const wrong: string[] = []
  const done = new Set<string>()
  const visit = (path: string, above: readonly string[]) => {
    if (above.includes(path)) wrong.push([...above.slice(above.indexOf(path)), path].join(' → '))
    else if (!done.has(path))
      for (const file of graph.get(path) ?? []) visit(file, [...above, path])
    done.add(path)
  }
  for (const path of graph.keys()) visit(path, [])
  return { seen: [...graph.values()].flat().length, wrong }
}
