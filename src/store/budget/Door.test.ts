/** What a writer's door lets in, and what becomes of the rest. */
import * as fs from 'node:fs'
import * as net from 'node:net'
import * as os from 'node:os'
import * as path from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import * as Hash from '../../kernel/Hash.ts'
import * as Policy from '../../policies/Policy.ts'
import * as Address from './Address.ts'
import * as SharedBudget from './SharedBudget.ts'

const usdc = { id: `eip155:8453/erc20:0x${'83'.repeat(20)}`, decimals: 6, symbol: 'USDC' }
const rules =
  '  - allow payees 0xaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n  - cap 5 USDC per 24h\n'
const policy = Policy.parse(`policy: desk\nasset: ${usdc.id}\nrules:\n${rules}`, {
  file: 'policy.yaml',
  assets: [usdc],
})
const request = {
  ...{ id: Hash.digest('id'), digest: Hash.digest('digest'), agent: 'desk' },
  ...{ asset: usdc.id, atoms: '1000000', payee: `0x${'aa'.repeat(20)}` },
  ...{ host: 'seller.example', model: 'docs-reader' },
}
const authorize = (facts: object) => ({
  seq: 7,
  command: { call: 'authorize', request: { ...request, ...facts } },
})

let dir: string
let budget: SharedBudget.SharedBudget

beforeEach(async () => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'door-'))
  budget = await SharedBudget.open({ dir, policy, now: () => 1_700_000_000_000 })
})
afterEach(async () => {
  await budget.close()
  fs.rmSync(dir, { recursive: true })
})

type Answer = { v?: number; seq?: number; result?: { verdict: string }; problem?: { code: string } }

/** Sends lines as they are; all that is answered until the door ends the connection or has said `count`. */
function talk(lines: readonly (string | Buffer)[], count: number): Promise<Answer[]> {
  const address = Address.find(fs.realpathSync(dir))!
  const stream =
    address.kind === 'socket' ? net.connect(address.path) : net.connect(address.port, '127.0.0.1')
  return new Promise((resolve) => {
    let text = ''
    const answers = () => text.split('\n').filter((line) => line !== '')
    stream.setTimeout(5_000, () => stream.destroy())
    stream.on('data', (chunk) => {
      text += chunk.toString()
      if (text.endsWith('\n') && answers().length >= count) stream.destroy()
    })
    stream.on('error', () => undefined)
    stream.once('close', () => resolve(answers().map((line) => JSON.parse(line) as Answer)))
    for (const line of lines) stream.write(line)
  })
}

const line = (message: unknown) => `${JSON.stringify(message)}\n`
const hello = line({ v: 1 })
const stillAnswers = async () => {
  // Another id: a request that is wrong is denied under its own for good.
  const [, answer] = await talk([hello, line(authorize({ id: Hash.digest('sound') }))], 2)
  expect(answer).toMatchObject({ seq: 7, result: { verdict: 'allow' } })
}

test('a command is answered under its number, in whatever pieces it comes', async () => {
  const text =
    hello + line(authorize({})) + line({ seq: 8, command: { call: 'holds', fromLeaf: 0 } })
  for (const pieces of [[text], [...text], [text.slice(0, 99), text.slice(99)]]) {
    const [greeting, first, second] = await talk(pieces, 3)
    expect(greeting).toEqual({ v: 1 })
    expect(first).toMatchObject({ seq: 7, result: { verdict: 'allow' } })
    expect(second).toMatchObject({ seq: 8, result: [{ id: request.id, atoms: '1000000' }] })
  }
})

test('socket and folder are their owner’s alone', () => {
  const folder = path.join(dir, 'writer')
  expect(fs.statSync(folder).mode & 0o777).toBe(0o700)
  expect(fs.readdirSync(folder)).toEqual(['socket'])
  expect(fs.statSync(path.join(folder, 'socket')).mode & 0o777).toBe(0o600)
})

describe('one bad line ends its connection, and nobody else’s', () => {
  test.each([
    ['no JSON', 'give me money\n'],
    ['no UTF-8', Buffer.from([0xff, 0xfe, 0x0a])],
    ['a line without end', 'x'.repeat(600_000)],
    ['no message', line([1])],
    ['a message without a number', line({ command: { call: 'status' } })],
    ['a negative number', line({ seq: -1, command: { call: 'status' } })],
    ['an unknown member', line({ seq: 1, command: { call: 'status' }, as: 'root' })],
  ])('%s', async (_, bad) => {
    const answers = await talk([hello, bad], 9)
    expect(answers).toMatchObject([{ v: 1 }, { problem: { code: 'budget-message-malformed' } }])
    await stillAnswers()
  })

  test.each([
    ['no greeting', line(authorize({}))],
    ['another version', line({ v: 2 })],
    ['HTTP', 'POST /authorize HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n'],
  ])('%s', async (_, bad) => {
    const answers = await talk([bad, line(authorize({}))], 9)
    expect(answers).toMatchObject([{ problem: { code: 'budget-message-malformed' } }])
    expect(await budget.holds()).toEqual([])
  })
})

describe('a bad command is told so, and holds nothing', () => {
  const huge = (1n << 256n).toString()
  test.each<[string, unknown]>([
    ['no command', undefined],
    ['an unknown call', { call: 'mint', atoms: '1' }],
    ['a call of the object', { call: 'constructor' }],
    ['no id', { call: 'capture', atoms: '1' }],
    ['a short id', { call: 'void', id: '0xaa' }],
    ['a number for an amount', { call: 'capture', id: request.id, atoms: 1 }],
    ['a fraction', { call: 'capture', id: request.id, atoms: '1.5' }],
    ['an exponent', { call: 'capture', id: request.id, atoms: '1e3' }],
    ['a member too much', { call: 'void', id: request.id, force: true }],
    ['a policy that is none', { call: 'adopt', policy: { name: 'x' } }],
    [
      'a policy of many rules',
      { call: 'adopt', policy: { ...policy, rules: Array(300).fill({}) } },
    ],
    ['a policy that differs', { call: 'join', policy: { ...policy, name: 'other' } }],
    ['a request that is none', { call: 'authorize', request: [] }],
    ['an amount as a number', authorize({ atoms: 1 }).command],
    ['an amount below nothing', authorize({ atoms: '-1' }).command],
    ['an amount with a zero before', authorize({ atoms: '01' }).command],
    ['an amount beyond a chain', authorize({ atoms: huge }).command],
    ['an amount in other digits', authorize({ atoms: '１' }).command],
    ['a fact nobody knows', authorize({ colour: 'red' }).command],
    ['a fact of the fold', authorize({ askedAtoms: '1' }).command],
    ['a fact that objects have', authorize({ constructor: 'x' }).command],
    ['a prototype', { call: 'authorize', request: JSON.parse('{"__proto__":{"atoms":"1"}}') }],
    ['a name without end', authorize({ agent: 'a'.repeat(10_000) }).command],
    ['half a character', authorize({ agent: '\ud800' }).command],
    ['a name of an object', authorize({ agent: { text: 'desk' } }).command],
    ['an approval too much', authorize({ approval: { by: 'ops', and: { so: 'on' } } }).command],
  ])('%s', async (_, command) => {
    const [, answer] = await talk([hello, line({ seq: 3, command })], 2)
    const { problem, result } = answer!
    expect(answer!.seq).toBe(3)
    // What is only wrong in a fact is denied by the policy, in its own words.
    if (problem === undefined) expect(result?.verdict).toBe('deny')
    else expect(problem.code).toMatch(/^(budget-message-malformed|bad-input|policy-differs)$/)
    expect(await budget.holds()).toEqual([])
    await stillAnswers()
  })

  test('whatever is sent, nothing is held beyond the cap, and the door stays open', async () => {
    const facts = fc.dictionary(
      fc.constantFrom(...Object.keys(request), 'approval', 'coveragePpb', '__proto__', 'then'),
      fc.oneof(fc.string(), fc.integer(), fc.bigInt().map(String), fc.jsonValue()),
      { maxKeys: 4 },
    )
    await fc.assert(
      fc.asyncProperty(fc.array(facts, { minLength: 1, maxLength: 20 }), async (asked) => {
        const lines = asked.map((each) => line(authorize(each)))
        const answers = await talk([hello, ...lines], asked.length + 1)
        expect(answers).toHaveLength(asked.length + 1)
        const codes = new Set(answers.flatMap(({ problem }) => problem?.code ?? []))
        expect([...codes].filter((code) => code !== 'budget-message-malformed')).toEqual([])
        const held = (await budget.holds()).reduce((sum, { atoms }) => sum + atoms, 0n)
        expect(held).toBeLessThanOrEqual(5_000_000n)
      }),
      { numRuns: 100 },
    )
    await budget.status()
  })
})

describe('where no socket fits, loopback with a token', () => {
  let long: string

  beforeEach(async () => {
    await budget.close()
    long = dir
    dir = path.join(long, 'a'.repeat(90))
    budget = await SharedBudget.open({ dir, policy })
  })
  afterEach(async () => {
    await budget.close()
    dir = long
  })

  test('others ask there, and take over', async () => {
    const client = await SharedBudget.open({ dir })
    const file = path.join(dir, 'writer', 'loopback.json')
    expect(fs.statSync(file).mode & 0o777).toBe(0o600)
    expect([budget.isWriter(), client.isWriter()]).toEqual([true, false])
    await budget.close()
    expect(await client.holds()).toEqual([])
    expect(client.isWriter()).toBe(true)
    await client.close()
    expect(fs.existsSync(file)).toBe(false)
  })

  test('who does not know the token is not heard', async () => {
    const { token } = Address.find(fs.realpathSync(dir)) as { token: string }
    for (const given of [
      {},
      { token: '' },
      { token: `${token.slice(1)}x` },
      { token: 'é'.repeat(64) },
    ])
      expect(await talk([line({ v: 1, ...given }), line(authorize({}))], 9)).toMatchObject([
        { problem: { code: 'unauthorised' } },
      ])
    expect(await budget.holds()).toEqual([])
    const answers = await talk([line({ v: 1, token }), line(authorize({}))], 2)
    expect(answers[1]).toMatchObject({ result: { verdict: 'allow' } })
  })

  test('a port that another took since is not taken for the writer', async () => {
    await budget.close()
    const stranger = net.createServer((stream) => {
      stream.on('error', () => undefined)
      stream.on('data', () => stream.end('220 welcome\r\n'))
    })
    await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve))
    const { port } = stranger.address() as net.AddressInfo
    Address.writeLoopback(fs.realpathSync(dir), { port, token: 'old' })
    const next = await SharedBudget.open({ dir })
    expect(next.isWriter()).toBe(true)
    await next.close()
    await new Promise((resolve) => stranger.close(resolve))
  })
})
