/** The documents, held against the code they speak of: what they show compiles, runs, exists and adds up. */
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as Market from '../examples/support/Market.ts'
import * as AgentMachine from '../src/agents/AgentMachine.ts'
import * as Diagram from '../src/agents/Diagram.ts'
import * as Purchase from '../src/agents/Purchase.ts'
import * as Evidence from '../src/attribution/spans/Evidence.ts'
import * as Tally from '../src/economy/audit/Tally.ts'
import { event } from '../src/economy/Event.schema.ts'
import * as Card from '../src/market/Card.schema.ts'
import * as Quote from '../src/market/Quote.ts'
import * as Receipt from '../src/market/Receipt.ts'
import * as Policy from '../src/policies/Policy.ts'
import * as Rule from '../src/policies/Rule.ts'
import * as Wallet from '../src/wallets/Wallet.ts'
import * as Commands from './docs/Commands.ts'
import * as ErrorCodes from './docs/ErrorCodes.ts'
import * as Markdown from './docs/Markdown.ts'
import * as Programs from './docs/Programs.ts'
import * as Source from './tidy/Source.ts'

const documents = Markdown.load()
const read = (path: string) => readFileSync(join(Source.root, path), 'utf8')
const named = (path: string) => documents.find((document) => document.path === path)!

test('every document was read', () => {
  expect(documents.length).toBeGreaterThan(9)
  for (const { path, text } of documents) expect(text.length, path).toBeGreaterThan(1_000)
})

test('links lead somewhere', () => {
  const all = documents.flatMap((document) =>
    Markdown.links(document).map((target) => ({ document, target })),
  )
  expect(all.length).toBeGreaterThan(20)
  const faults = all.map(({ document, target }) => Markdown.linkFault(document, target))
  expect(faults.filter((because) => because !== undefined)).toEqual([])
  const lost = Markdown.parse('README.md', '[a](docs/none.md) [b](docs/errors.md#nowhere)')
  for (const target of Markdown.links(lost))
    expect(Markdown.linkFault(lost, target)).toContain(target)
})

test('files that are named are there', () => {
  const named = documents.flatMap(Markdown.codes)
  const files = named.filter((code) => /^(src|test|docs|examples|scripts)\/[\w./-]+$/.test(code))
  expect(files.length).toBeGreaterThan(10)
  expect(files.filter((file) => !existsSync(join(Source.root, file)))).toEqual([])
})

test('no document speaks of the machine it was written on', () => {
  for (const { path, text } of documents)
    expect(text, path).not.toMatch(/\/(root|work|home|Users|tmp)\/|localhost:\d/)
})

test('command lines can be typed', async () => {
  const program = await Commands.program()
  const lines = [...documents.flatMap(Commands.lines), ...Commands.suggested()]
  expect(lines.filter((line) => line.startsWith('npx requite')).length).toBeGreaterThan(15)
  expect(Commands.suggested().length).toBeGreaterThan(3)
  for (const line of lines) expect(await Commands.fault(program, line), line).toBeUndefined()
  for (const line of ['npx requite aks "x"', 'npx requite ask --loud "x"', 'npm run nothing'])
    expect(await Commands.fault(program, line), line).toBeDefined()
})

test('README lists every command, and main knows them all', async () => {
  const { subCommands } = await Commands.program()
  const names = Object.keys(subCommands as object)
  expect(names.length).toBeGreaterThan(8)
  const main = read('src/cli/main.ts')
  for (const name of names) {
    expect(main).toContain(`./commands/${name}.ts`)
    expect(named('README.md').text).toMatch(new RegExp(`(npx requite|npm) ${name}\\b`))
  }
})

test('the picture shows what npm start prints', () => {
  const picture = read('docs/start.svg')
  const shown = picture.replaceAll(/<[^>]+>/g, '').replaceAll('&quot;', '"')
  expect(named('README.md').text).toContain('](docs/start.svg)')
  for (const line of Commands.suggested()) expect(shown).toContain(line)
  for (const word of ['charged', 'earned', 'verdict', 'receipt', 'accrued', 'verified'])
    expect(shown).toContain(word)
})

test('the changelog has this version', () => {
  const { version } = JSON.parse(read('package.json')) as { version: string }
  expect(named('CHANGELOG.md').text).toContain(`\n## ${version}`)
})

describe('data', () => {
  const blocks = documents.flatMap((document) => Markdown.blocks(document, 'json'))
  const one = (info: string): unknown =>
    JSON.parse(blocks.find((block) => block.info === `json ${info}`)!.text)

  test('JSON is JSON', () => {
    expect(blocks.length).toBeGreaterThan(3)
    for (const { text } of blocks) expect(() => JSON.parse(text)).not.toThrow()
  })

  test('the receipt follows from the quote and the card, both signed by the node', () => {
    const card = Card.card.parse(one('card'))
    const { quote, signature } = Quote.parse(one('quote'))
    const { receipt, signature: signed } = Receipt.parse(one('receipt'))
    const address = quote.seller
    expect(quote.cardHash).toBe(Card.hash(card))
    expect(Quote.arithmeticFault(quote)).toBeUndefined()
    expect(Receipt.fault(receipt, quote, card)).toBeUndefined()
    const verify = (data: ReturnType<typeof Quote.typedData>, signature: `0x${string}`) =>
      Wallet.verifyTypedData({ address, data, signature })
    expect(verify(Quote.typedData(quote), signature)).toBe(true)
    expect(verify(Receipt.typedData(receipt), signed)).toBe(true)
  })

  test('the evidence is evidence', () => {
    expect(Evidence.parse(one('evidence')).method).toBe(Evidence.method)
  })
})

describe('what the code says', () => {
  test('every code a failure can have is explained, and no other', () => {
    const sources = Source.load('src').filter(({ isTest, isGenerated }) => !isTest && !isGenerated)
    const { exact, made } = ErrorCodes.of(sources)
    expect(exact.length).toBeGreaterThan(120)
    const rows = Markdown.table(named('docs/errors.md'), 'code')
    const explained = rows.map(([code]) => code!.replaceAll('`', ''))
    expect(new Set(explained).size).toBe(explained.length)
    expect(exact.filter((code) => !explained.includes(code))).toEqual([])
    const isKnown = (code: string) => exact.includes(code) || made.some((each) => each.test(code))
    expect(explained.filter((code) => !isKnown(code))).toEqual([])
    for (const pattern of made) expect(explained.some((code) => pattern.test(code))).toBe(true)
    for (const [code, means, advice] of rows) expect(means && advice, code).toBeTruthy()
  })

  test.each([
    ["throw new BaseError('x', { code: 'a-b' })", 'a-b'],
    ["type Reason = 'c-d' | 'e'\ntype Refused = { readonly code: Reason }", 'c-d'],
    ["function no(why: string, code: string) {}\nno('x', 'f-g')", 'f-g'],
    ["const code = 'h-i'", 'h-i'],
    ["const error = { code: broken ? 'j-k' : other }", 'j-k'],
  ])('a code is found in %s', (text, code) => {
    expect(ErrorCodes.of([Source.parse('src/kernel/X.ts', text)]).exact).toContain(code)
  })

  test.each([
    ['purchase', 0, Purchase.machine],
    ['run of an agent', 1, AgentMachine.machine],
  ])('the state chart of a %s is the machine', (_, at, machine) => {
    const charts = Markdown.blocks(named('docs/architecture.md'), 'mermaid')
    const drawn = charts.filter(({ text }) => text.startsWith('stateDiagram-v2'))
    expect(drawn).toHaveLength(2)
    expect(drawn[at]!.text).toBe(Diagram.toMermaid(machine))
  })

  test('every event has its place in the life of an answer', () => {
    const types = event.options.map(({ shape }) => shape.type.value)
    expect(types.length).toBeGreaterThan(15)
    const codes = Markdown.codes(named('docs/architecture.md'))
    expect(types.filter((type) => !codes.includes(type))).toEqual([])
    expect(named('docs/architecture.md').text).toContain(`a closed union of ${types.length}`)
  })

  test('every check of verify is explained, and no other', () => {
    const rows = Markdown.table(named('docs/verify.md'), 'check').map(([name]) => name!)
    const names = Tally.names.map((name) => name.replaceAll('-', ' '))
    expect(rows.sort()).toEqual(['manifest', ...names].sort())
  })

  test('every path of a node is documented, and no other', () => {
    const routes = [...read('src/server/App.ts').matchAll(/app\.(get|post)\('([^']+)'/g)]
    const served = routes.map(([, method, path]) => `${method!.toUpperCase()} ${path}`)
    expect(served.length).toBeGreaterThan(7)
    const rows = Markdown.table(named('docs/sell.md'), 'request').map(([request]) => request!)
    expect(rows.map((request) => request.replaceAll('`', '')).sort()).toEqual(served.sort())
    const paths = served.map((route) => route.split(' ')[1]!)
    for (const code of documents.flatMap(Markdown.codes)) {
      const [, path] = /^(?:GET|POST) (\/\S*)$/.exec(code) ?? []
      if (path !== undefined) expect(paths, code).toContain(path)
    }
  })

  test('every kind of sentence is explained, and can be written as it is', () => {
    const usdc = { id: `eip155:31337/erc20:0x${'5f'.repeat(20)}`, decimals: 6, symbol: 'USDC' }
    const rows = Markdown.table(named('docs/policies.md'), 'sentence')
    const rules = rows.map(([sentence]) => Rule.parse(sentence!.replaceAll('`', ''), usdc))
    const kind = (rule: Rule.Rule) =>
      `${rule.rule} ${'dimension' in rule ? rule.dimension : 'each' in rule ? 'each' : ''}`
    const kinds = new Set(rules.map(kind))
    const examples = Rule.examples('USDC').map((sentence) => kind(Rule.parse(sentence, usdc)))
    expect(examples.length).toBeGreaterThan(7)
    expect([...kinds].sort()).toEqual([...new Set(examples)].sort())
  })

  test('policies in YAML are policies', () => {
    const id = 'eip155:31337/erc20:0x5fbdb2315678afecb367f032d93f642f64180aa3'
    const assets = [{ id, decimals: 6, symbol: 'USDC' }]
    const files = documents.flatMap((document) => Markdown.blocks(document, 'yaml'))
    expect(files.length).toBeGreaterThan(0)
    for (const { text } of files)
      expect(Policy.parse(text, { file: 'docs', assets }).rules.length).toBeGreaterThan(0)
  })
})

describe('programs', () => {
  const programs = Programs.of(documents)
  const runs = programs.filter(({ isRun }) => isRun)
  const results = new Map<string, Programs.Ended>()
  const folder = Programs.write(programs)
  let market: Market.Market

  beforeAll(async () => {
    market = await Market.start({ dir: join(folder, 'market'), documents: library })
    const { asset, till, vault } = market.contracts
    const { rpcUrl, chainId } = market.local
    const baseUrl = market.baseUrl.replace(/\/v1$/, '')
    const place = { rpcUrl, chainId, asset, till, vault, baseUrl }
    mkdirSync(join(folder, '.requite', 'chain'), { recursive: true })
    writeFileSync(join(folder, '.requite/chain/contracts.json'), JSON.stringify(place))
    copyFileSync(join(Source.root, 'policy.yaml'), join(folder, 'policy.yaml'))
    mkdirSync(join(folder, 'texts'))
    writeFileSync(join(folder, 'texts', 'tides.md'), library[0]!.text)
    const ended = await Promise.all(runs.map((program) => Programs.run(folder, program)))
    for (const [index, program] of runs.entries()) results.set(program.file, ended[index]!)
  }, 120_000)

  afterAll(async () => {
    await market?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  test('type check', async () => {
    expect(programs.length).toBeGreaterThan(4)
    expect(await Programs.mistakes(folder)).toEqual([])
  }, 60_000)

  test.each(runs.map((program) => [program.document, program] as const))(
    'of %s run, and print what they say',
    (_, program) => {
      const { code, output } = results.get(program.file)!
      expect(code, output).toBe(0)
      expect(output).not.toBe('')
      for (const line of Programs.promised(program)) expect(output.split('\n')).toContain(line)
    },
  )

  test('some promise what they print', () => {
    expect(runs.flatMap(Programs.promised).length).toBeGreaterThan(10)
  })

  test('requests by curl are answered', async () => {
    const lines = documents
      .flatMap((document) => Markdown.blocks(document, 'sh'))
      .flatMap(({ text }) => text.split('\n'))
      .filter((line) => line.startsWith('curl '))
    expect(lines.length).toBeGreaterThan(3)
    for (const line of lines) {
      const words = [...line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
        ([, single, double, bare]) => single ?? double ?? bare!,
      )
      const url = words.find((word) => word.startsWith('http'))!
      const body = words[words.indexOf('-d') + 1]
      const path = url.replace('http://127.0.0.1:4020', '')
      const init = words.includes('-d') ? { method: 'POST', body: body! } : {}
      const response = await market.app.request(path, init)
      expect([path, response.status]).toEqual([path, words.includes('-d') ? 402 : 200])
    }
  })
})

/** What the market answers from: what the programs ask about. */
const library: readonly Market.Document[] = [
  {
    path: 'zod/README.md',
    owner: 'npm:zod',
    text: `# Zod

Zod validates user input against a schema: define the schema with z.object, parse what came in, and
get back a value of the inferred type, or an error that names the path at which it does not fit.
`,
  },
]
