/** @module Shelf: a home's datanet opened from files alone, beside a running node, for reading only. */
import { existsSync } from 'node:fs'
import type * as Economy from '../economy/Economy.ts'
import { BaseError } from '../kernel/Errors.ts'
import * as Library from '../server/Library.ts'
import * as Fold from './Fold.ts'
import * as Home from './Home.ts'

/** A datanet and the state of the node's books. */
export type Shelf = { readonly economy: Economy.Economy; readonly library: Library.Library }

/** Opens it. Throws `not-started` when there is no node's journal. */
export function open(home: Home.Home): Shelf {
  const file = Home.journal(home.node)
  const economy = existsSync(file) ? Fold.journal(file) : undefined
  const datanet = economy?.sales.datanet
  if (economy === undefined || datanet === undefined)
    throw new BaseError(`no datanet in ${home.root} yet`, {
      code: 'not-started',
      hint: '`npm start -- --once` makes the first one from the documentation of your packages',
    })
  return { economy, library: Library.open({ dir: home.node, datanet }) }
}
