/**
 * @module x402 version 2 on the wire: JSON in base64 in three headers. What we write is canonical JSON, so
 * that a message read from a journal is sent again byte for byte; what we read may be any JSON.
 */
import type { z } from 'zod'
import { InputError } from '../../kernel/Errors.ts'
import * as Json from '../../kernel/Json.ts'
import * as schema from './Wire.schema.ts'

/** Names of the headers. */
export const headerNames = {
  /** On a 402: what the seller accepts. */
  required: 'PAYMENT-REQUIRED',
  /** On the request: the signed payment. */
  signature: 'PAYMENT-SIGNATURE',
  /** On the answer: what became of it. */
  response: 'PAYMENT-RESPONSE',
} as const

/** One way to pay; `amount` in atoms, a decimal string. */
export type Requirements = z.infer<typeof schema.requirements>
/** What is paid for. */
export type Resource = z.infer<typeof schema.required>['resource']
/** The 402 answer. */
export type Required = z.infer<typeof schema.required>
/** A signed payment. */
export type Payload = z.infer<typeof schema.payload>
/** What became of a payment. */
export type Settlement = z.infer<typeof schema.settlement>

/** Node refuses requests and answers whose headers exceed 16 KiB together. */
const maxWrittenBytes = 12 * 1024
const maxReadBytes = 64 * 1024

/** A message as a header's value. Throws `header-too-large`. */
export function encode(message: Required | Payload | Settlement): string {
  const encoded = Buffer.from(Json.encode(message), 'utf8').toString('base64')
  if (encoded.length > maxWrittenBytes)
    throw new InputError(
      `expected a payment header of at most ${maxWrittenBytes} bytes, got ${encoded.length}`,
      { code: 'header-too-large', hint: 'put long terms in the body and their hash in the header' },
    )
  return encoded
}

/** The 402 answer of a header's value. Throws `payment-required-malformed`. */
export function decodeRequired(header: string): Required {
  return parseRequired(decode(header, headerNames.required, 'payment-required-malformed'))
}

/** The 402 answer of parsed JSON. Throws `payment-required-malformed`. */
export function parseRequired(value: unknown): Required {
  return parse(schema.required, value, headerNames.required, 'payment-required-malformed')
}

/** The signed payment of a header's value. Throws `payment-malformed`. */
export function decodePayload(header: string): Payload {
  const name = headerNames.signature
  const value = decode(header, name, 'payment-malformed')
  if (hasMember(value, 'payload') && hasMember(value.payload, 'permit2Authorization'))
    throw new InputError(`expected an EIP-3009 authorization in ${name}, got a Permit2 one`, {
      code: 'payment-malformed',
    })
  return parse(schema.payload, value, name, 'payment-malformed')
}

/** The settlement of a header's value. Throws `payment-response-malformed`. */
export function decodeSettlement(header: string): Settlement {
  const name = headerNames.response
  const code = 'payment-response-malformed'
  return parse(schema.settlement, decode(header, name, code), name, code)
}

function decode(header: string, name: string, code: string): unknown {
  if (header.length > maxReadBytes)
    throw new InputError(`expected ${name} of at most ${maxReadBytes} bytes`, { code })
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(header))
    throw new InputError(`expected base64 in ${name}`, { code })
  try {
    return JSON.parse(Buffer.from(header, 'base64').toString('utf8'))
  } catch (cause) {
    throw new InputError(`expected base64 of JSON in ${name}`, { code, cause })
  }
}

function parse<Schema extends z.ZodType>(
  expected: Schema,
  value: unknown,
  name: string,
  code: string,
): z.infer<Schema> {
  const parsed = expected.safeParse(value)
  if (parsed.success) {
    // What has no canonical form (lone surrogates, endless nesting) could be neither recorded nor echoed.
    Json.encode(parsed.data)
    return parsed.data
  }
  const [issue] = parsed.error.issues
  const path = issue?.path.join('.') || 'the message'
  throw new InputError(`malformed ${name} at ${path}: ${issue?.message.slice(0, 300)}`, { code })
}

function hasMember<Name extends string>(
  value: unknown,
  name: Name,
): value is Record<Name, unknown> {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
}
