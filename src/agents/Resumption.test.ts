import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as Market from '../../test/harness/Market.ts'
import { BaseError } from '../kernel/Errors.ts'
import * as Id from '../kernel/Id.ts'
import type { Chain } from '../wallets/Chain.ts'
import type { Wallet } from '../wallets/Wallet.ts'
import * as Wallets from '../wallets/Wallet.ts'
import type * as Buyer from './Buyer.ts'

let market: Market.Market
beforeAll(async () => {
  market = await Market.open()
})
afterAll(() => market.close())

const isPaid = (request: Request) => request.headers.has('payment-signature')

/** A chain that ends the purchase where it would look: as a killed process, it does nothing after. */
function killedAtLook(): Chain {
  const lookUpPayment = async () => {
    throw new Error('killed')
  }
  return { ...market.chain, lookUpPayment }
}

/** A wallet that ends the purchase where it would sign a payment. */
function killedAtSignature(wallet: Wallet): Wallet {
  return {
    ...wallet,
    async signTypedData(data) {
      if (data.primaryType === 'TransferWithAuthorization') throw new Error('killed')
      return wallet.signTypedData(data)
    },
  }
}

type Place = 'held' | 'before it was sent' | 'after it was sent' | 'before it was recorded'

/** A buyer killed in the middle of a purchase; `headers` fills with each payment a seller saw. */
async function killed(at: Place) {
  const headers: (string | null)[] = []
  let down = at !== 'before it was recorded'
  const baseUrl = await market.front(async (request, ask) => {
    if (!isPaid(request)) return ask(request)
    headers.push(request.headers.get('payment-signature'))
    if (at === 'before it was sent' && down) return ask.drop()
    const response = await ask(request)
    return down ? ask.drop() : response
  })
  const wallet = Wallets.generate()
  const first = await market.agent({
    wallet: at === 'held' ? killedAtSignature(wallet) : wallet,
    fundAtoms: 1_000_000n,
    chain: killedAtLook(),
  })
  await expect(first.buyer.buy(Market.call({ baseUrl }))).rejects.toThrow('killed')
  await first.buyer.close()
  down = false
  const { dir } = first
  return { ...{ baseUrl, headers, wallet, dir }, reopen: () => market.agent({ wallet, dir }) }
}

const places: readonly Place[] = [
  'before it was sent',
  'after it was sent',
  'before it was recorded',
]

describe('a buyer killed with a payment signed', () => {
  test.each(places)('%s finishes it, paid once', async (at) => {
    const { reopen, headers, wallet } = await killed(at)
    const { buyer } = await reopen()
    const sales = market.node.books.state.sales.sales.size
    const [outcome, ...more] = await buyer.finish()
    expect(more).toEqual([])
    expect(outcome).toMatchObject({ state: 'captured', verdict: 'allow' })
    expect(outcome!.states).toEqual(['executing', 'verifying', 'captured'])
    expect(outcome!.delivered!.answered.output).toContain('about fifty minutes later each day')
    expect(await market.paid(wallet.address)).toEqual([outcome!.paidAtoms])
    expect(headers).toHaveLength(2)
    expect(new Set(headers).size).toBe(1)
    const served = market.node.books.state.sales.sales.size - sales
    expect(served).toBe(at === 'before it was sent' ? 1 : 0)
    expect(buyer.status()[0]!.meter).toMatchObject({ used: String(outcome!.paidAtoms), held: '0' })
    expect(await buyer.finish()).toEqual([])
  })

  test.each(places)('%s is taken up by the same step again, paid once', async (at) => {
    const { reopen, baseUrl, wallet } = await killed(at)
    const { buyer } = await reopen()
    expect(buyer.status()[0]!.meter).not.toMatchObject({ held: '0' })
    const other = Market.call({ baseUrl }, { question: 'How do bees tell?' })
    await expect(buyer.buy(other)).rejects.toMatchObject({ code: 'exists-with-different-request' })
    const [one, two] = await Promise.all([
      buyer.buy(Market.call({ baseUrl })),
      buyer.buy(Market.call({ baseUrl })),
    ])
    expect(one).toMatchObject({ state: 'captured' })
    expect(two).toBe(one)
    expect(await market.paid(wallet.address)).toEqual([one.paidAtoms])
  })

  test('whose request was erased says what is missing, and keeps the hold', async () => {
    const { reopen, dir } = await killed('after it was sent')
    rmSync(join(dir, 'requests'), { recursive: true })
    const { buyer } = await reopen()
    await expect(buyer.finish()).rejects.toMatchObject({ code: 'request-missing', retry: 'safe' })
    expect(buyer.status()[0]!.meter).not.toMatchObject({ held: '0' })
  })
})

describe('a buyer killed between hold and signature', () => {
  test('gives the hold back: nothing was paid', async () => {
    const { reopen, wallet, headers } = await killed('held')
    const { buyer } = await reopen()
    expect(buyer.status()[0]!.meter).not.toMatchObject({ held: '0' })
    expect(await buyer.finish()).toEqual([])
    expect(buyer.status()[0]!.meter).toMatchObject({ used: '0', held: '0' })
    expect(headers).toEqual([])
    expect(await market.paid(wallet.address)).toEqual([])
  })

  test('buys the step on its next attempt, once', async () => {
    const { reopen, wallet, baseUrl } = await killed('held')
    const { buyer } = await reopen()
    const outcomes = await Promise.all([
      buyer.buy(Market.call({ baseUrl })),
      buyer.buy(Market.call({ baseUrl })),
    ])
    expect(outcomes.map(({ state }) => state)).toEqual(['captured', 'captured'])
    expect(outcomes[0]!.purchase).toBe(outcomes[1]!.purchase)
    expect(await market.paid(wallet.address)).toEqual([outcomes[0]!.paidAtoms])
  })
})

describe('a seller that falls silent after it settled', () => {
  test('is sent the identical payment, and gives the stored answer', async () => {
    const headers: (string | null)[] = []
    const baseUrl = await market.front(async (request, ask) => {
      const response = await ask(request)
      if (!isPaid(request)) return response
      headers.push(request.headers.get('payment-signature'))
      return headers.length <= 2 ? ask.drop() : response
    })
    const { buyer, wallet } = await market.agent()
    const outcome = await buyer.buy(Market.call({ baseUrl }))
    expect(outcome.states).toEqual([
      ...['discovering', 'quoting', 'deciding', 'paying', 'executing', 'looking'],
      ...['executing', 'looking', 'executing', 'verifying', 'captured'],
    ])
    expect(headers).toHaveLength(3)
    expect(new Set(headers).size).toBe(1)
    expect(await market.paid(wallet.address)).toEqual([outcome.paidAtoms])
  })

  test('is waited for while it says that it is starting', async () => {
    let asked = 0
    const baseUrl = await market.front(async (request, ask) => {
      if (!isPaid(request)) return ask(request)
      asked += 1
      return asked <= 5 ? new Response('starting', { status: 503 }) : ask(request)
    })
    const { buyer } = await market.agent()
    expect(await buyer.buy(Market.call({ baseUrl }))).toMatchObject({ state: 'captured' })
    expect(asked).toBe(6)
  })
})

test('a chain that does not answer for a while is asked again', async () => {
  let silences = 2
  const chain: Chain = {
    ...market.chain,
    async lookUpPayment(payment, options) {
      if (silences-- > 0)
        throw new BaseError('silence', { code: 'chain-unreachable', retry: 'safe' })
      return market.chain.lookUpPayment(payment, options)
    },
  }
  const { buyer } = await market.agent({ chain })
  expect(await buyer.buy(Market.call(market))).toMatchObject({ state: 'captured' })
  expect(silences).toBe(-1)
})

describe('a payment that a seller takes and does not settle', () => {
  /** A seller that refuses what it is sent; resolves `asked` when it has been. */
  async function refusing(answer: () => Response) {
    let seen = () => {}
    const asked = new Promise<void>((resolve) => {
      seen = resolve
    })
    const baseUrl = await market.front(async (request, ask) => {
      if (!isPaid(request)) return ask(request)
      seen()
      return answer()
    })
    return { baseUrl, asked }
  }
  const no = () => Response.json({ error: { message: 'not today' } }, { status: 402 })
  const held = (buyer: Buyer.Buyer) => buyer.status()[0]!.meter.held

  test('holds its amount until a final block is past its time, and not by the clock alone', async () => {
    const { baseUrl, asked } = await refusing(no)
    const { buyer, wallet } = await market.agent()
    let ended: Buyer.Outcome | undefined
    const buying = buyer.buy(Market.call({ baseUrl })).then((outcome) => {
      ended = outcome
      return outcome
    })
    await asked
    const amount = held(buyer)
    expect(amount).not.toBe('0')
    await market.mine()
    market.skew(31)
    await new Promise((resolve) => setTimeout(resolve, 400))
    expect(ended).toBeUndefined()
    expect(held(buyer)).toBe(amount)
    await market.mine(31)
    const outcome = await buying
    expect(outcome).toMatchObject({ state: 'expired', code: 'expired', paidAtoms: 0n })
    expect(outcome.because).toContain('not today')
    expect(outcome.states.slice(-3)).toEqual(['looking', 'releasing', 'expired'])
    expect(held(buyer)).toBe('0')
    expect(await market.paid(wallet.address)).toEqual([])
    const again = await buyer.buy(Market.call(market))
    expect(again.state).toBe('captured')
  })

  test('is waited for after a restart too', async () => {
    const { baseUrl, asked } = await refusing(no)
    const { buyer, wallet, dir } = await market.agent()
    const buying = buyer.buy(Market.call({ baseUrl }))
    const closed = expect(buying).rejects.toMatchObject({ code: 'buyer-closed', retry: 'safe' })
    await asked
    await buyer.close()
    await closed
    const again = await market.agent({ wallet, dir })
    expect(held(again.buyer)).not.toBe('0')
    await market.pass(31)
    expect(await again.buyer.finish()).toMatchObject([{ state: 'expired' }])
    expect(held(again.buyer)).toBe('0')
    expect(await market.paid(wallet.address)).toEqual([])
  })

  test.each([
    ['cancel', /cancelled in 0x/],
    ['spend', /spent elsewhere in 0x/],
  ] as const)('is given up once its nonce is used otherwise: %s', async (how, because) => {
    const { baseUrl, asked } = await refusing(() => new Response('', { status: 503 }))
    const { buyer, wallet } = await market.agent()
    const call = Market.call({ baseUrl })
    const buying = buyer.buy(call)
    await asked
    const { run, step } = call
    const purchase = Id.purchase({ agent: wallet.address, run, step, attempt: 0 })
    await market.burn(how, wallet, purchase)
    const outcome = await buying
    expect(outcome).toMatchObject({ state: 'refused', purchase, paidAtoms: 0n })
    expect(outcome.because).toMatch(because)
    expect(held(buyer)).toBe('0')
    expect(buyer.spentAtoms()).toBe(0n)
    expect(await market.paid(wallet.address)).toEqual([])
  })

  test('is not captured by an answer alone', async () => {
    const { buyer, wallet } = await market.agent()
    const real = await buyer.buy(Market.call(market))
    const { answered } = real.delivered!
    const { receipt, output: content, finish: _, ...rest } = answered
    const message = { role: 'assistant', content }
    const body = { choices: [{ message }], requite: { ...receipt, ...rest } }
    const { baseUrl, asked } = await refusing(() => Response.json(body))
    const buying = buyer.buy(Market.call({ baseUrl }, { step: 1 }))
    await asked
    await new Promise((resolve) => setTimeout(resolve, 200))
    await market.pass(31)
    const outcome = await buying
    expect(outcome).toMatchObject({ state: 'expired', paidAtoms: 0n })
    expect(outcome.states).toContain('verifying')
    expect(await market.paid(wallet.address)).toEqual([real.paidAtoms])
  })
})
