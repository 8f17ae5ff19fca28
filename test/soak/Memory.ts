/**
 * @module What the town's processes keep: the heap after all garbage is collected, three times at one
 * moment: as they have run so far, with all of them ended, and as their journals alone make them anew.
 */
import { setImmediate as turn } from 'node:timers/promises'
import { getHeapSnapshot, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** One look, in bytes of the heap that are not the compiler's. */
export type Look = {
  readonly day: number
  readonly records: number
  /** As they have run so far. */
  readonly liveBytes: number
  /** With every process ended: what modules and the town itself keep. */
  readonly endedBytes: number
  /** Opened again from their journals: what these must hold. */
  readonly freshBytes: number
  /** Timers, sockets, files and the like that keep a process up, by kind; of processes open and ended. */
  readonly liveHandles: Readonly<Record<string, number>>
  readonly endedHandles: Readonly<Record<string, number>>
}

/** How to look. */
export type Options = {
  readonly day: number
  readonly records: number
  readonly end: () => Promise<void>
  readonly reopen: () => Promise<void>
}

/** Looks; every process is another afterwards. */
export async function look({ day, records, end, reopen }: Options): Promise<Look> {
  const [liveBytes, liveHandles] = [await heap(), handles()]
  await end()
  const [endedBytes, endedHandles] = [await heap(), handles()]
  await reopen()
  const freshBytes = await heap()
  return { day, records, liveBytes, endedBytes, freshBytes, liveHandles, endedHandles }
}

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Bytes that are reached. What is dropped behind a finaliser is gone with the next collection. */
async function heap(): Promise<number> {
  for (let round = 0; round < 4; round += 1) {
    collect()
    await turn()
  }
  return withoutCode()
}

/** What is compiled grows as code gets hot, and says nothing of what is kept: counted is all else. */
const compiled = /^(code|hidden|object shape)$/

/** Bytes of all objects on the heap that are not the compiler's. */
async function withoutCode(): Promise<number> {
  const parts: Buffer[] = []
  for await (const part of getHeapSnapshot()) parts.push(part as Buffer)
  const { snapshot, nodes, strings } = JSON.parse(Buffer.concat(parts).toString()) as Snapshot
  const { node_fields: fields, node_types: types } = snapshot.meta
  const [type, name, size] = ['type', 'name', 'self_size'].map((field) => fields.indexOf(field))
  const kinds = types[type!] as readonly string[]
  let bytes = 0
  for (let at = 0; at < nodes.length; at += fields.length)
    if (!compiled.test(kinds[nodes[at + type!]!]!) && !isSystem(strings[nodes[at + name!]!]!))
      bytes += nodes[at + size!]!
  return bytes
}

function isSystem(name: string): boolean {
  return name.startsWith('system / ') && name !== 'system / JSArrayBufferData'
}

type Snapshot = {
  readonly snapshot: {
    readonly meta: { readonly node_fields: string[]; readonly node_types: (string | string[])[] }
  }
  readonly nodes: readonly number[]
  readonly strings: readonly string[]
}

function handles(): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const kind of process.getActiveResourcesInfo()) counts[kind] = (counts[kind] ?? 0) + 1
  // Connections kept alive between requests come and go by themselves.
  for (const kind of ['TCPSocketWrap', 'TCPSOCKETWRAP', 'Immediate']) delete counts[kind]
  return counts
}
