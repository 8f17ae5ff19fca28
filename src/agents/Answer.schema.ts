/**
 * @module What a seller answers to a paid request, whole or in chunks, as OpenAI's API writes it with the
 * receipt beside. Strangers write it: bounded, and checked before anything is believed.
 */
import { z } from 'zod'
import * as Fields from '../market/Fields.schema.ts'
import { signedReceipt } from '../market/Receipt.schema.ts'

const name = z.string().min(1).max(256)

/** Why an answer ended. */
export const finish = z.enum(['stop', 'length', 'tool_calls'])

/** What proves the sale: the receipt and its place in the seller's log. */
export const proved = z.looseObject({
  ...signedReceipt.shape,
  proof: z.record(z.string(), z.unknown()),
  record: z.string(),
  promptSalt: Fields.hash,
  outputSalt: Fields.hash,
  sources: z
    .array(
      z.strictObject({
        document: z.string(),
        owner: z.string(),
        ppb: Fields.share,
        start: Fields.count,
        end: Fields.count,
        offset: Fields.count,
      }),
    )
    .max(100_000),
  earnings: z
    .array(z.strictObject({ account: z.string(), nano: Fields.amount, reason: z.string() }))
    .max(100_000),
})

/** A whole answer. */
export const completion = z.looseObject({
  choices: z
    .array(
      z.looseObject({
        message: z.looseObject({
          content: z.string().nullish(),
          tool_calls: z
            .array(
              z.looseObject({
                id: name,
                function: z.looseObject({ name, arguments: z.string() }),
              }),
            )
            .max(1_000)
            .nullish(),
        }),
        finish_reason: finish.nullish(),
      }),
    )
    .length(1),
  requite: proved,
})

/** One part of a streamed answer. */
export const chunk = z.looseObject({
  choices: z
    .array(
      z.looseObject({
        delta: z.looseObject({
          content: z.string().nullish(),
          tool_calls: z
            .array(
              z.looseObject({
                index: Fields.count.max(999),
                id: name.nullish(),
                function: z.looseObject({ name: name.nullish(), arguments: z.string().nullish() }),
              }),
            )
            .max(1_000)
            .nullish(),
        }),
        finish_reason: finish.nullish(),
      }),
    )
    .max(1)
    // A failure comes without any.
    .default([]),
  requite: proved.optional(),
  error: z.looseObject({ message: z.string().optional() }).nullish(),
})

/** Told instead of an answer: the money came, nothing was served, and all of it is the payer's change. */
export const returned = z.looseObject({
  error: z.looseObject({ code: z.literal('payment-returned') }),
  requite: z.looseObject({ record: z.string(), proof: z.record(z.string(), z.unknown()) }),
})
