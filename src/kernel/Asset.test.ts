import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as Asset from './Asset.ts'
import { InputError } from './Errors.ts'

const id = 'eip155:8453/erc20:0x833589fcd6edb6e08f4c7c32d4f71b54bda02913'
const usdc: Asset.Asset = { id, decimals: 6, symbol: 'USDC' }

test('the address is kept in lower case, so that one token is one asset', () => {
  const mixed = Asset.from({ ...usdc, id: id.replace('833589fcd6edb6', '833589fCD6eDb6') })
  expect(mixed).toEqual(usdc)
  expect(Asset.parts(id)).toEqual({
    chainId: 8453,
    address: '0x833589fcd6edb6e08f4c7c32d4f71b54bda02913',
  })
  expect(Asset.network(usdc)).toBe('eip155:8453')
})

test('an id keeps its chain, whatever its number', () => {
  fc.assert(
    fc.property(
      fc.maxSafeNat().filter((chain) => chain > 0),
      (chain) => {
        const asset = Asset.from({ ...usdc, id: id.replace('8453', String(chain)) })
        expect(asset.id).toBe(id.replace('8453', String(chain)))
        expect(Asset.parts(asset.id).chainId).toBe(chain)
      },
    ),
  )
})

describe('refused', () => {
  test.each([
    '',
    'USDC',
    id.toUpperCase(),
    id.slice(0, -1),
    `${id}0`,
    id.replace('8453', '0'),
    id.replace('8453', '08453'),
    id.replace('8453', '-1'),
    id.replace('erc20', 'erc721'),
    id.replace('eip155', 'solana'),
    ` ${id}`,
    `${id}\n`,
  ])('%j', (bad) => {
    expect(() => Asset.parts(bad)).toThrow(InputError)
    expect(() => Asset.parts(bad)).toThrow('expected an asset id such as')
  })

  test('a chain id that a number cannot hold', () => {
    expect(() => Asset.parts(id.replace('8453', '9007199254740993'))).toThrow('expected a chain id')
  })

  test.each([-1, 37, 1.5, Number.NaN])('%s decimals', (decimals) => {
    expect(() => Asset.from({ ...usdc, decimals })).toThrow('expected decimals from 0 to 36')
  })

  test.each(['', '1USD', 'US DC', 'USD€', 'A'.repeat(17)])('symbol %j', (symbol) => {
    expect(() => Asset.from({ ...usdc, symbol })).toThrow('expected a symbol')
  })
})

test('identity is id and decimals; symbols do not matter', () => {
  expect(Asset.equal(usdc, { ...usdc, symbol: 'X' })).toBe(true)
  expect(Asset.equal(usdc, { ...usdc, decimals: 18 })).toBe(false)
  expect(Asset.equal(usdc, { ...usdc, id: id.replace('8453', '1') })).toBe(false)
})
