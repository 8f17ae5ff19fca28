import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as Market from '../../test/harness/Market.ts'
import type * as Event from '../economy/Event.ts'
import * as Record from '../provenance/Record.ts'
import * as Journal from '../store/Journal.ts'
import * as Agent from './Agent.ts'
import type * as Buyer from './Buyer.ts'

let market: Market.Market
beforeAll(async () => {
  market = await Market.open()
})
afterAll(() => market.close())

const model = () => ({ baseUrl: market.baseUrl, model: Market.model })
const question = 'When does high water come?'
const approval = (amount: string) => ['cap 1 USDC per 24h', `approve above ${amount} USDC by ops`]

/** The transitions of a run, as its journal has them; the buyer is closed. */
function moves(dir: string, run: string): Event.Of<'moved'>[] {
  const reader = Journal.reader(join(dir, 'journal.db'))
  try {
    const events = [...reader.read(0)].map(
      (text) => (Record.decode(text) as { event: Event.Event }).event,
    )
    const moved = events.filter((event) => event.type === 'moved')
    return moved.filter((event) => event.run === run)
  } finally {
    reader.close()
  }
}

function names(dir: string, run: string): string[] {
  const found = moves(dir, run)
  expect(found.map(({ seq }) => seq)).toEqual(found.map((_, at) => at))
  for (const { transition } of found) expect(Agent.isEdge(transition)).toBe(true)
  return found.map(({ transition }) => transition.event)
}

/** A desk, and how it comes back: another buyer on the same folder. */
async function desk(work: Agent.Work | undefined, given: Market.Agent = {}) {
  const { buyer, wallet, dir } = await market.agent(given)
  const make = (of: Buyer.Buyer): Agent.Agent =>
    work === undefined
      ? Agent.create({ name: 'desk', buyer: of, model: model() })
      : Agent.create({ name: 'desk', buyer: of, work })
  return {
    ...{ buyer, wallet, dir, desk: make(buyer) },
    async reopen() {
      await buyer.close()
      const again = await market.agent({ ...given, wallet, dir, fundAtoms: 0n })
      return { buyer: again.buyer, desk: make(again.buyer) }
    },
  }
}

/** Something to wait for, and to let happen. */
function gate() {
  let open = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open }
}

const call = () => Market.call(market)
const order = () => ({ baseUrl: market.baseUrl, model: Market.model, body: call().body })

describe('a run', () => {
  test('is in the journal, edge by edge, and its question is not', async () => {
    const { desk: agent, buyer, dir } = await desk(undefined)
    expect(agent.state()).toBe('idle')
    const { id, state } = await agent.ask(question)
    expect(state).toBe('done')
    expect(agent.runs()).toEqual([{ id, state: 'done', wakeAtMs: undefined }])
    await buyer.close()
    expect(names(dir, id)).toEqual(['ask', 'finish'])
    const [first, last] = moves(dir, id)
    expect(first!.taskDigest).toMatch(/^0x/)
    expect(last!.taskDigest).toBeUndefined()
    expect(JSON.stringify(moves(dir, id))).not.toContain('high water')
  })

  test('of its own work buys, remembers its steps, and says what all of it cost', async () => {
    let calls = 0
    const { desk: agent, wallet } = await desk(async (task, { buy, step }) => {
      const one = await buy(order())
      const two = await buy(order())
      const three = await step('count', async () => ++calls)
      expect(one.purchase).not.toBe(two.purchase)
      return `${task} ${three}`
    })
    const run = await agent.ask('twice')
    expect(run).toMatchObject({ answer: 'twice 1', state: 'done' })
    expect(run.receipts).toHaveLength(2)
    const paid = await market.paid(wallet.address)
    expect(paid).toHaveLength(2)
    expect(run.spentAtoms).toBe(paid[0]! + paid[1]!)
    expect(run.decisions).toHaveLength(4)
  })

  test('whose work throws has failed, and says so without the words of the error', async () => {
    const {
      desk: agent,
      dir,
      buyer,
    } = await desk(async () => {
      throw new TypeError('secret')
    })
    await expect(agent.ask('x')).rejects.toThrow('secret')
    const [{ id, state }] = agent.runs() as [Agent.Standing]
    expect(state).toBe('failed')
    await buyer.close()
    expect(names(dir, id)).toEqual(['ask', 'fail'])
    expect(moves(dir, id)[1]!.because).toBe('the work failed: TypeError')
  })

  test('does no step twice under one name', async () => {
    const { desk: agent } = await desk(async (_, { step }) => {
      await step('same', async () => 1)
      return String(await step('same', async () => 2))
    })
    await expect(agent.ask('x')).rejects.toMatchObject({ code: 'bad-input' })
  })

  test('that nobody knows is an error', async () => {
    const { desk: agent } = await desk(undefined, { fundAtoms: 0n })
    await expect(agent.ended('desk/none')).rejects.toMatchObject({ code: 'run-unknown' })
    await expect(agent.stop('desk/none')).rejects.toMatchObject({ code: 'run-unknown' })
    expect(() => agent.state('desk/none')).toThrow(expect.objectContaining({ code: 'run-unknown' }))
  })
})

describe('after a restart', () => {
  test('work goes on: what was bought is found again, steps are not done again', async () => {
    let steps = 0
    const working = gate()
    let waits = true
    const given = await desk(async (_, { buy, step }) => {
      const { delivered } = await buy(order())
      await step('once', async () => ++steps)
      working.open()
      if (waits) await new Promise(() => {})
      return delivered!.answered.output
    })
    void given.desk.ask(question).catch(() => undefined)
    await working.opened
    const [{ id }] = given.desk.runs() as [Agent.Standing]
    expect(given.desk.state()).toBe('working')
    waits = false
    const { desk: again, buyer } = await given.reopen()
    expect(again.open()).toBe(1)
    expect(again.open()).toBe(0)
    const run = await again.ended(id)
    expect(run.answer).toContain('about fifty minutes later each day')
    expect(steps).toBe(1)
    expect(await market.paid(given.wallet.address)).toEqual([run.spentAtoms])
    await buyer.close()
    expect(names(given.dir, id)).toEqual(['ask', 'finish'])
  })

  test('an answer is still known, and can be erased', async () => {
    const given = await desk(undefined)
    const { id, answer } = await given.desk.ask(question)
    const { desk: again } = await given.reopen()
    expect((await again.ended(id)).answer).toBe(answer)
    rmSync(join(given.dir, 'tasks'), { recursive: true })
    expect(await again.ended(id)).toMatchObject({ answer: undefined, state: 'done' })
  })

  test('a run whose task was erased ends', async () => {
    const given = await desk(undefined)
    const id = await given.desk.at(0, question)
    await given.desk.pause(id)
    rmSync(join(given.dir, 'tasks'), { recursive: true })
    const { desk: again } = await given.reopen()
    await again.resume(id)
    expect(await again.ended(id)).toMatchObject({ state: 'failed', because: 'the task was erased' })
  })
})

describe('sleep', () => {
  test('goes on where it was, once its time came', async () => {
    let passes = 0
    const given = await desk(async (_, { sleep }) => {
      passes += 1
      await sleep(30)
      await sleep(30)
      return 'rested'
    })
    const run = await given.desk.ask('x')
    expect(run.answer).toBe('rested')
    expect(passes).toBe(1)
    await given.buyer.close()
    expect(names(given.dir, run.id)).toEqual(['ask', 'sleep', 'wake', 'sleep', 'wake', 'finish'])
  })

  test('that ended while the process was down is not slept again', async () => {
    const asleep = gate()
    const given = await desk(async (_, { sleep, step }) => {
      await step('before', async () => asleep.open())
      await sleep(3_600_000)
      return 'rested'
    })
    void given.desk.ask('x').catch(() => undefined)
    await asleep.opened
    await expect.poll(() => given.desk.state()).toBe('idle')
    const [{ id, wakeAtMs }] = given.desk.runs() as [Agent.Standing]
    expect(wakeAtMs).toBeGreaterThan(market.now())
    await market.pass(3_700)
    const { desk: again, buyer } = await given.reopen()
    again.open()
    expect((await again.ended(id)).answer).toBe('rested')
    await buyer.close()
    expect(names(given.dir, id)).toEqual(['ask', 'sleep', 'wake', 'finish'])
  })
})

describe('timers', () => {
  test('fire once at their time', async () => {
    const given = await desk(async (task) => `did ${task}`)
    const id = await given.desk.at(new Date(market.now() + 40), 'it')
    expect(given.desk.state(id)).toBe('idle')
    expect((await given.desk.ended(id)).answer).toBe('did it')
    await given.buyer.close()
    expect(names(given.dir, id)).toEqual(['schedule', 'wake', 'finish'])
  })

  test('that were due several times while the process was down fire once', async () => {
    let done = 0
    const given = await desk(async () => String(++done))
    const first = await given.desk.every('10m', 'look')
    const dueAtMs = given.desk.runs()[0]!.wakeAtMs!
    await market.pass(35 * 60)
    const { desk: again, buyer } = await given.reopen()
    expect(done).toBe(0)
    again.open()
    expect((await again.ended(first)).answer).toBe('1')
    const [, next, ...more] = again.runs()
    expect(more).toEqual([])
    expect(next).toEqual({ id: `${first}.1`, state: 'idle', wakeAtMs: dueAtMs + 30 * 60_000 })
    expect(again.state(first)).toBe('idle')
    await again.stop(first)
    expect(again.runs().map(({ state }) => state)).toEqual(['done', 'stopped'])
    await market.pass(600)
    expect(done).toBe(1)
    await buyer.close()
    expect(names(given.dir, `${first}.1`)).toEqual(['schedule', 'stop'])
  })

  test('go on from one to the next', async () => {
    let done = 0
    const given = await desk(async () => String(++done))
    const first = await given.desk.every('1s', 'look')
    await expect.poll(() => done, { timeout: 10_000 }).toBeGreaterThan(2)
    await given.desk.stop(first)
    const runs = given.desk.runs()
    expect(runs.map(({ id }) => id)).toEqual(
      runs.map((_, at) => (at === 0 ? first : `${first}.${at}`)),
    )
    expect(runs.at(-1)!.state).toBe('stopped')
    await given.buyer.close()
  })

  test.each(['soon', '0s', '', '-1m'])('take no interval such as %j', async (interval) => {
    const { desk: agent } = await desk(undefined, { fundAtoms: 0n })
    await expect(agent.every(interval, 'x')).rejects.toMatchObject({ code: 'bad-input' })
    await expect(agent.at(Number.NaN, 'x')).rejects.toMatchObject({ code: 'bad-input' })
  })
})

describe('an operator', () => {
  test('pauses an agent and goes on with it: paid once, answered', async () => {
    const begun = gate()
    let waits = true
    const given = await desk(async (_, { buy, signal }) => {
      const { delivered } = await buy(order())
      begun.open()
      if (waits)
        await new Promise((_, no) => signal.addEventListener('abort', () => no(signal.reason)))
      return delivered!.answered.output
    })
    const asked = given.desk.ask(question)
    await begun.opened
    await given.desk.pause()
    expect(given.desk.state()).toBe('paused')
    await expect(given.desk.ask('more')).rejects.toMatchObject({
      code: 'agent-paused',
      retry: 'safe',
    })
    await expect(given.desk.at(0, 'more')).rejects.toMatchObject({ code: 'agent-paused' })
    const [{ id, state }] = given.desk.runs() as [Agent.Standing]
    expect(state).toBe('paused')
    await expect(given.desk.resume(id)).rejects.toMatchObject({ code: 'agent-paused' })
    waits = false
    await given.desk.resume()
    const run = await asked
    expect(run.answer).toContain('about fifty minutes later each day')
    expect(await market.paid(given.wallet.address)).toEqual([run.spentAtoms])
    await given.buyer.close()
    expect(names(given.dir, id)).toEqual(['ask', 'pause', 'resume', 'wake', 'finish'])
    expect(names(given.dir, 'desk')).toEqual(['pause', 'resume'])
  })

  test('who paused it finds it paused after a restart', async () => {
    let done = 0
    const given = await desk(async () => String(++done))
    const id = await given.desk.at(market.now() + 1_000, 'it')
    await given.desk.pause()
    await market.pass(10)
    const { desk: again } = await given.reopen()
    again.open()
    expect(again.state()).toBe('paused')
    expect(again.state(id)).toBe('paused')
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(done).toBe(0)
    await again.resume()
    expect((await again.ended(id)).answer).toBe('1')
  })

  test('who stopped it finds it stopped', async () => {
    const given = await desk(async () => 'never')
    const id = await given.desk.at(market.now() + 3_600_000, 'it')
    await given.desk.stop()
    const { desk: again } = await given.reopen()
    expect(again.open()).toBe(0)
    await again.resume()
    expect([again.state(), again.state(id)]).toEqual(['stopped', 'stopped'])
    await expect(again.ask('x')).rejects.toMatchObject({ code: 'agent-stopped', retry: 'never' })
    expect(await again.ended(id)).toMatchObject({ answer: undefined, state: 'stopped' })
  })

  test('who pauses before anything is signed pays nothing until it goes on', async () => {
    const quoting = gate()
    const held = gate()
    const baseUrl = await market.front(async (request, ask) => {
      if (new URL(request.url).pathname === '/v1/quotes') {
        quoting.open()
        await held.opened
      }
      return ask(request)
    })
    const { buyer, wallet } = await market.agent()
    const ended = gate()
    const agent = Agent.create({
      ...{ name: 'desk', buyer },
      work: async (_, { buy }) => {
        const { delivered } = await buy({ ...order(), baseUrl }).finally(ended.open)
        return delivered!.answered.output
      },
    })
    const asked = agent.ask(question)
    await quoting.opened
    await agent.pause()
    held.open()
    await ended.opened
    expect(await market.paid(wallet.address)).toEqual([])
    await agent.resume()
    const run = await asked
    expect(run.state).toBe('done')
    expect(await market.paid(wallet.address)).toEqual([run.spentAtoms])
  })
})

describe('an approval', () => {
  test('is waited for, and leads on', async () => {
    const given = await desk(undefined, { rules: approval('0.000001') })
    const asked = (await given.desk.ask(question)) as Agent.Bought
    expect(asked).toMatchObject({ state: 'awaitingApproval', answer: undefined, spentAtoms: 0n })
    expect(asked.outcome).toMatchObject({ state: 'refused', code: 'needs-approval' })
    expect(given.desk.state()).toBe('awaitingApproval')
    const [review] = given.buyer.reviews()
    const { purchase } = await given.buyer.approve(review!.purchase, { by: 'ops' })
    const run = await given.desk.ended(asked.id)
    expect(run.answer).toContain('about fifty minutes later each day')
    expect(run.outcome!.purchase).toBe(purchase)
    expect(await market.paid(given.wallet.address)).toEqual([run.spentAtoms])
    await given.buyer.close()
    expect(names(given.dir, asked.id)).toEqual(['ask', 'review', 'approve', 'finish'])
  })

  test('declined ends the run, and nothing is asked again', async () => {
    const given = await desk(undefined, { rules: approval('0.000001') })
    const { id } = await given.desk.ask(question)
    const [review] = given.buyer.reviews()
    await given.buyer.decline(review!.purchase, { by: 'ops', because: 'too dear' })
    expect(await given.desk.ended(id)).toMatchObject({ state: 'failed', answer: undefined })
    expect(given.buyer.reviews()).toEqual([])
    expect(await market.paid(given.wallet.address)).toEqual([])
    await given.buyer.close()
    expect(names(given.dir, id)).toEqual(['ask', 'review', 'decline'])
  })

  test('that nobody gives in time ends it', async () => {
    const given = await desk(undefined, { rules: approval('0.000001') })
    const { id } = await given.desk.ask(question)
    await market.pass(25 * 3_600)
    expect(await given.desk.ended(id)).toMatchObject({ state: 'failed' })
    await given.buyer.close()
    expect(names(given.dir, id)).toEqual(['ask', 'review', 'expire'])
  })

  test('given while the agent was down leads on when it is back', async () => {
    const given = await desk(
      async (_, { buy }) => (await buy(order())).delivered!.answered.output,
      {
        rules: approval('0.000001'),
      },
    )
    const { id } = await given.desk.ask(question)
    const { desk: again, buyer } = await given.reopen()
    const [review] = buyer.reviews()
    await buyer.approve(review!.purchase, { by: 'ops' })
    expect(again.state(id)).toBe('awaitingApproval')
    again.open()
    const run = await again.ended(id)
    expect(run.answer).toContain('about fifty minutes later each day')
    expect(await market.paid(given.wallet.address)).toEqual([run.spentAtoms])
  })
})

test('a name is for one folder’s journal and no path', async () => {
  const { buyer, dir } = await market.agent({ fundAtoms: 0n })
  for (const name of ['', ' x', 'a/b', 'x'.repeat(101)])
    expect(() => Agent.create({ name, buyer, model: model() })).toThrow('expected a name')
  const two = Agent.create({ name: 'scout', buyer, work: async () => 'b' })
  await Agent.create({ name: 'desk', buyer, work: async () => 'a' }).ask('x')
  expect(two.runs()).toEqual([])
  await two.ask('x')
  expect(two.runs()).toHaveLength(1)
  expect(readdirSync(join(dir, 'tasks'))).toHaveLength(2)
})
