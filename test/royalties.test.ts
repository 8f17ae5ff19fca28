/** A node whose documents descend from each other: sales, an epoch, claims where the payees signed, verified. */
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import * as Verification from '../src/cli/Verification.ts'
import type { Hex } from '../src/kernel/Hex.ts'
import * as Artifacts from '../src/server/Artifacts.ts'
import * as Settlement from '../src/server/Settlement.ts'
import * as LocalChain from '../src/wallets/LocalChain.ts'
import * as Redirect from '../src/wallets/Redirect.ts'
import * as Vault from '../src/wallets/Vault.ts'
import * as Wallet from '../src/wallets/Wallet.ts'
import * as Market from './harness/Market.ts'

const [ann, ben] = [5, 6].map((at) => Wallet.fromPrivateKey(LocalChain.devKeys[at]!)) as [
  Wallet.Wallet,
  Wallet.Wallet,
]
const cold = `0x${'c0'.repeat(20)}` as const
const [tides, bees] = Market.documents

let market: Market.Market
beforeAll(async () => {
  const documents = [
    { ...tides!, owner: ann.address },
    { ...bees!, owner: ben.address },
  ]
  market = await Market.open({ documents })
})
afterAll(() => market.close())

async function verified() {
  const { failures, checks } = Verification.run(join(market.scratch, 'node'), 'none')
  expect(failures).toEqual([])
  return checks
}

type Account = { claim: { leafWord: Hex; proof: Hex[] }; publishedAtoms: string }
async function accountOf(address: Hex): Promise<Account> {
  return (await (await fetch(`${market.baseUrl}/accounts/${address}`)).json()) as Account
}

/** Anyone pays an account what it is owed. */
async function claim(address: Hex) {
  const { chain, contracts } = market
  const stranger = chain.sender(Wallet.fromPrivateKey(LocalChain.devKeys[7]!))
  const { leafWord, proof } = (await accountOf(address)).claim
  return Vault.claim(stranger, { vault: contracts.vault, leafWord, proof })
}

async function sell(times: number) {
  const { buyer } = await market.agent()
  for (let step = 0; step < times; step++) {
    const question = 'How do bees tell where the clover stands?'
    const call = Market.call(market, { question, step })
    expect(await buyer.buy(call)).toMatchObject({ state: 'captured' })
  }
}

test('what is derived passes on once an epoch; payees are paid where they signed; all of it verifies', async () => {
  const { node, chain, contracts } = market
  const { vault } = contracts
  const [first, second] = [...node.books.state.sales.artifacts.values()]
  const parents = [{ artifact: first!.id, sharePpb: 250_000_000n }]
  const stated = [{ ...second!, parents }]
  expect(await Artifacts.register(node, stated)).toMatchObject({ kind: 'ok' })
  expect(await Artifacts.register(node, stated)).toEqual({ kind: 'exists' })
  const size = node.books.size()
  const ring = [{ ...first!, parents: [{ artifact: second!.id, sharePpb: 1n }] }]
  expect(await Artifacts.register(node, ring)).toMatchObject({ kind: 'refused' })
  // What no record could hold never reaches the books.
  const endless = { ...first!, id: `0x${'e1'.repeat(32)}` as Hex, kind: 'model' as const }
  await expect(
    Artifacts.register(node, [{ ...endless, addedStdUs: 10n ** 90n }]),
  ).rejects.toMatchObject({ code: 'event-malformed' })
  expect(node.books.size()).toBe(size)

  await sell(3)
  await Settlement.closeEpoch(node)
  const { balances } = node.books.state.sales.accruals
  const [annNano, benNano] = [ann, ben].map(({ address }) => balances.get(address)!.accruedNano)
  expect(annNano).toBe((annNano! + benNano!) / 4n)

  const sender = chain.sender(Wallet.fromPrivateKey(LocalChain.devKeys[7]!))
  const { sequence } = await Redirect.look(chain, { vault, account: ann.address })
  const { chainId } = chain
  const terms = { chainId, vault, to: cold, sequence, validBeforeSec: 2 ** 40 }
  const signed = await Redirect.sign(ann, terms)
  const leaf = (await accountOf(ann.address)).claim
  expect(await Redirect.submit({ chain, sender }, { signed, ...leaf })).toMatchObject({
    outcome: 'redirected',
  })
  expect(await claim(ann.address)).toMatchObject({ outcome: 'paid', to: cold })
  expect(await claim(ben.address)).toMatchObject({ outcome: 'paid', to: ben.address })
  await Settlement.observeClaims(node)
  await Settlement.observeClaims(node)
  const types = Array.from({ length: node.books.size() }, (_, at) => node.books.text(at))
    .map((text) => JSON.parse(text).event.type)
    .filter((type) => ['redirected', 'claimed'].includes(type))
  expect(types).toEqual(['redirected', 'claimed', 'claimed'])
  const checks = await verified()
  expect(checks.claim).toMatchObject({ verified: 3 })

  // At itself again: recorded in the chain's order, though the node looks only once, at the end.
  await sell(1)
  await Settlement.closeEpoch(node)
  expect(await claim(ann.address)).toMatchObject({ outcome: 'paid', to: cold })
  await sell(1)
  await Settlement.closeEpoch(node)
  const back = await Redirect.sign(ann, { ...terms, to: ann.address, sequence: sequence + 1n })
  const again = (await accountOf(ann.address)).claim
  await Redirect.submit({ chain, sender }, { signed: back, ...again })
  expect(await claim(ann.address)).toMatchObject({ outcome: 'paid', to: ann.address })
  await Settlement.observeClaims(node)
  expect((await verified()).claim).toMatchObject({ verified: 6 })
})
