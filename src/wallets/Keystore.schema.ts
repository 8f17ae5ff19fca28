/** @module What a key file must look like: Web3 Secret Storage, version 3. */
import { z } from 'zod'

const hex = (bytes: number) => z.string().regex(new RegExp(`^[0-9a-fA-F]{${2 * bytes}}$`))
const count = z.number().int().positive()
const salt = z.string().regex(/^([0-9a-fA-F]{2}){1,128}$/)

const scrypt = z.object({
  dklen: z.literal(32),
  n: count.refine((n) => Number.isInteger(Math.log2(n)) && n > 1, 'expected a power of two'),
  r: count,
  p: count,
  salt,
})
const pbkdf2 = z.object({ dklen: z.literal(32), c: count, prf: z.literal('hmac-sha256'), salt })

/** A key file. */
export const schema = z.object({
  version: z.literal(3),
  crypto: z.object({
    cipher: z.literal('aes-128-ctr'),
    cipherparams: z.object({ iv: hex(16) }),
    ciphertext: hex(32),
    kdf: z.enum(['scrypt', 'pbkdf2']),
    kdfparams: z.union([scrypt, pbkdf2]),
    mac: hex(32),
  }),
})

/** A key file, checked. */
export type Encrypted = z.infer<typeof schema>
