import { expect, test } from 'vitest'
import * as Hypothetical from './Hypothetical.ts'

const asset = { id: `eip155:31337/erc20:0x${'5f'.repeat(20)}`, decimals: 6, symbol: 'USDC' }
const names = { agent: 'desk', payee: 'lab', host: 'lab.example', model: 'reader' }
const read = (given: Hypothetical.Given, defaults: Partial<Hypothetical.Defaults> = {}) =>
  Hypothetical.read(given, { asset, defaults: { ...names, ...defaults }, nowMs: 5 })

test('every flag states its fact, and what no flag states is as it was', () => {
  const { request, atMs } = read(
    {
      ...{ amount: '0.02 USDC', payee: 'a', host: 'b', model: 'c', agent: 'd', adapter: 'e' },
      ...{ datanet: 'f', tool: 'g', category: 'h', coverage: '50%', rarity: '10%' },
      ...{ slippage: '1%' },
      ...{ 'royalty-share': '30%', 'trust-tier': '2', 'device-seconds': '7', drawdown: '4%' },
      ...{ 'approved-by': 'ops', at: '2026-03-29T01:30+02:00' },
    },
    { atoms: 1n },
  )
  expect(atMs).toBe(Date.parse('2026-03-28T23:30Z'))
  expect(request).toMatchObject({
    ...{ atoms: 20_000n, payee: 'a', host: 'b', model: 'c', agent: 'd', adapter: 'e' },
    ...{ datanet: 'f', tool: 'g', category: 'h', coveragePpb: 500_000_000n },
    ...{ slippagePpb: 10_000_000n },
    ...{ rarityPpb: 100_000_000n, royaltySharePpb: 300_000_000n, trustTier: 2, deviceMs: 7_000n },
    drawdown: { ppb: 40_000_000n, asOfMs: atMs },
    approval: { by: 'ops', payee: 'a', model: 'c', ceilingAtoms: 20_000n },
  })
  const before = read({}, { atoms: 1n, coveragePpb: 3n })
  expect(before.atMs).toBe(5)
  expect(before.request).toMatchObject({ ...names, atoms: 1n, coveragePpb: 3n, asset: asset.id })
  expect(before.request.id).not.toBe(read({}, { atoms: 1n }).request.id)
})

test.each([
  [{}, /expected --amount, such as --amount "0\.02 USDC"/],
  [{ amount: '0.02' }, /^--amount: /],
  [{ amount: '0.02 EURC' }, /^--amount: .*EURC/],
  [{ amount: '-1 USDC' }, /^--amount: /],
  [{ amount: '1 USDC', coverage: '101%' }, /^--coverage: /],
  [{ amount: '1 USDC', drawdown: 'much' }, /^--drawdown: /],
  [{ amount: '1 USDC', 'trust-tier': '-1' }, /^--trust-tier: expected a whole number/],
  [{ amount: '1 USDC', 'device-seconds': '1e3' }, /^--device-seconds: /],
  [{ amount: '1 USDC', at: 'noon' }, /^--at: expected a time such as/],
  [{ amount: '1 USDC', at: '2026-13-01T00:00Z' }, /^--at: /],
])('%j is refused by the name of its flag', (given, message) => {
  expect(() => read(given)).toThrow(
    expect.objectContaining({ code: 'usage', message: expect.stringMatching(message) }),
  )
})
