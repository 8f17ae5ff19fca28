import { describe, expect, test } from 'vitest'
import * as Block from '../../../test/harness/Block.ts'
import * as Terms from '../../../test/harness/Terms.ts'
import * as Hash from '../../kernel/Hash.ts'
import type { Hex } from '../../kernel/Hex.ts'
import * as Epoch from '../../royalties/Epoch.ts'
import type * as Event from '../Event.ts'
import * as Epochs from './Epochs.ts'
import * as Facts from './Facts.ts'

const { asset } = Terms
const [till, vault, ann, ben, cold] = ['till', 'vault', 'ann', 'ben', 'cold'].map(
  Terms.address,
) as [Hex, Hex, Hex, Hex, Hex]

/** A log in vault units of 10 atoms. */
function facts(): Facts.Facts {
  const known = Facts.empty()
  const opened: Event.Of<'opened'> = {
    ...{ type: 'opened', role: 'node', name: 'node', address: Terms.address('seller') },
    ...{ asset, till, vault, scale: '10', local: true, salt: Hash.text('salt') },
  }
  Facts.take(known, opened, 0)
  return known
}

const leaf = (index: number, account: Hex, cumulative: bigint, named = false) =>
  Epoch.encodeLeaf({ index, named, account, cumulative })

function claimed(evidence: object, given: Partial<Event.Of<'claimed'>> = {}): Event.Of<'claimed'> {
  return {
    ...{ type: 'claimed', account: ben, index: 5, cumulativeAtoms: '70', atoms: '30' },
    evidence: evidence as Event.Of<'claimed'>['evidence'],
    ...given,
  }
}

describe('a claim in a range', () => {
  type Paid = Parameters<typeof Block.claimRange>[0]['paid']
  const range = (paid: Paid, given: { vault?: Hex; asset?: typeof asset } = {}) =>
    Block.claimRange({ asset, vault, number: 7, paid, ...given })
  const mine = { leaf: leaf(5, ben, 7n), account: ben, atoms: 30n }
  const neighbour = { leaf: leaf(4, ann, 9n), account: ann, atoms: 90n }

  test('is paid to the leaf’s own account, wherever the leaf stands in it', () => {
    for (const paid of [[mine], [neighbour, mine], [mine, neighbour]])
      expect(Epochs.claimedFault(facts(), claimed(range(paid)))).toBeUndefined()
  })

  test.each<[string, object, Partial<Event.Of<'claimed'>>, RegExp]>([
    ['of a leaf that is not in it', range([neighbour]), {}, /^no Claimed of leaf 5/],
    ['up to another amount', range([mine]), { cumulativeAtoms: '80' }, /^no Claimed of leaf 5/],
    ['of another index', range([mine]), { index: 6 }, /^no Claimed of leaf 6/],
    ['of another account', range([mine]), { account: ann }, /^no Claimed of leaf 5/],
    [
      'of a name, which ranges never pay to itself',
      range([{ ...mine, leaf: leaf(5, ben, 7n, true) }]),
      ...([{}, /^no Claimed of leaf 5/] as const),
    ],
    [
      'of another amount than was transferred',
      range([
        { ...mine, atoms: 31n },
        { ...neighbour, atoms: 30n },
      ]),
      ...([{}, /^no Transfer of 30 atoms from the vault to .* in the range/] as const),
    ],
    [
      'of a transfer to somebody else',
      range([{ ...mine, account: cold }]),
      ...([{}, /^no Transfer of 30 atoms from the vault/] as const),
    ],
    ['of another vault', range([mine], { vault: cold }), {}, /^no Claimed of leaf 5/],
    [
      'in another token',
      range([mine], { asset: { ...asset, id: `eip155:31337/erc20:${cold}` } }),
      ...([{}, /^no Transfer of 30 atoms/] as const),
    ],
    ['on another chain', { ...range([mine]), chainId: 1 }, {}, /^evidence from chain 1/],
  ])('is no claim %s', (_, evidence, given, because) => {
    expect(Epochs.claimedFault(facts(), claimed(evidence, given))).toMatch(because)
  })

  test('whose offset or count looks like the leaf is none: only the list counts', () => {
    const evidence = range([mine])
    const logs = evidence.logs.map((log) => {
      if (log.topics.length !== 1) return log
      const words = (log.data.slice(2).match(/.{64}/g) ?? []).map((word) => word)
      // The leaf where the count stands, and none in the list.
      return { ...log, data: `0x${words[0]}${words[2]}${words[1]}` }
    })
    expect(Epochs.claimedFault(facts(), claimed({ ...evidence, logs }))).toMatch(/^no Claimed/)
  })
})

describe('a redirect', () => {
  const made = (given: Partial<Event.Of<'redirected'>> = {}): Event.Of<'redirected'> => {
    const stated = { account: ben, to: cold, sequence: '0', index: 5, ...given }
    const evidence = Block.redirection({ asset, vault, number: 6, ...stated })
    return { type: 'redirected', ...stated, evidence }
  }
  const at = (number: number, to: Hex) =>
    Block.claim({ asset, vault, number, leaf: leaf(5, ben, 7n), to, atoms: 30n })
  const redirectedFacts = (...events: Event.Of<'redirected'>[]) => {
    const known = facts()
    for (const event of events) Facts.take(known, event, 9)
    return known
  }

  test('is what the vault logged: account, place, sequence and leaf', () => {
    expect(Epochs.redirectedFault(facts(), made())).toBeUndefined()
    for (const change of [{ account: ann }, { to: ann }, { sequence: '1' }, { index: 4 }])
      expect(Epochs.redirectedFault(facts(), { ...made(), ...change })).toMatch(/^no Redirected/)
    const { evidence } = made()
    const other = {
      ...evidence,
      logs: (evidence.logs as object[]).map((log) => ({ ...log, address: ann })),
    }
    expect(Epochs.redirectedFault(facts(), { ...made(), evidence: other })).toMatch(
      /^no Redirected/,
    )
    const elsewhere = { ...made(), evidence: { ...evidence, chainId: 1 } }
    expect(Epochs.redirectedFault(facts(), elsewhere)).toMatch(/^evidence from chain 1/)
    expect(Epochs.redirectedFault(Facts.empty(), made())).toMatch(/before the log was opened/)
  })

  test('is where claims are paid from then on: there, and nowhere else', () => {
    const known = redirectedFacts(made())
    expect(Epochs.claimedFault(known, claimed(at(7, cold)))).toBeUndefined()
    expect(Epochs.claimedFault(known, claimed(at(7, ben)))).toMatch(/paid to .*, its redirects say/)
    expect(Epochs.claimedFault(facts(), claimed(at(7, cold)))).toMatch(
      /paid to .*, its redirects say/,
    )
    expect(Epochs.claimedFault(known, claimed(at(5, cold)))).toMatch(
      'claim in block 5, before the redirect in block 6 that is recorded',
    )
  })

  test('is followed by the next one, and ended by one to the account itself', () => {
    const next = redirectedFacts(made(), made({ sequence: '1', to: ann }))
    expect(Epochs.claimedFault(next, claimed(at(7, ann)))).toBeUndefined()
    expect(Epochs.claimedFault(next, claimed(at(7, cold)))).toMatch(/its redirects say/)
    const ended = redirectedFacts(made(), made({ sequence: '1', to: ben }))
    expect(Epochs.claimedFault(ended, claimed(at(7, ben)))).toBeUndefined()
  })

  test('holds in ranges: what is redirected is logged by itself, never in the list', () => {
    const known = redirectedFacts(made())
    const mine = { leaf: leaf(5, ben, 7n), account: ben, atoms: 30n }
    const range = (paid: Parameters<typeof Block.claimRange>[0]['paid']) =>
      claimed(Block.claimRange({ asset, vault, number: 7, paid }))
    expect(Epochs.claimedFault(known, range([{ ...mine, to: cold }]))).toBeUndefined()
    expect(Epochs.claimedFault(known, range([mine]))).toMatch(/where .* is redirected/)
  })
})
