/**
 * Transactions under a policy, on Uniswap: what is stated is what may leave, whatever the simulation said,
 * whoever trades in between, and wherever the process ends.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Buyer, Purchase } from 'requite/agents'
import { Audit } from 'requite/economy'
import { Asset, type Hex } from 'requite/kernel'
import { allow, approve, cap, count, policy, stop } from 'requite/policies'
import { Journal } from 'requite/store'
import { Calls, Chain, LocalChain, PaymentEvidence, Vault, Wallet } from 'requite/wallets'
import { encodeFunctionData, parseAbi } from 'viem'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as Exchange from '../examples/support/Exchange.ts'

const scratch = mkdtempSync(join(tmpdir(), 'requite-transact-'))
const zero = `0x${'00'.repeat(20)}` as Hex.Hex
const dollars = (count: number) => BigInt(count) * 1_000_000n
const stranger = Wallet.fromPrivateKey(LocalChain.devKeys[3]!)
const erc20 = parseAbi(['function transfer(address to, uint256 value) returns (bool)'])

let local: LocalChain.LocalChain
let chain: Chain.Chain
let asset: Asset.Asset
let exchange: Exchange.Exchange
let faucet: Wallet.Wallet

beforeAll(async () => {
  local = await LocalChain.start()
  chain = await Chain.open({ rpcUrl: local.rpcUrl, chainId: local.chainId })
  faucet = Wallet.fromPrivateKey(LocalChain.devKeys[0]!)
  const token = await Vault.deployToken(chain.sender(faucet))
  asset = Asset.from({ id: `${chain.network}/erc20:${token}`, decimals: 6, symbol: 'USDC' })
  exchange = await Exchange.open({ chain, dollar: asset })
})
afterAll(async () => {
  await local.stop()
  rmSync(scratch, { recursive: true, force: true })
})

type Desk = Awaited<ReturnType<typeof open>>
let desks = 0

/** A desk with 10,000 dollars and coin for gas, under a policy of its own. */
async function open(
  more: Partial<Pick<Buyer.Options, 'chain'>> = {},
  rest: readonly Parameters<typeof policy>[2][number][] = [],
) {
  const wallet = Wallet.generate()
  desks += 1
  const dir = join(scratch, `desk-${desks}`)
  const sender = chain.sender(faucet)
  const { address: token } = Asset.parts(asset.id)
  await Vault.mint(sender, { token, to: wallet.address, atoms: dollars(10_000) })
  await sender.wait(await sender.send({ to: wallet.address, valueWei: 10n ** 18n }))
  const rules = policy('desk', asset, [
    allow.payees(...Object.values(exchange.routers), token),
    cap('2000 USDC').perPayment(),
    cap('5000 USDC').per('24h'),
    cap.slippage('1%'),
    stop.atDrawdown('10%').seenWithin('5m'),
    count(exchange.weth.id, 18).atPrices('1m'),
    ...rest,
  ])
  const contracts = { asset, till: zero, vault: zero }
  const options = { dir, wallet, chain, contracts, policy: rules, local: true, ...more }
  return { wallet, dir, options, buyer: await Buyer.open(options) }
}

/** A trade of a desk as its transaction, quoted now. */
async function trade(
  { wallet }: Pick<Desk, 'wallet'>,
  given: Partial<Exchange.Trade> & { step?: number; slippagePpb?: bigint; lostPpb?: bigint } = {},
) {
  const { venue = 'uniswap-v3', sell = asset, atoms = dollars(1_000), step = 0 } = given
  const { slippagePpb = 9_000_000n, lostPpb = 0n } = given
  const quoted = await exchange.quote({ venue, sell, atoms })
  const leastAtoms = given.leastAtoms ?? (quoted * 995n) / 1_000n
  const price = await exchange.price(venue)
  const deadlineSec = given.deadlineSec ?? 2 ** 40
  const call = exchange.swap({ venue, sell, atoms, leastAtoms, to: wallet.address, deadlineSec })
  const asOfMs = Date.now()
  const facts = { slippagePpb, drawdown: { ppb: lostPpb, asOfMs }, price: { atoms: price, asOfMs } }
  const named = { model: venue, category: 'trade', run: 'day', step }
  return { ...call, ...named, facts, spends: { asset: sell, mostAtoms: atoms }, quoted }
}

const balances = async ({ wallet }: Pick<Desk, 'wallet'>) =>
  Promise.all([asset, exchange.weth].map((each) => chain.balanceAtoms(each, wallet.address)))

/** What an auditor finds wrong in a desk's log. */
function failures(dir: string) {
  const reader = Journal.reader(join(dir, 'journal.db'))
  const texts = [...reader.read()]
  reader.close()
  const none = () => undefined
  return Audit.run({
    ...{ texts, leaves: none },
    document: () => ({ kind: 'erased' }),
    answer: () => ({ kind: 'erased' }),
    verifySignature: Wallet.verifyTypedData,
    readTransaction: Calls.read,
    checkPayment: (evidence, payment) =>
      PaymentEvidence.check(evidence as PaymentEvidence.Evidence, payment),
    transitionTables: new Map([[Purchase.machineDigest, Purchase.table]]),
  }).failures
}

describe.each(Exchange.venues)('a trade at %s', (venue) => {
  test('is simulated, decided, recorded and final; it takes what was stated and leaves no approval', async () => {
    const desk = await open()
    const { quoted, ...buy } = await trade(desk, { venue })
    const done = await desk.buyer.transact(buy)
    expect(done).toMatchObject({ state: 'captured', verdict: 'allow', paidAtoms: dollars(1_000) })
    expect(done.simulation!.calls.map(({ status }) => status)).toEqual(['success', 'success'])
    const [usd, coin] = [asset, exchange.weth].map(({ id }) => Asset.parts(id).address)
    expect(done.moved).toEqual(
      expect.arrayContaining([
        { token: usd, atoms: -dollars(1_000) },
        { token: coin, atoms: quoted },
      ]),
    )
    expect(await chain.balanceWei(desk.wallet.address)).toBe(10n ** 18n - done.feeWei)
    expect(await balances(desk)).toEqual([dollars(9_000), quoted])
    const router = exchange.routers[venue]
    expect(await chain.calls.allowanceAtoms(usd!, desk.wallet.address, router)).toBe(0n)
    // Back again: the coin counts at its stated price, and the cap of a day has seen both.
    const sell = await trade(desk, { venue, sell: exchange.weth, atoms: quoted, step: 1 })
    const sold = await desk.buyer.transact(sell)
    expect({ state: sold.state, because: sold.because }).toEqual({ state: 'captured' })
    expect((await balances(desk))[1]).toBe(0n)
    const used = desk.buyer.status().find(({ rule }) => rule === 'cap 5000 USDC per 24h')!
      .meter.used
    expect(BigInt(used) > dollars(1_980) && BigInt(used) < dollars(2_010), used).toBe(true)
    expect(desk.buyer.spentAtoms()).toBe(dollars(1_000))
    await desk.buyer.close()
    expect(failures(desk.dir)).toEqual([])
  })
})

describe('what the policy denies is not signed', () => {
  test.each([
    ['slippage above the cap', { slippagePpb: 10_000_001n }, /^cap slippage 1%: 1\.0000001% asked/],
    ['a drawdown', { lostPpb: 100_000_000n }, /^stop at drawdown 10% seen within 5m: 10% lost/],
    ['a payment above its cap', { atoms: dollars(2_001) }, /^cap 2000 USDC per payment/],
  ])('%s', async (_, given, because) => {
    const desk = await open()
    const done = await desk.buyer.transact(await trade(desk, given))
    expect(done).toMatchObject({ state: 'refused', verdict: 'deny', paidAtoms: 0n, feeWei: 0n })
    expect(done.because).toMatch(because)
    expect(await balances(desk)).toEqual([dollars(10_000), 0n])
    expect(await chain.balanceWei(desk.wallet.address)).toBe(10n ** 18n)
    await desk.buyer.close()
  })

  test('a router that is not among the payees, and everything once it is frozen', async () => {
    const desk = await open()
    const token = exchange.weth
    const other = encodeFunctionData({ abi: erc20, functionName: 'transfer', args: [zero, 0n] })
    const call = { to: Asset.parts(token.id).address, data: other, run: 'x', step: 0, model: 'x' }
    const unlisted = { ...call, spends: { asset, mostAtoms: 0n } }
    const denied = await desk.buyer.transact(unlisted)
    expect(denied).toMatchObject({ state: 'refused', verdict: 'deny' })
    expect(denied.because).toMatch(/payees/)
    await desk.buyer.freeze({ kind: 'everything' }, { by: 'ops', because: 'stop' })
    const frozen = await desk.buyer.transact(await trade(desk))
    expect(frozen).toMatchObject({ state: 'refused', verdict: 'deny' })
    await desk.buyer.thaw({ kind: 'everything' }, { by: 'ops' })
    expect((await desk.buyer.transact(await trade(desk))).state).toBe('captured')
    await desk.buyer.close()
  })
})

test('a call that lets somebody take tokens is no transaction', async () => {
  const desk = await open()
  const token = Asset.parts(asset.id).address
  const unlimited = Calls.approval(token, stranger.address, 2n ** 256n - 1n)
  const spends = { asset, mostAtoms: dollars(1) }
  const asked = { ...unlimited, spends, model: 'x', run: 'x', step: 0 }
  await expect(desk.buyer.transact(asked)).rejects.toMatchObject({ code: 'call-malformed' })
  await desk.buyer.close()
})

test('a call that takes more than is stated, or something else, is refused when it is tried', async () => {
  const desk = await open()
  const to = Asset.parts(asset.id).address
  const args = [stranger.address, dollars(5)] as const
  const data = encodeFunctionData({ abi: erc20, functionName: 'transfer', args })
  const named = { to, data, model: 'x', run: 'x' }
  const less = { ...named, step: 0, spends: { asset, mostAtoms: dollars(4) } }
  expect(await desk.buyer.transact(less)).toMatchObject({ state: 'refused', code: 'spends-more' })
  const other = { ...named, step: 1, spends: { asset: exchange.weth, mostAtoms: dollars(5) } }
  expect(await desk.buyer.transact(other)).toMatchObject({ state: 'refused', code: 'spends-more' })
  expect((await balances(desk))[0]).toBe(dollars(10_000))
  await desk.buyer.close()
})

/** A chain that lets somebody act after a transaction is signed and before it is sent. */
function interrupted(act: () => Promise<void>): Chain.Chain {
  let acted = false
  const send: Calls.Calls['send'] = async (signed) => {
    if (!acted) {
      acted = true
      await act()
    }
    return chain.calls.send(signed)
  }
  return { ...chain, calls: { ...chain.calls, send } }
}

test('somebody who trades in between makes it revert: the hold is given back, only gas is gone, and said', async () => {
  const front = () =>
    exchange.disturb(stranger, { venue: 'uniswap-v2', sell: asset, atoms: dollars(20_000) })
  const desk = await open({ chain: interrupted(front) })
  const buy = await trade(desk, { venue: 'uniswap-v2' })
  const done = await desk.buyer.transact(buy)
  expect(done).toMatchObject({ state: 'refused', code: 'reverted', paidAtoms: 0n, moved: [] })
  expect(done.simulation!.calls.every(({ status }) => status === 'success')).toBe(true)
  expect(done.states).toContain('executing')
  expect(done.because).toBe(`reverted in ${done.evidence!.tx}; ${done.feeWei} wei of gas are gone`)
  expect(await balances(desk)).toEqual([dollars(10_000), 0n])
  expect(await chain.balanceWei(desk.wallet.address)).toBe(10n ** 18n - done.feeWei)
  for (const { meter } of desk.buyer.status()) expect(meter).toMatchObject({ used: '0', held: '0' })
  // The next attempt is another one, at the price there is now.
  const again = await desk.buyer.transact(await trade(desk, { venue: 'uniswap-v2' }))
  expect(again.state).toBe('captured')
  expect(again.purchase).not.toBe(done.purchase)
  await desk.buyer.close()
  expect(failures(desk.dir)).toEqual([])
})

test('a simulation that lies is caught by the chain: what the call guarantees holds', async () => {
  const desk = await open({
    chain: {
      ...chain,
      calls: {
        ...chain.calls,
        simulate: async (from, calls) => ({
          ...(await chain.calls.simulate(from, calls.slice(0, 1))),
          calls: calls.map(() => ({
            ...{ status: 'success', output: '0x', gasUsed: '400000' },
            ...{ transfers: [], approvals: [] },
          })),
        }),
      },
    },
  })
  const greedy = await trade(desk, { leastAtoms: 10n ** 18n })
  const done = await desk.buyer.transact(greedy)
  expect(done).toMatchObject({ state: 'refused', code: 'reverted', paidAtoms: 0n })
  expect(await balances(desk)).toEqual([dollars(10_000), 0n])
  await desk.buyer.close()
})

test.each<[string, (calls: readonly Calls.Call[], to: Hex.Hex) => Calls.Call[], RegExp]>([
  [
    'another call',
    ([approval], to) => [
      approval!,
      {
        to: Asset.parts(asset.id).address,
        data: encodeFunctionData({
          ...{ abi: erc20, functionName: 'transfer' as const },
          args: [to, dollars(5)] as const,
        }),
      },
    ],
    /another call than was decided/,
  ],
  [
    'an approval without end',
    ([approval, call]) => [Calls.approval(approval!.to, call!.to, 2n ** 256n - 1n), call!],
    /approval of something else than was decided/,
  ],
])('a signer that signs %s is found out by whoever reads the log', async (_, lie, because) => {
  const sign: Calls.Calls['sign'] = (wallet, calls) => {
    const made = lie(calls, stranger.address)
    return chain.calls.sign(
      wallet,
      made.map((each, at) => ({ ...each, gas: calls[at]!.gas })),
    )
  }
  const desk = await open({ chain: { ...chain, calls: { ...chain.calls, sign } } })
  await desk.buyer.transact(await trade(desk))
  await desk.buyer.close()
  expect(failures(desk.dir).map(({ because }) => because)).toEqual([expect.stringMatching(because)])
})

test('a wider approval that was there before is narrowed to what is stated', async () => {
  const desk = await open()
  const [token, router] = [Asset.parts(asset.id).address, exchange.routers['uniswap-v3']]
  const sender = chain.sender(desk.wallet)
  await sender.wait(await sender.send(Calls.approval(token, router, 2n ** 256n - 1n)))
  expect((await desk.buyer.transact(await trade(desk))).state).toBe('captured')
  expect(await chain.calls.allowanceAtoms(token, desk.wallet.address, router)).toBe(0n)
  await desk.buyer.close()
})

test('one above a limit waits for an approval, and then is tried and decided anew', async () => {
  const desk = await open({}, [approve.above('500 USDC').by('ops')])
  const waiting = await desk.buyer.transact(await trade(desk))
  expect(waiting).toMatchObject({ state: 'refused', code: 'needs-approval', verdict: 'review' })
  const done = await desk.buyer.approve(waiting.purchase, { by: 'ops' })
  expect(done).toMatchObject({ state: 'captured', paidAtoms: dollars(1_000) })
  expect((await balances(desk))[0]).toBe(dollars(9_000))
  await desk.buyer.close()
  expect(failures(desk.dir)).toEqual([])
})

test('a slice trades under its own sentences and those of the whole', async () => {
  const desk = await open()
  const rules = [
    allow.payees('*'),
    cap('1500 USDC').per('24h'),
    count(exchange.weth.id, 18).atPrices('1m'),
  ]
  const slice = desk.buyer.slice({ name: 'scout', policy: policy('scout', asset, rules) })
  const buy = await trade(desk)
  const done = await slice.transact(buy)
  expect(done).toMatchObject({ state: 'captured', paidAtoms: dollars(1_000) })
  const more = await slice.transact(await trade(desk, { step: 1 }))
  expect(more).toMatchObject({ state: 'refused', verdict: 'deny' })
  expect(more.because).toMatch(/^(scout: )?cap 1500 USDC per 24h/)
  const wide = await trade(desk, { step: 2, atoms: dollars(1), slippagePpb: 20_000_000n })
  expect((await slice.transact(wide)).because).toMatch(/cap slippage 1%: 2% asked/)
  const coins = (await balances(desk))[1]!
  const sell = await trade(desk, { step: 3, sell: exchange.weth, atoms: coins / 10n })
  expect((await slice.transact(sell)).state).toBe('captured')
  expect(slice.spentAtoms()).toBe(dollars(1_000))
  await desk.buyer.close()
  expect(failures(desk.dir)).toEqual([])
})

test('two under one name are one; another under it is refused; the same again moves nothing', async () => {
  const desk = await open()
  const buy = await trade(desk)
  const [one, other] = await Promise.all([desk.buyer.transact(buy), desk.buyer.transact(buy)])
  expect(one.purchase).toBe(other.purchase)
  expect([one.state, other.state]).toEqual(['captured', 'captured'])
  const again = await desk.buyer.transact(buy)
  expect(again).toMatchObject({ state: 'captured', states: ['captured'], moved: one.moved })
  expect((await balances(desk))[0]).toBe(dollars(9_000))
  const different = await trade(desk, { atoms: dollars(2) })
  const code = 'exists-with-different-request'
  await expect(desk.buyer.transact(different)).rejects.toMatchObject({ code })
  await desk.buyer.close()
})

test('many at once follow one another, and each nonce is taken once', async () => {
  const desk = await open()
  const buys = await Promise.all(
    [0, 1, 2, 3].map((step) => trade(desk, { step, atoms: dollars(100), leastAtoms: 1n })),
  )
  const done = await Promise.all(buys.map((buy) => desk.buyer.transact(buy)))
  expect(done.map(({ state }) => state)).toEqual(Array(4).fill('captured'))
  expect((await balances(desk))[0]).toBe(dollars(9_600))
  await desk.buyer.close()
})

describe('a process that ends', () => {
  const died = new Error('the process died')
  const dying = (when: 'before' | 'after', nth: number): Chain.Chain => {
    let sent = 0
    const send: Calls.Calls['send'] = async (signed) => {
      sent += 1
      if (sent === nth && when === 'before') throw died
      const taken = await chain.calls.send(signed)
      if (sent === nth) throw died
      return taken
    }
    return { ...chain, calls: { ...chain.calls, send } }
  }

  test.each([
    ['before its approval is sent', 'before', 1],
    ['between approval and call', 'after', 1],
    ['before the call is sent', 'before', 2],
    ['after the call was sent', 'after', 2],
  ] as const)('%s goes on with the same signed transaction, once', async (_, when, nth) => {
    const desk = await open({ chain: dying(when, nth) })
    const buy = await trade(desk)
    await expect(desk.buyer.transact(buy)).rejects.toBe(died)
    await desk.buyer.close()
    const signed: string[] = []
    const spied = {
      ...chain.calls,
      sign: () => expect.fail('signed again'),
      send: async (each: Pick<Calls.Signed, 'raw' | 'hash'>) => {
        signed.push(each.raw)
        return chain.calls.send(each)
      },
    }
    const reopened = await Buyer.open({ ...desk.options, chain: { ...chain, calls: spied } })
    const [done] = await reopened.finish()
    expect(done).toMatchObject({ state: 'captured', paidAtoms: dollars(1_000) })
    expect(new Set(signed).size).toBe(2)
    expect((await balances(desk))[0]).toBe(dollars(9_000))
    const sent = signed.length
    expect(await reopened.transact(buy)).toMatchObject({ state: 'captured', states: ['captured'] })
    expect(signed).toHaveLength(sent)
    await reopened.close()
    expect(failures(desk.dir)).toEqual([])
  })

  test('whose nonces somebody else takes meanwhile gives its hold back', async () => {
    const desk = await open({ chain: dying('before', 1) })
    await expect(desk.buyer.transact(await trade(desk))).rejects.toBe(died)
    await desk.buyer.close()
    const sender = chain.sender(desk.wallet)
    for (let nth = 0; nth < 2; nth += 1)
      await sender.wait(await sender.send({ to: desk.wallet.address, gas: 21_000n }))
    const reopened = await Buyer.open({ ...desk.options, chain })
    const [done] = await reopened.finish()
    expect(done).toMatchObject({ state: 'refused', code: 'replaced', paidAtoms: 0n })
    expect((await balances(desk))[0]).toBe(dollars(10_000))
    for (const { meter } of reopened.status()) expect(meter).toMatchObject({ used: '0', held: '0' })
    await reopened.close()
    expect(failures(desk.dir)).toEqual([])
  })
})

test('a wallet that cannot pay for the gas signs nothing; nor does one that finds it too dear', async () => {
  const desk = await open()
  const buy = await trade(desk)
  expect(await desk.buyer.transact({ ...buy, mostFeeWei: 1n })).toMatchObject({
    ...{ state: 'refused', code: 'gas-too-dear', paidAtoms: 0n },
  })
  const sender = chain.sender(desk.wallet)
  const valueWei = 10n ** 18n - 10n ** 14n
  await sender.wait(await sender.send({ to: faucet.address, valueWei, gas: 21_000n }))
  expect(await desk.buyer.transact({ ...buy, step: 1 })).toMatchObject({
    ...{ state: 'refused', code: 'gas-missing', paidAtoms: 0n },
  })
  for (const { meter } of desk.buyer.status()) expect(meter).toMatchObject({ held: '0' })
  await desk.buyer.close()
})
