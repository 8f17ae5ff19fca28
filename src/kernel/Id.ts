/**
 * @module Ids: what is fixed before any retry. A purchase's id is a hash of who, run, step and attempt, so
 * the same attempt found again after a crash is the same purchase, and its payment nonce the same nonce.
 */
import * as Hash from './Hash.ts'
import type * as Hex from './Hex.ts'
import { name } from './Name.ts'

/** What makes a purchase the same purchase. */
export type PurchaseKey = {
  /** Address of the paying agent. */
  readonly agent: Hex.Hex
  readonly run: string
  readonly step: number
  /** Attempt n + 1 opens only when attempt n is terminal. */
  readonly attempt: number
}

/** 32 bytes: SHA-256 of canonical JSON. */
export function purchase(key: PurchaseKey): Hex.Hex {
  const { agent, run, step, attempt } = key
  return Hash.digest({
    kind: `${name}/purchase`,
    agent: agent.toLowerCase(),
    run,
    step,
    attempt,
  })
}

/** EIP-3009 nonce of a purchase: bound to agent and purchase, never random. */
export function nonce(agent: Hex.Hex, purchaseId: Hex.Hex): Hex.Hex {
  return Hash.digest({
    kind: `${name}/nonce`,
    agent: agent.toLowerCase(),
    purchase: purchaseId.toLowerCase(),
  })
}
