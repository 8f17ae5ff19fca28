/** @module All attacks, for the bench and for whoever adds one: the README of what is defended, and how far. */
import type * as Attack from './Attack.ts'
import * as Billing from './Billing.ts'
import * as Copies from './Copies.ts'
import * as Forks from './Forks.ts'
import * as Padding from './Padding.ts'
import * as Splitting from './Splitting.ts'
import * as Washing from './Washing.ts'
import * as Wrapping from './Wrapping.ts'

/** Each measures itself anew. */
export const all: readonly (() => Attack.Measure | Promise<Attack.Measure>)[] = [
  Copies.exact,
  Copies.near,
  Copies.quoted,
  Copies.griefing,
  Copies.sameBatch,
  Copies.frontRunning,
  Padding.outputs,
  Padding.boilerplate,
  Padding.landGrab,
  Padding.lateGrab,
  Padding.squatting,
  Splitting.identity,
  Splitting.document,
  Wrapping.empty,
  Washing.elsewhere,
  Washing.atHome,
  Washing.ring,
  Washing.pumping,
  Billing.deviceTime,
  Billing.aboveQuote,
  Billing.attribution,
  Forks.forked,
]
