/**
 * @module What the benches of the journal record: the postings of one answer, as they follow from its
 * receipt. A posting is one account's delta. An answer shaped by ten contributions makes 23 of them:
 * execution, fee and gas to the provider, and to each contributor its influence and its premium.
 */
import * as Hash from '../src/kernel/Hash.ts'
import type * as Journal from '../src/store/Journal.ts'

/** Owner of the log. */
export const origin = `0x${'5e'.repeat(20)}`

const contributors = 10
/** Postings in one record. */
export const perRecord = 3 + 2 * contributors

/** An event of the journal: postings, or a few words. */
export type Posted = { readonly type: 'posted'; readonly [key: string]: unknown }

const provider = `0x${'5e'.repeat(20)}`

/** The postings of the number-th answer. */
export function posted(at: number): Journal.Draft<Posted> {
  const nano = (part: number) => String(1_000_000_000 + 7_919 * ((at + part) % 100_003))
  const postings: { account: string; nano: string; reason: string }[] = [
    { account: provider, nano: nano(0), reason: 'execution' },
    { account: provider, nano: nano(1), reason: 'fee' },
    { account: provider, nano: nano(2), reason: 'gas' },
  ]
  for (let part = 0; part < contributors; part++) {
    const account = `npm:package-${(at * 7 + part * 131) % 1_000}`
    postings.push({ account, nano: nano(3 + part), reason: 'influence' })
    postings.push({ account, nano: nano(13 + part), reason: 'premium' })
  }
  const event = { type: 'posted' as const, receipt: Hash.text(`receipt ${at}`), postings }
  return { id: `posted/${at}`, causes: [{ origin: provider, leaf: 0 }], event }
}

/** A compact record, such as a hold: at most 300 bytes as it stands in the log. */
export function compact(at: number): Journal.Draft<Posted> {
  return {
    id: `${at}`.padStart(8, '0'),
    causes: [],
    event: { type: 'posted', account: `npm:p-${at % 1_000}`, nano: String(10 ** 9 + at) },
  }
}
