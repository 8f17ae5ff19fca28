/** @module Shares: parts per billion as bigint. The whole is 1 000 000 000; nothing is a float. */
import { InputError } from './Errors.ts'

/** Parts per billion. */
export type Share = bigint

/** The whole: 10⁹ ppb. */
export const whole: Share = 1_000_000_000n

/** Reads `'50%'` or `'0.5%'` with at most seven decimals. */
export function parse(text: string): Share {
  const match = /^(\d{1,3})(?:\.(\d{1,7}))?%$/.exec(text.trim())
  const share =
    match === null ? -1n : BigInt(match[1]!) * 10_000_000n + BigInt((match[2] ?? '').padEnd(7, '0'))
  if (share < 0n || share > whole)
    throw new InputError(
      `expected a share such as "50%", from 0% to 100%, got ${JSON.stringify(text)}`,
    )
  return share
}

/** Exact: `'12.5%'`; {@link parse} reads it back. */
export function format(share: Share): string {
  const fraction = (share % 10_000_000n).toString().padStart(7, '0').replace(/0+$/, '')
  return `${share / 10_000_000n}${fraction === '' ? '' : `.${fraction}`}%`
}

/** For eyes only: one decimal, rounded half up. */
export function round(share: Share): string {
  const tenths = (share + 500_000n) / 1_000_000n
  return `${tenths / 10n}.${tenths % 10n}%`
}
