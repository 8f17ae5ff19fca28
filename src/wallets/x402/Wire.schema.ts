/**
 * @module What x402 version 2 messages must look like. Strangers write them: sizes are bounded, numbers are
 * decimal strings, and members that nobody asked for are kept, since what is echoed must be equal.
 */
import { z } from 'zod'

const decimal = z.string().regex(/^(0|[1-9]\d{0,77})$/, 'expected a decimal string')
const address = z.string().regex(/^0x[0-9a-fA-F]{40}$/, 'expected an address: 0x and 40 hex digits')
const record = z.record(z.string(), z.unknown())
const second = z
  .string()
  .regex(/^(0|[1-9]\d{0,14})$/, 'expected seconds since 1970 as a decimal string')

/** What a seller accepts: any scheme and network, since a list may name some that we do not speak. */
export const requirements = z.looseObject({
  scheme: z.string().min(1).max(64),
  network: z
    .string()
    .regex(/^[-a-z0-9]{3,8}:[-_a-zA-Z0-9]{1,32}$/, 'expected a CAIP-2 network such as eip155:8453')
    .transform((network) => network as `${string}:${string}`),
  asset: z.string().min(1).max(128),
  amount: decimal,
  payTo: z.string().min(1).max(128),
  maxTimeoutSeconds: z.number().positive(),
  extra: record.nullish(),
})

const resource = z.looseObject({
  url: z.string().min(1).max(4096),
  description: z.string().max(4096).nullish(),
  mimeType: z.string().max(256).nullish(),
})

/** The 402 answer. */
export const required = z.looseObject({
  x402Version: z.literal(2),
  error: z.string().max(4096).nullish(),
  resource,
  accepts: z.array(requirements).min(1).max(64),
  extensions: record.nullish(),
})

/** A signed `exact` payment by EIP-3009. */
export const payload = z.looseObject({
  x402Version: z.literal(2),
  resource: resource.nullish(),
  accepted: requirements,
  payload: z.looseObject({
    signature: z
      .string()
      .regex(/^0x([0-9a-fA-F]{2}){65,2048}$/, 'expected a signature of at least 65 bytes'),
    authorization: z.looseObject({
      from: address,
      to: address,
      value: decimal,
      validAfter: second,
      validBefore: second,
      nonce: z.string().regex(/^0x[0-9a-fA-F]{64}$/, 'expected a nonce of 32 bytes'),
    }),
  }),
  extensions: record.nullish(),
})

/** What a seller says about the settlement. */
export const settlement = z.looseObject({
  success: z.boolean(),
  transaction: z.string().max(256),
  network: z.string().max(64),
  payer: z.string().max(128).nullish(),
  errorReason: z.string().max(4096).nullish(),
  extensions: record.nullish(),
})
