/** How agents find one another from outside: a registry run from the command line, a card at an address. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as AgentCard from '../../src/agents/AgentCard.ts'
import * as Directory from '../../src/agents/Directory.ts'
import * as Http from '../../src/server/Http.ts'
import * as Market from '../harness/Market.ts'
import { root } from '../tidy/Source.ts'

let market: Market.Market
const children: ChildProcess[] = []
const listeners: Http.Listening[] = []
beforeAll(async () => {
  market = await Market.open()
})
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL')
  await Promise.all(listeners.map((each) => each.close()))
  await market.close()
})

async function registry() {
  const home = join(market.scratch, 'home')
  mkdirSync(join(home, 'chain'), { recursive: true })
  const { asset, vault, till, tokenName, tokenVersion } = market.contracts
  const { chainId } = market.chain
  const place = { rpcUrl: market.rpcUrl, chainId, asset, vault, till, tokenName, tokenVersion }
  writeFileSync(join(home, 'chain', 'contracts.json'), JSON.stringify(place))
  const program = ['--conditions=source', '--import', 'tsx', 'src/cli/main.ts', 'registry']
  const args = [...program, '--home', home, '--port', '0', '--json']
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
  children.push(child)
  return new Promise<string>((resolve, reject) => {
    let said = ''
    const listen = (part: unknown) => {
      said += String(part)
      const found = /http:\/\/127\.0\.0\.1:\d+/.exec(said)
      if (found !== null) resolve(found[0])
    }
    child.stdout.on('data', listen)
    child.stderr.on('data', listen)
    child.once('close', () => reject(new Error(said)))
  })
}

test('a registry from the command line brings sellers and a buyer together', async () => {
  const base = await registry()
  const { chain, contracts, node, baseUrl } = market
  const { asset } = contracts
  const directory = Directory.open({ registries: [base], asset, chain })
  const offers = [
    { model: Market.model, kind: 'extractive', description: 'passages on tides' },
  ] as const
  await directory.announce(node.wallet, { name: 'tides', baseUrl, offers: [...offers] })
  const { buyer } = await market.agent()
  const { baseUrl: _, ...call } = Market.call(market)
  const hired = await buyer.hire({ ...call, directory })
  expect([hired.state, hired.seller]).toEqual(['captured', node.wallet.address])
  await directory.attest(await buyer.attest(hired.purchase))
  expect(await directory.attestations(node.wallet.address)).toHaveLength(1)
})

describe('a card', () => {
  const serve = async (fetch: Http.Fetch) => {
    const listening = await Http.serve(fetch, 0)
    listeners.push(listening)
    return listening.baseUrl
  }

  test('says where its seller is asked and what it sells', async () => {
    const card = await AgentCard.read(new URL(market.baseUrl).origin)
    expect(card.baseUrl).toBe(market.baseUrl)
    expect(card.skills.map(({ id }) => id)).toEqual([Market.model])
    const { buyer } = await market.agent()
    const { baseUrl: _, ...call } = Market.call(market)
    const hired = await buyer.hire({ ...call, sellers: [card.baseUrl] })
    expect(hired.state).toBe('captured')
  })

  const good = {
    name: 'n',
    description: 'd',
    url: 'http://127.0.0.1:1/v1',
    skills: [] as unknown[],
  }
  test.each<[string, unknown]>([
    ['no card', 'hello'],
    ['a card that sells nothing', good],
    ['a script for an address', { ...good, url: 'javascript:alert(1)' }],
    ['a card without end', { ...good, description: 'x'.repeat(3_000) }],
    ['another shape', { ...good, skills: [{ name: 'no id' }] }],
  ])('that is %s is refused by name', async (_, body) => {
    const url = await serve(() => Response.json(body))
    await expect(AgentCard.read(url)).rejects.toMatchObject({ code: 'card-malformed' })
  })

  test('at an address where nobody answers is a failure that may be tried again', async () => {
    const missing = await serve(() => new Response('nothing here', { status: 404 }))
    await expect(AgentCard.read(missing)).rejects.toMatchObject({ message: /HTTP 404/ })
    await expect(AgentCard.read('http://127.0.0.1:9')).rejects.toMatchObject({
      code: 'seller-unreachable',
    })
  })
})
