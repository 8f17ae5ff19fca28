/** @module What a party has on its disk: it outlives the process. */

/** Files, and the texts of a journal that are durable. */
export type Disk = {
  readonly name: string
  readonly files: Map<string, string>
  readonly texts: string[]
  readonly hashes: Uint8Array[]
  readonly ids: Map<string, string>
  /** Nonces with a durable `paying`, of a buyer; with a durable `accepted` or `served`, of a seller. */
  readonly nonces: Set<string>
}

/** An empty disk, or a copy of another. */
export function create(name: string, from?: Disk): Disk {
  return {
    name,
    files: new Map(from?.files),
    texts: [...(from?.texts ?? [])],
    hashes: [...(from?.hashes ?? [])],
    ids: new Map(from?.ids),
    nonces: new Set(from?.nonces),
  }
}

/** Makes a record durable. */
export function write(
  disk: Disk,
  row: { readonly id: string; readonly text: string },
  hash: Uint8Array,
) {
  disk.texts.push(row.text)
  disk.hashes.push(hash)
  disk.ids.set(row.id, row.text)
  if (/^(served|accepted)\//.test(row.id)) disk.nonces.add(row.id.split('/')[2]!)
  else if (row.id.startsWith('paying/'))
    disk.nonces.add((JSON.parse(row.text) as { event: { nonce: string } }).event.nonce)
}
