/**
 * @module PolicyWatch: says in a line when a policy file changed: what is in force from the next purchase
 * on, or why nothing is bought until it is mended. It only tells: each purchase reads the file itself.
 */
import { unwatchFile, watchFile } from 'node:fs'
import { basename } from 'node:path'
import type * as Asset from '../kernel/Asset.ts'
import { problem } from '../kernel/Errors.ts'
import * as Check from '../policies/Check.ts'
import * as Policy from '../policies/Policy.ts'
import * as Policies from './Policies.ts'

/** What is watched, and who is told. */
export type Options = {
  readonly file: string
  readonly role: 'in force' | 'on trial'
  readonly asset: Asset.Asset
  readonly note: (text: string) => void
}

const everyMs = 500
/** So many sentences are told by their words; more, by their number. */
const fewSentences = 3

/** Watches until it is closed; keeps no process alive. */
export function on({ file, role, asset, note }: Options): { close(): void } {
  const read = () => {
    try {
      return { policy: Policies.read(file, [asset]) }
    } catch (error) {
      return { trouble: problem(error).title }
    }
  }
  let known = read()
  let latest = known.policy
  const look = () => {
    const found = read()
    const isSame =
      found.policy === undefined
        ? found.trouble === known.trouble
        : known.policy !== undefined && Policy.digest(found.policy) === Policy.digest(known.policy)
    known = found
    if (isSame) return
    if (found.policy === undefined) note(`${found.trouble}; nothing is bought until it is mended`)
    else note(`${basename(file)} is ${role}${changes(latest, found.policy) ?? ' again'}`)
    latest = found.policy ?? latest
  }
  const listener = watchFile(file, { interval: everyMs, persistent: false }, look)
  listener.unref()
  return { close: () => unwatchFile(file, look) }
}

/** In words, what came, what went, and what contradicts itself. */
function changes(before: Policy.Policy | undefined, after: Policy.Policy): string | undefined {
  const [old, current] = [before, after].map((policy) => (policy ? Policy.toSentences(policy) : []))
  const gone = old!.filter((sentence) => !current!.includes(sentence))
  const come = current!.filter((sentence) => !old!.includes(sentence))
  const told =
    gone.length + come.length > fewSentences
      ? [`${gone.length} sentences gone, ${come.length} new`]
      : [...gone.map((each) => `without "${each}"`), ...come.map((each) => `with "${each}"`)]
  const wrong = Check.findings(after).filter(({ kind }) => kind === 'contradiction')
  const words = [...told, ...wrong.map(({ because }) => `a contradiction: ${because}`)]
  return words.length === 0 ? undefined : ` as changed: ${words.join(', ')}`
}
