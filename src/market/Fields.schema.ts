/** @module Field shapes that quotes, receipts and events share, as zod: what a boundary accepts, exactly. */
import { z } from 'zod'
import type { Hex } from '../kernel/Hex.ts'

function bytes(size: number) {
  const pattern = new RegExp(`^0x[0-9a-f]{${2 * size}}$`)
  return z.custom<Hex>((value) => typeof value === 'string' && pattern.test(value), {
    error: `expected ${size} bytes as lower-case 0x-prefixed hex`,
  })
}

/** 32 bytes, lower case. */
export const hash = bytes(32)
/** 20 bytes, lower case: one text for one address. */
export const address = bytes(20)
/** A signature of 65 bytes, lower case. */
export const signature = bytes(65)
/** A non-negative integer as a decimal string, at most 78 digits: atoms, nano-atoms, ppb. */
export const amount = z.string().regex(/^(0|[1-9]\d{0,77})$/, 'expected a decimal string')
/** As {@link amount}, and may be negative: net movements only. */
export const signed = z.string().regex(/^(0|-?[1-9]\d{0,77})$/, 'expected a decimal string')
/** Parts per billion, at most the whole. */
export const share = z
  .string()
  .regex(/^(0|[1-9]\d{0,9})$/, 'expected ppb as a decimal string')
  .refine(
    (text) => /^\d{1,10}$/.test(text) && BigInt(text) <= 1_000_000_000n,
    'expected at most the whole',
  )
/** A safe non-negative integer: counts, milliseconds, positions. */
export const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER)
/** A measured duration in milliseconds: evidence, never a billing basis. */
export const measuredMs = z.number().min(0).max(1e12)
/** A short name of a model, device, tokeniser or the like. */
export const label = z.string().min(1).max(200)

/** An asset by identity (CAIP-19), with what a person needs to read amounts. */
export const asset = z.strictObject({
  id: z
    .string()
    .regex(/^eip155:[1-9]\d{0,17}\/erc20:0x[0-9a-f]{40}$/, 'expected a CAIP-19 asset id'),
  decimals: z.number().int().min(0).max(36),
  symbol: z.string().regex(/^[A-Za-z][A-Za-z0-9.]{0,15}$/, 'expected a symbol'),
})
