/**
 * @module Key files: Web3 Secret Storage version 3 (scrypt or PBKDF2, AES-128-CTR, keccak256), the format
 * of geth, MetaMask and ethers. Files are written whole or not at all, readable by their owner alone.
 * On a local chain the password may be empty and the derivation cheap; anywhere else it must be given.
 */
import {
  createCipheriv,
  createDecipheriv,
  pbkdf2,
  randomBytes,
  randomUUID,
  scrypt,
  timingSafeEqual,
} from 'node:crypto'
import { link, mkdir, open as openFile, readFile, stat, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { scryptAsync } from '@noble/hashes/scrypt.js'
import { BaseError, InputError } from '../kernel/Errors.ts'
import * as Hash from '../kernel/Hash.ts'
import * as Hex from '../kernel/Hex.ts'
import { type Encrypted, schema } from './Keystore.schema.ts'
import * as Wallet from './Wallet.ts'

/** Cost of deriving the key from the password: `standard` takes ~1 s and 256 MiB, `light` a few ms. */
export type Cost = 'standard' | 'light'

const costs = { standard: { n: 262_144, p: 1 }, light: { n: 4096, p: 1 } } as const
const blockSize = 8
/** A hostile file could name a cost that takes hours or all memory. */
const maxMemoryBytes = 1024 ** 3
const maxIterations = 10_000_000

/** Encrypts a private key; the result is the text of a key file. */
export async function encode(options: {
  readonly privateKey: Hex.Hex
  readonly password: string
  readonly cost?: Cost
}): Promise<string> {
  const { privateKey, password, cost = 'standard' } = options
  const { address } = Wallet.fromPrivateKey(privateKey)
  const salt = randomBytes(32)
  const iv = randomBytes(16)
  const { n, p } = costs[cost]
  const kdfparams = { dklen: 32 as const, n, p, r: blockSize, salt: salt.toString('hex') }
  const derived = await derive({ kdf: 'scrypt', kdfparams }, password)
  const cipher = createCipheriv('aes-128-ctr', derived.subarray(0, 16), iv)
  const secret = Buffer.from(privateKey.slice(2), 'hex')
  const ciphertext = Buffer.concat([cipher.update(secret), cipher.final()])
  const file = {
    address: address.slice(2),
    crypto: {
      cipher: 'aes-128-ctr',
      cipherparams: { iv: iv.toString('hex') },
      ciphertext: ciphertext.toString('hex'),
      kdf: 'scrypt',
      kdfparams,
      mac: authenticate(derived, ciphertext).toString('hex'),
    },
    id: randomUUID(),
    version: 3,
  }
  return `${JSON.stringify(file, undefined, 2)}\n`
}

/**
 * The private key in the text of a key file. Throws `key-file-malformed`, or `password-wrong` when the
 * password is not the one, or the file was altered.
 */
export async function decode(options: {
  readonly text: string
  readonly password: string
}): Promise<Hex.Hex> {
  const file = parse(options.text)
  const derived = await derive(file.crypto, options.password)
  const ciphertext = Buffer.from(file.crypto.ciphertext, 'hex')
  const mac = Buffer.from(file.crypto.mac, 'hex')
  if (!timingSafeEqual(authenticate(derived, ciphertext), mac))
    throw new BaseError('the password does not open this key file, or the file was altered', {
      code: 'password-wrong',
    })
  const iv = Buffer.from(file.crypto.cipherparams.iv, 'hex')
  const decipher = createDecipheriv('aes-128-ctr', derived.subarray(0, 16), iv)
  return Hex.encode(Buffer.concat([decipher.update(ciphertext), decipher.final()]))
}

/**
 * The wallet of a key file; with `create`, of a new random key if there is no such file yet.
 * Throws `key-file-missing`, `key-file-exposed` (others may read it), `password-needed`, and what
 * `decode` throws.
 */
export async function open(options: {
  readonly file: string
  readonly password?: string
  readonly create?: boolean
  /** On a local chain the password is '' unless given, and the derivation is cheap. */
  readonly localChain?: boolean
}): Promise<Wallet.Wallet> {
  const { file, create = false, localChain = false } = options
  const password = options.password ?? ''
  if (password === '' && !localChain)
    throw new BaseError(`expected a password for the key in ${file}`, {
      code: 'password-needed',
      hint: 'give it by the environment or a prompt; only a local chain goes without',
    })
  const found = await read(file)
  if (found !== undefined)
    return decode({ text: found, password }).then(Wallet.fromPrivateKey, (cause) => {
      throw inFile(file, cause)
    })
  if (!create)
    throw new BaseError(`expected a key file at ${file}, found none`, { code: 'key-file-missing' })
  const privateKey = freshKey()
  const cost = localChain && password === '' ? 'light' : 'standard'
  const created = await write(file, await encode({ privateKey, password, cost }))
  if (created) return Wallet.fromPrivateKey(privateKey)
  // Another process was first: its key is the one.
  return open({ ...options, create: false })
}

function freshKey(): Hex.Hex {
  for (;;) {
    const candidate = Hex.encode(randomBytes(32))
    try {
      Wallet.fromPrivateKey(candidate)
      return candidate
    } catch {
      // Outside the curve's order, which happens once in 2^127: draw again.
    }
  }
}

async function read(file: string): Promise<string | undefined> {
  try {
    const { mode } = await stat(file)
    if (process.platform !== 'win32' && (mode & 0o077) !== 0)
      throw new BaseError(`the key file ${file} can be read by others`, {
        code: 'key-file-exposed',
        hint: `chmod 600 ${file}`,
      })
    return await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Whole or not at all, and never over an existing file: false when one was there. */
async function write(file: string, text: string): Promise<boolean> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  const draft = `${file}.${randomUUID()}.draft`
  const handle = await openFile(draft, 'wx', 0o600)
  try {
    await handle.writeFile(text)
    await handle.sync()
    await handle.close()
    await link(draft, file)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  } finally {
    await handle.close().catch(() => {})
    await unlink(draft)
    await syncFolder(dirname(file))
  }
}

async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await openFile(folder, 'r')
  await handle.sync()
  await handle.close()
}

function parse(text: string): Encrypted {
  const parsed = schema.safeParse(lowerKeys(json(text)))
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw malformed(`${issue?.path.join('.') || 'top level'}: ${issue?.message}`)
}

/** What is no JSON may be a bare key: unlike the engine's own, this error repeats nothing of it. */
function json(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw malformed('it is not JSON')
  }
}

function malformed(because: string): InputError {
  return new InputError(`expected a key file (Web3 Secret Storage, version 3): ${because}`, {
    code: 'key-file-malformed',
  })
}

/** The same failure, told of a file. */
function inFile(file: string, cause: unknown): unknown {
  if (!(cause instanceof BaseError)) return cause
  const { code, retry, facts, hint } = cause
  const told = hint === undefined ? {} : { hint }
  return new BaseError(`${file}: ${cause.message}`, { code, retry, facts, ...told, cause })
}

/** Old writers say `Crypto`. */
function lowerKeys(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('Crypto' in value)) return value
  return { ...value, crypto: value.Crypto }
}

async function derive(
  { kdf, kdfparams }: Pick<Encrypted['crypto'], 'kdf' | 'kdfparams'>,
  password: string,
): Promise<Buffer> {
  const salt = Buffer.from(kdfparams.salt, 'hex')
  if (kdf === 'pbkdf2' && 'c' in kdfparams) {
    if (kdfparams.c > maxIterations) throw costly(`${kdfparams.c} iterations`)
    return promisify(pbkdf2)(password, salt, kdfparams.c, kdfparams.dklen, 'sha256')
  }
  if (kdf !== 'scrypt' || !('n' in kdfparams))
    throw new InputError('expected the parameters of the key derivation the file names', {
      code: 'key-file-malformed',
    })
  const { n, r, p, dklen } = kdfparams
  const memoryBytes = 128 * r * (n + p)
  if (memoryBytes > maxMemoryBytes || n * r * p > 2 ** 26) throw costly(`n ${n}, r ${r}, p ${p}`)
  const options = { N: n, r, p, maxmem: memoryBytes + 64 * 1024 ** 2 }
  // OpenSSL refuses n ≥ 2^(16 r), which the definition's own test vector has.
  if (Math.log2(n) >= 16 * r)
    return Buffer.from(await scryptAsync(password, salt, { ...options, dkLen: dklen }))
  return new Promise((resolve, reject) =>
    scrypt(password, salt, dklen, options, (error, key) => (error ? reject(error) : resolve(key))),
  )
}

function costly(named: string): InputError {
  return new InputError(`expected a key file whose derivation is affordable, got ${named}`, {
    code: 'key-file-malformed',
  })
}

function authenticate(derived: Buffer, ciphertext: Buffer): Buffer {
  return Buffer.from(Hash.keccak256(Buffer.concat([derived.subarray(16, 32), ciphertext])))
}
