/** @module Payments as a seller's records carry them: the signed payload, or its name. */
import { z } from 'zod'
import * as Fields from '../market/Fields.schema.ts'

/** A buyer's signed payment, kept before it is settled. */
export const payment = z.strictObject({
  payer: Fields.address,
  nonce: Fields.hash,
  payTo: Fields.address,
  valueAtoms: Fields.amount,
  validBeforeSec: Fields.count,
  payload: z.record(z.string(), z.unknown()),
})

/** What names a payment: no two have the same pair. */
export const paymentName = z.strictObject({ payer: Fields.address, nonce: Fields.hash })
