/**
 * @module Where a stage of these tests is put between a buyer and its world: its journal and its waits. The
 * buyer is the real one; a test mocks `Books`, `Runtime` and keys with what is here, and says which stage is on.
 */
import type * as RealRuntime from '../../src/agents/Runtime.ts'
import * as TypedData from '../../src/kernel/TypedData.ts'
import type * as RealBooks from '../../src/store/Books.ts'
import type * as RealNoteKey from '../../src/wallets/NoteKey.ts'
import type * as RealWallet from '../../src/wallets/Wallet.ts'

/** Who watches a buyer. */
export type Stage = {
  /** About to do something outside; throws where the buyer is to be dead. */
  act(what: string): void
  /** It waits, until one of these is aborted. */
  wait(ms: number, signals: readonly (AbortSignal | undefined)[]): Promise<void>
  /** A state's effect is over. */
  stepped(state: string, result: unknown): Promise<void>
  /** Its books are open. */
  books(books: RealBooks.Books): void
}

let stage: Stage | undefined

/** Puts a stage on, or none. */
export function use(given: Stage | undefined): void {
  stage = given
}

/** Books that say so before they write. */
export function books(real: typeof RealBooks): typeof RealBooks {
  return {
    ...real,
    open(options) {
      const opened = real.open(options)
      const watching = stage
      watching?.books(opened)
      return {
        ...opened,
        async record(entries, at) {
          watching?.act(`records ${entries.map(({ event }) => event.type).join(' and ')}`)
          return opened.record(entries, at)
        },
      }
    },
  }
}

/** A runtime whose waits are the stage's, and whose steps it sees. */
export function runtime(real: typeof RealRuntime): typeof RealRuntime {
  return {
    ...real,
    embedded(options) {
      const opened = real.embedded(options)
      const watching = stage
      if (watching === undefined) return opened
      return {
        ...opened,
        sleep: (ms, signal) => watching.wait(ms, [options.signal, signal]),
        async step(name, effect) {
          const result = await effect()
          await watching.stepped(name, result)
          return result
        },
      }
    },
  }
}

/** Keys and signatures, each computed once: stages are alike, and so is most of what is signed on them. */
export function wallets(real: typeof RealWallet): typeof RealWallet {
  const known = new Map<string, RealWallet.Wallet>()
  const verified = new Map<string, boolean>()
  return {
    ...real,
    fromPrivateKey(key) {
      const wallet = known.get(key) ?? remembering(real.fromPrivateKey(key))
      known.set(key, wallet)
      return wallet
    },
    verifyTypedData(asked) {
      let digest: string
      try {
        digest = TypedData.hash(asked.data)
      } catch {
        return real.verifyTypedData(asked)
      }
      const question = `${asked.address} ${digest} ${asked.signature}`
      const answer = verified.get(question) ?? real.verifyTypedData(asked)
      verified.set(question, answer)
      return answer
    },
  }
}

/** Keys of checkpoints, each derived once. */
export function noteKeys(real: typeof RealNoteKey): typeof RealNoteKey {
  const known = new Map<string, ReturnType<typeof RealNoteKey.of>>()
  return {
    ...real,
    of(wallet) {
      const key = known.get(wallet.address) ?? real.of(wallet)
      known.set(wallet.address, key)
      return key
    },
  }
}

function remembering(wallet: RealWallet.Wallet): RealWallet.Wallet {
  const signed = new Map<string, ReturnType<RealWallet.Wallet['signTypedData']>>()
  return {
    ...wallet,
    signTypedData(data) {
      const digest = TypedData.hash(data)
      const signature = signed.get(digest) ?? wallet.signTypedData(data)
      signed.set(digest, signature)
      return signature
    },
  }
}
