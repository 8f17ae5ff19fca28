/** The guide for operators, held against the budget: each policy loads, and each row comes out as it says. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import * as Hypothetical from '../src/cli/Hypothetical.ts'
import * as Budget from '../src/policies/Budget.ts'
import * as Check from '../src/policies/Check.ts'
import * as Freeze from '../src/policies/Freeze.ts'
import * as Policy from '../src/policies/Policy.ts'
import type { Request } from '../src/policies/Request.ts'
import * as Rule from '../src/policies/Rule.ts'
import * as Commands from './docs/Commands.ts'
import * as Markdown from './docs/Markdown.ts'
import { root } from './tidy/Source.ts'

const usdc = {
  id: 'eip155:31337/erc20:0x5fbdb2315678afecb367f032d93f642f64180aa3',
  ...{ decimals: 6, symbol: 'USDC' },
}
const till = '0xcafac3dd18ac6c6e92c921884f9e4176737c052c'
const document = (path: string) => Markdown.parse(path, readFileSync(join(root, path), 'utf8'))
const guide = document('docs/operators.md')

/** What a request is where its row does not say. */
const defaults: Hypothetical.Defaults = {
  ...{ payee: till, model: 'docs-reader', host: '127.0.0.1:4020' },
  agent: '0x00000000000000000000000000000000000000a1',
  ...{ adapter: 'none', tool: 'none', category: 'inference', datanet: 'installed-docs' },
  ...{ coveragePpb: 0n, royaltySharePpb: 0n, trustTier: 0 },
}

type Section = { readonly title: string; readonly document: Markdown.Document }

const sections: readonly Section[] = guide.text
  .split(/^### (?=\d+\. )/m)
  .slice(1)
  .map((text) => ({
    title: text.split('\n')[0]!,
    document: Markdown.parse('docs/operators.md', text),
  }))

function policies({ document }: Section, info: string): readonly Policy.Policy[] {
  const found = document.blocks.filter((block) => block.info === info)
  return found.map(({ text }) => Policy.parse(text, { file: 'operators.md', assets: [usdc] }))
}

/** The policies of a section, at work. */
function open(section: Section) {
  let nowMs = 0
  const clock = () => nowMs
  const [policy] = policies(section, 'yaml')
  const [shadow] = policies(section, 'yaml trial')
  const whole = Budget.open(policy!, { clock, ...(shadow === undefined ? {} : { shadow }) })
  const slices = policies(section, 'yaml slice').map((each) => whole.slice(each))
  const onTheirWay: Request[] = []
  let reviewed: Request | undefined

  const decide = (request: Request, then: string) => {
    const budget = slices.find((slice) => slice.policy.name === request.agent) ?? whole
    const { verdict, decidedBy, shadow: tried } = budget.authorize(request)
    if (verdict === 'review') reviewed = request
    const isOnItsWay = then.includes('on its way')
    if (verdict === 'allow' && isOnItsWay) onTheirWay.push(request)
    else if (verdict === 'allow') expect(budget.capture(request.id, request.atoms)).toBe('ok')
    const said = tried === undefined ? verdict : `${verdict}; on trial: ${tried.verdict}`
    return {
      says: isOnItsWay ? `${said}, on its way` : said,
      rule: decidedBy?.rule,
    }
  }
  const act = (words: readonly string[]): boolean => {
    const [verb, ...rest] = words
    const told = { by: 'ops', because: 'drill', atMs: nowMs }
    if (verb === 'freeze')
      Budget.freeze(whole.usage, { target: Freeze.parse(rest.join(' ')), ...told })
    else if (verb === 'thaw')
      expect(Budget.thaw(whole.usage, Freeze.parse(rest.join(' ')))).toBe(true)
    else if (words.join(' ') === 'the first is delivered') {
      const request = onTheirWay.shift()!
      expect(whole.capture(request.id, request.atoms)).toBe('ok')
    } else return false
    return true
  }
  return {
    row([when, asks, then]: readonly string[]) {
      if (when !== '') nowMs = Date.parse(`${when!.replace(' ', 'T')}Z`)
      expect(nowMs).toBeGreaterThan(0)
      const words = Commands.words(asks!.replaceAll('`', ''))
      if (words[0] === 'approve') {
        const { payee, model, atoms: ceilingAtoms } = reviewed!
        const approval = { by: words[2]!, payee, model, ceilingAtoms }
        return decide({ ...reviewed!, approval }, then!)
      }
      if (act(words)) return { says: 'done', rule: undefined }
      return decide(requested(words, nowMs), then!)
    },
  }
}

function requested(words: readonly string[], nowMs: number): Request {
  const given: Record<string, string> = {}
  for (let at = 0; at < words.length; at += 2) {
    const flag = words[at]!.replace(/^--/, '')
    expect(Object.keys(Hypothetical.flags)).toContain(flag)
    given[flag] = words[at + 1]!
  }
  return Hypothetical.read(given, { asset: usdc, defaults, nowMs }).request
}

test('there are the ten that were promised', () => {
  const titles = sections.map(({ title }) => title.toLowerCase())
  expect(titles).toHaveLength(10)
  for (const [at, word] of [
    ...['research', 'drawdown', 'sub-agents', 'exposure', 'night', 'approval'],
    ...['daylight', 'coverage', 'shadow', 'emergency'],
  ].entries())
    expect(titles[at]).toContain(word)
})

describe.each(sections.map((section) => [section.title, section] as const))('%s', (_, section) => {
  test('has nothing that contradicts itself, never decides or never binds', () => {
    const all = ['yaml', 'yaml trial'].flatMap((info) => policies(section, info))
    expect(all.length).toBeGreaterThan(0)
    for (const policy of all)
      expect(Check.findings(policy).filter(({ kind }) => kind !== 'warning')).toEqual([])
  })

  test('comes out as its table says', () => {
    const rows = Markdown.table(section.document, 'when (UTC)')
    expect(rows.length).toBeGreaterThan(4)
    const scene = open(section)
    for (const row of rows) {
      const { says, rule } = scene.row(row)
      expect({ row, says }).toEqual({ row, says: row[2] })
      const because = row[3]!.replaceAll('`', '')
      if (because !== '') expect({ row, rule }).toEqual({ row, rule: because })
    }
    const verdicts = new Set(rows.map(([, , then]) => then!.split(/[,;]/)[0]))
    expect(verdicts).toContain('allow')
    expect(verdicts).toContain('deny')
  })
})

test('every sentence in the documents is one, written as it is written back', () => {
  const texts = ['docs/policies.md', 'docs/operators.md'].flatMap((path) =>
    Markdown.codes(document(path)),
  )
  const opening =
    /^(allow|deny) (payees|hosts|models|assets|adapters|datanets|tools|agents|categories) .|^(cap|at most|approve above|count) .*\d|^(demand|freeze from|stop at) ./
  const sentences = texts.filter((text) => opening.test(text))
  expect(sentences.length).toBeGreaterThan(50)
  for (const sentence of sentences)
    expect(Rule.format(Rule.parse(sentence, usdc), usdc)).toBe(sentence)
  const kinds = (all: readonly string[]) =>
    [...new Set(all.map((sentence) => Rule.parse(sentence, usdc).rule))].sort()
  expect(kinds(sentences)).toEqual(kinds(Rule.examples('USDC')))
})
