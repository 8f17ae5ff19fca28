import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as Market from '../../test/harness/Market.ts'
import * as Journal from '../store/Journal.ts'
import * as Sqlite from '../store/Sqlite.ts'
import * as Wallet from '../wallets/Wallet.ts'
import * as Buyer from './Buyer.ts'

let market: Market.Market
beforeAll(async () => {
  market = await Market.open()
})
afterAll(() => market.close())

/** Types of the events in a buyer's journal, after it was closed. */
async function recorded({ buyer, dir }: { buyer: Buyer.Buyer; dir: string }): Promise<string[]> {
  await buyer.close()
  const reader = Journal.reader(join(dir, 'journal.db'))
  const types = [...reader.read()].map((text) => JSON.parse(text).event.type as string)
  reader.close()
  return types
}

const bought = ['opened', 'adopted', 'decided', 'held', 'paying', 'captured']

describe('a purchase', () => {
  test('goes from discovery to capture, paid once', async () => {
    const agent = await market.agent()
    const outcome = await agent.buyer.buy(Market.call(market))
    const { delivered, states, paidAtoms } = outcome
    expect(states).toEqual([
      ...['discovering', 'quoting', 'deciding', 'paying', 'executing', 'verifying', 'captured'],
    ])
    expect(outcome).toMatchObject({ state: 'captured', verdict: 'allow' })
    expect(outcome.reasons.map(({ outcome }) => outcome)).toEqual(['allow', 'allow'])
    expect(delivered!.answered.output).toContain('about fifty minutes later each day')
    expect(delivered!.receipt.money.paidAtoms).toBe(String(paidAtoms))
    expect(await market.paid(agent.wallet.address)).toEqual([paidAtoms])
    expect(agent.buyer.spentAtoms()).toBe(paidAtoms)
    expect(agent.buyer.status()[0]!.meter).toMatchObject({ used: String(paidAtoms), held: '0' })
    expect(await recorded(agent)).toEqual(bought)
  })

  test('pays the next one out of change, and never more than the maximum together', async () => {
    const { buyer, wallet } = await market.agent()
    const questions = ['When does high water come?', 'How do bees tell where the clover stands?']
    const changes: bigint[] = []
    let change = 0n
    const seen = new Set<boolean>()
    for (let step = 0; step < 6; step++) {
      const question = `${questions[step % 2]} ${'really '.repeat(step)}?`
      const outcome = await buyer.buy(Market.call(market, { question, step }))
      const { money } = outcome.delivered!.receipt
      const { maxAtoms } = market.node.books.state.sales.quotes.get(money.quoteHash)!.quote
      const expected = BigInt(maxAtoms) - change
      expect(outcome.paidAtoms).toBe(expected > 0n ? expected : 1n)
      const moved = BigInt(money.paidAtoms) - BigInt(money.chargedAtoms)
      expect(money.changeAtoms).toBe(String(moved))
      seen.add(moved < 0n)
      change += moved
      changes.push(change)
    }
    expect(seen).toEqual(new Set([true, false]))
    expect(market.node.books.state.sales.change.get(wallet.address)).toEqual({
      availableAtoms: changes.at(-1),
      pendingAtoms: 0n,
    })
    const paid = await market.paid(wallet.address)
    expect(paid.reduce((sum, atoms) => sum + atoms, 0n)).toBe(buyer.spentAtoms())
  })

  test('that the disk does not take is not paid: nothing signed leaves before it is recorded', async () => {
    const dir = join(market.scratch, 'full-disk')
    const inner = Wallet.generate()
    const disk = (sql: string) => {
      const sqlite = Sqlite.open(join(dir, 'journal.db'), { busyMs: 1_000 })
      sqlite.exec(sql)
      sqlite.close()
    }
    const wallet: Wallet.Wallet = {
      ...inner,
      async signTypedData(data) {
        if (data.primaryType === 'TransferWithAuthorization')
          disk(`CREATE TRIGGER full BEFORE INSERT ON records
            BEGIN SELECT raise(ABORT, 'disk full'); END`)
        return inner.signTypedData(data)
      },
    }
    let sent = 0
    const baseUrl = await market.front(async (request, ask) => {
      if (request.headers.has('payment-signature')) sent += 1
      return ask(request)
    })
    const agent = await market.agent({ dir, wallet, fundAtoms: 1_000_000n })
    const call = Market.call({ baseUrl })
    await expect(agent.buyer.buy(call)).rejects.toMatchObject({ code: 'journal-poisoned' })
    await agent.buyer.close()
    expect(sent).toBe(0)
    disk('DROP TRIGGER full')
    const { buyer } = await market.agent({ dir, wallet: inner })
    expect(await buyer.finish()).toEqual([])
    expect(buyer.status()[0]!.meter).toMatchObject({ used: '0', held: '0' })
    expect(await market.paid(wallet.address)).toEqual([])
  })
})

describe('what the policy does not allow', () => {
  test.each([
    ['cap 0.0001 USDC per payment', 'deny'],
    ['cap 0.0001 USDC per 24h', 'deny'],
    ['allow hosts example.org', 'deny'],
    ['allow models another', 'deny'],
    ['demand coverage 50%', 'deny'],
    ['approve above 0.0001 USDC by ops', 'review'],
  ])('%s: %s, and nothing is signed or sent', async (rule, verdict) => {
    const agent = await market.agent({ rules: [rule] })
    const before = market.node.books.size()
    const outcome = await agent.buyer.buy(Market.call(market))
    expect(outcome).toMatchObject({ state: 'refused', verdict, paidAtoms: 0n })
    expect(outcome.states).toEqual(['discovering', 'quoting', 'deciding', 'refused'])
    expect(outcome.reasons.find((reason) => reason.outcome === verdict)!.because).toContain(
      rule.split(' ').slice(0, 2).join(' '),
    )
    expect(outcome.because).toBe(outcome.reasons.find((one) => one.outcome === verdict)!.because)
    expect(await market.paid(agent.wallet.address)).toEqual([])
    // The seller recorded its quote and nothing else.
    expect(market.node.books.size()).toBe(before + 1)
    expect(agent.buyer.status().every(({ meter }) => meter.used === '0')).toBe(true)
    expect(await recorded(agent)).toEqual(['opened', 'adopted', 'decided'])
  })

  test('is asked anew on the next attempt of the step, under the policy then in force', async () => {
    const file = join(market.scratch, 'edited.yaml')
    const write = (rule: string) => {
      const { id } = market.contracts.asset
      const { till } = market.contracts
      writeFileSync(
        file,
        `policy: desk\nasset: ${id}\nrules:\n  - allow payees ${till}\n  - ${rule}\n`,
      )
    }
    write('cap 0.0001 USDC per payment')
    const agent = await market.agent({ policy: file })
    expect(await agent.buyer.buy(Market.call(market))).toMatchObject({ verdict: 'deny' })
    write('cap 1 USDC per payment')
    expect(await agent.buyer.buy(Market.call(market))).toMatchObject({ state: 'captured' })
    expect(await recorded(agent)).toEqual([
      ...['opened', 'adopted', 'decided'],
      ...['adopted', 'decided', 'held', 'paying', 'captured'],
    ])
  })
})

describe('the same step again', () => {
  test('at the same time is one purchase', async () => {
    const agent = await market.agent()
    const outcomes = await Promise.all(
      Array.from({ length: 5 }, () => agent.buyer.buy(Market.call(market))),
    )
    expect(new Set(outcomes.map(({ purchase }) => purchase)).size).toBe(1)
    expect(outcomes.every(({ state }) => state === 'captured')).toBe(true)
    expect(await market.paid(agent.wallet.address)).toHaveLength(1)
    expect(await recorded(agent)).toEqual(bought)
  })

  test('later brings the same answer and pays nothing', async () => {
    const agent = await market.agent()
    const first = await agent.buyer.buy(Market.call(market))
    const [again, more] = await Promise.all([
      agent.buyer.buy(Market.call(market)),
      agent.buyer.buy(Market.call(market)),
    ])
    expect(again).toEqual({ ...first, states: ['captured'], delivered: again.delivered })
    expect(more).toBe(again)
    expect(again.delivered!.receipt).toEqual(first.delivered!.receipt)
    expect(again.delivered!.answered.output).toBe(first.delivered!.answered.output)
    expect(await market.paid(agent.wallet.address)).toHaveLength(1)
    expect(await recorded(agent)).toEqual(bought)
  })

  test('after the seller forgot the answer says so, and pays nothing', async () => {
    let forgets = false
    const baseUrl = await market.front(async (request, ask) =>
      forgets ? Response.json({ error: { message: 'erased' } }, { status: 410 }) : ask(request),
    )
    const { buyer, wallet } = await market.agent()
    await buyer.buy(Market.call({ baseUrl }))
    forgets = true
    await expect(buyer.buy(Market.call({ baseUrl }))).rejects.toMatchObject({
      code: 'purchase-exists',
      message: expect.stringContaining('erased'),
    })
    expect(await market.paid(wallet.address)).toHaveLength(1)
  })

  test('with another request is refused, running or done', async () => {
    const { buyer, wallet } = await market.agent()
    const other = Market.call(market, { question: 'How do bees tell where the clover stands?' })
    const running = buyer.buy(Market.call(market))
    const refused = { code: 'exists-with-different-request' }
    await expect(buyer.buy(other)).rejects.toMatchObject(refused)
    await running
    await expect(buyer.buy(other)).rejects.toMatchObject(refused)
    expect(await market.paid(wallet.address)).toHaveLength(1)
  })

  test('side by side, many steps keep the cap', async () => {
    const { buyer, wallet } = await market.agent({ rules: ['cap 0.01 USDC per 24h'] })
    const calls = Array.from({ length: 8 }, (_, step) => buyer.buy(Market.call(market, { step })))
    const outcomes = await Promise.all(calls)
    const captured = outcomes.filter(({ state }) => state === 'captured')
    expect(captured.length).toBeGreaterThan(0)
    expect(outcomes.filter(({ verdict }) => verdict === 'deny').length).toBeGreaterThan(0)
    const paid = (await market.paid(wallet.address)).reduce((sum, atoms) => sum + atoms, 0n)
    expect(paid).toBe(buyer.spentAtoms())
    expect(paid).toBeLessThanOrEqual(10_000n)
  })
})

describe('before anything is signed', () => {
  const question = { role: 'user', content: 'When does high water come?' }
  const body = (more: object) => ({ body: { model: Market.model, messages: [question], ...more } })

  test.each([
    ['tools', body({ tools: [{}] }), 'body.tools'],
    ['a grammar', body({ response_format: { type: 'grammar' } }), 'body.response_format'],
    ['half a stream', body({ stream: 'yes' }), 'body.stream'],
    ['two answers', body({ n: 2 }), 'body.n'],
    ['no messages', body({ messages: [] }), 'body.messages'],
    ['no question', body({ messages: [{ role: 'user', content: ' ' }] }), 'body.messages'],
    ['a result of no call', body({ messages: [{ role: 'tool', content: 'x' }] }), 'tool_call_id'],
    ['a function', body({ messages: [{ role: 'function', content: 'x' }, question] }), 'role'],
    ['silence', body({ messages: [{ role: 'assistant' }, question] }), 'content or tool calls'],
    [
      'an image',
      body({ messages: [{ role: 'user', content: [{ type: 'image_url' }] }] }),
      'content',
    ],
    ['another model', body({ model: 'other' }), 'body.model'],
    ['no tokens', body({ max_tokens: 0 }), 'body.max_tokens'],
    ['a file', { baseUrl: 'file:///etc' }, 'baseUrl'],
    ['half a step', { step: 0.5 }, 'step'],
    ['a nameless run', { run: '' }, 'run'],
    ['a run of 201 letters', { run: 'r'.repeat(201) }, 'run'],
  ])('%s is refused by its place', async (_, wrong, path) => {
    const agent = await market.agent({ fundAtoms: 0n })
    await expect(agent.buyer.buy(Market.call(market, wrong))).rejects.toMatchObject({
      code: 'call-malformed',
      message: expect.stringContaining(path),
    })
    expect(await recorded(agent)).toEqual(['opened'])
  })

  test('a question above the model’s limit is refused', async () => {
    const agent = await market.agent({ fundAtoms: 0n })
    const outcome = await agent.buyer.buy(Market.call(market, { question: 'why '.repeat(257) }))
    expect(outcome).toMatchObject({ state: 'refused', code: 'input-too-large' })
    expect(outcome.states).toEqual(['discovering', 'quoting', 'refused'])
    expect(await recorded(agent)).toEqual(['opened'])
  })

  test('a seller that is not there, or does not sell the model, is named', async () => {
    const { buyer } = await market.agent({ fundAtoms: 0n })
    const nobody = await buyer.buy(Market.call({ baseUrl: 'http://127.0.0.1:9/v1' }))
    expect(nobody).toMatchObject({ state: 'refused', code: 'seller-unreachable' })
    const messages = [question]
    const other = { model: 'other', body: { model: 'other', messages } }
    const unknown = await buyer.buy(Market.call(market, other))
    expect(unknown).toMatchObject({ state: 'refused', code: 'model-unknown' })
    expect(unknown.because).toContain(Market.model)
  })

  test.each([
    ['/v1/models', ['discovering', 'refused'], ['opened']],
    ['/v1/quotes', ['discovering', 'quoting', 'refused'], ['opened']],
  ])('an abort during %s stops it', async (path, states, types) => {
    const caller = new AbortController()
    const baseUrl = await market.front(async (request, ask) => {
      if (new URL(request.url).pathname === path) caller.abort()
      return ask(request)
    })
    const agent = await market.agent()
    const { signal } = caller
    const outcome = await agent.buyer.buy(Market.call({ baseUrl }, { signal }))
    expect(outcome).toMatchObject({ state: 'refused', code: 'aborted', states })
    expect(await market.paid(agent.wallet.address)).toEqual([])
    expect(await recorded(agent)).toEqual(types)
  })

  test('an abort after the decision gives the hold back', async () => {
    const caller = new AbortController()
    const wallet = Wallet.generate()
    const agent = await market.agent({
      wallet,
      fundAtoms: 1_000_000n,
      rules: ['cap 1 USDC per 24h'],
    })
    const { signal } = caller
    // Aborted while the decision is being written: the next thing to happen is the signature.
    const watch = () => {
      if (agent.buyer.status()[0]!.meter.held !== '0') caller.abort()
      else setImmediate(watch)
    }
    watch()
    const outcome = await agent.buyer.buy(Market.call(market, { signal }))
    expect(outcome).toMatchObject({ state: 'refused', code: 'aborted' })
    expect(outcome.states.slice(-3)).toEqual(['paying', 'releasing', 'refused'])
    expect(agent.buyer.status()[0]!.meter).toMatchObject({ used: '0', held: '0' })
    expect(await market.paid(wallet.address)).toEqual([])
    expect(await recorded(agent)).toEqual(['opened', 'adopted', 'decided', 'held', 'voided'])
  })

  test('an abort after the payment left changes nothing: what is paid for is delivered', async () => {
    const caller = new AbortController()
    const baseUrl = await market.front(async (request, ask) => {
      if (request.headers.has('payment-signature')) caller.abort()
      return ask(request)
    })
    const { buyer } = await market.agent()
    const outcome = await buyer.buy(Market.call({ baseUrl }, { signal: caller.signal }))
    expect(outcome.state).toBe('captured')
  })
})

describe('opening', () => {
  const asset = () => market.contracts.asset.id
  test.each([
    ['malformed', () => 'policy: desk\nrules: [', 'bad-policy'],
    ['of an unknown sentence', () => `policy: d\nasset: ${asset()}\nrules: [cap 2]`, 'bad-policy'],
    ['in another asset', () => `policy: d\nasset: eip155:1/x\nrules: [x]`, 'unknown-asset'],
    ['missing', () => undefined, 'policy-missing'],
  ])('with a policy file that is %s says so and makes nothing', async (name, text, code) => {
    const file = join(market.scratch, `${name}.yaml`)
    if (text() !== undefined) writeFileSync(file, text()!)
    await expect(market.agent({ policy: file, fundAtoms: 0n })).rejects.toMatchObject({
      code,
      message: expect.stringContaining(file),
    })
  })

  test('a policy file that breaks while it runs stops purchases, and loses nothing', async () => {
    const file = join(market.scratch, 'breaking.yaml')
    const { till } = market.contracts
    const good = `policy: d\nasset: ${asset()}\nrules:\n  - allow payees ${till}\n  - cap 1 USDC per 24h\n`
    writeFileSync(file, good)
    const agent = await market.agent({ policy: file })
    await agent.buyer.buy(Market.call(market))
    writeFileSync(file, good.replace('cap 1 USDC', 'cap one USDC'))
    await expect(agent.buyer.buy(Market.call(market, { step: 1 }))).rejects.toMatchObject({
      code: 'bad-policy',
      message: expect.stringContaining(`${file}:5:`),
    })
    writeFileSync(file, good)
    expect(await agent.buyer.buy(Market.call(market, { step: 1 }))).toMatchObject({
      state: 'captured',
    })
    expect(await recorded(agent)).toEqual([...bought, ...bought.slice(2)])
  })

  test('one folder has one buyer at a time', async () => {
    const { buyer, wallet, dir } = await market.agent()
    await expect(market.agent({ dir, wallet })).rejects.toMatchObject({ code: 'journal-in-use' })
    await buyer.close()
    const again = await market.agent({ dir, wallet })
    expect(again.buyer.spentAtoms()).toBe(0n)
  })

  test('a journal of another vault is not taken up', async () => {
    const { buyer, wallet, dir } = await market.agent()
    await buyer.close()
    const { chain, contracts } = market
    const elsewhere = { ...contracts, vault: contracts.till }
    const policy = market.policy(['cap 1 USDC per 24h'])
    await expect(
      Buyer.open({ dir, wallet, chain, contracts: elsewhere, policy }),
    ).rejects.toMatchObject({ code: 'wrong-vault' })
  })

  test('a closed buyer buys nothing', async () => {
    const { buyer } = await market.agent()
    await buyer.close()
    await buyer.close()
    await expect(buyer.buy(Market.call(market))).rejects.toMatchObject({ code: 'buyer-closed' })
    await expect(buyer.finish()).rejects.toMatchObject({ code: 'buyer-closed' })
  })
})

test('runs have names of their own', async () => {
  const { buyer } = await market.agent({ fundAtoms: 0n })
  expect(buyer.run()).toMatch(/^[0-9a-f]{16}$/)
  expect(buyer.run()).not.toBe(buyer.run())
})
