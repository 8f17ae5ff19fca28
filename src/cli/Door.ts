/** @module Door: what an operator may tell a running agent through its control port, read as hostile. */
import { z } from 'zod'
import type * as Buyer from '../agents/Buyer.ts'
import { InputError } from '../kernel/Errors.ts'
import type * as Hex from '../kernel/Hex.ts'
import * as Freeze from '../policies/Freeze.ts'
import type * as Control from './Control.ts'

const word = z.string().regex(/^0x[0-9a-f]{64}$/)
const text = z.string().min(1).max(200)
const answers = {
  approve: z.strictObject({
    purchase: word,
    by: text,
    ceilingAtoms: z
      .string()
      .regex(/^(0|[1-9]\d{0,77})$/)
      .optional(),
  }),
  decline: z.strictObject({ purchase: word, by: text, because: text }),
  freeze: z.strictObject({ target: z.unknown(), by: text, because: text }),
  thaw: z.strictObject({ target: z.unknown(), by: text }),
}

/** Answers reviews and throws switches with a buyer that this process has open. */
export function handlers(buyer: Buyer.Buyer): Control.Handlers {
  return {
    async approve(argument) {
      const { purchase, by, ceilingAtoms } = read(answers.approve, argument)
      const ceiling = ceilingAtoms === undefined ? {} : { ceilingAtoms: BigInt(ceilingAtoms) }
      return buyer.approve(purchase as Hex.Hex, { by, ...ceiling })
    },
    async decline(argument) {
      const { purchase, by, because } = read(answers.decline, argument)
      await buyer.decline(purchase as Hex.Hex, { by, because })
    },
    async freeze(argument) {
      const { target, by, because } = read(answers.freeze, argument)
      await buyer.freeze(Freeze.fromJson(target), { by, because })
    },
    async thaw(argument) {
      const { target, by } = read(answers.thaw, argument)
      await buyer.thaw(Freeze.fromJson(target), { by })
    },
  }
}

function read<Value>(schema: z.ZodType<Value>, argument: unknown): Value {
  const parsed = schema.safeParse(argument)
  if (parsed.success) return parsed.data
  const { path, message } = parsed.error.issues[0]!
  throw new InputError(`a call: ${path.join('.') || 'top level'}: ${message}`)
}
