/**
 * @module The story that audits are tried on: every kind of event at least once, answers made of two
 * owners' words, of commons, of yesterday's answer sold back by a copycat; orders that end well, in
 * dispute, unpaid, denied, and one still open; two epochs and two claims.
 */

import * as Pair from './Pair.ts'
import * as Trade from './Trade.ts'

/** Owner of the tides document: an address, so that it can claim. */
export const author = `0x${'a7'.repeat(20)}` as const

const licence =
  'Permission is hereby granted free of charge to any person obtaining a copy of this software and associated documentation files'
const tides =
  'High water comes about fifty minutes later each day because the moon moves on while the earth turns beneath it'
const bees =
  'A forager tells her sisters where the clover stands by dancing at the angle of the flight against the sun'
const moss =
  'Sphagnum holds twenty times its weight in rainwater and turns the bog acid so that nothing there decays'
const filler =
  'In short the harbour clock lags behind and nobody among the fishermen has ever thought to blame it'

/** Tells the story. `short` leaves out what happens after the first epoch. */
export async function tell(options: { readonly short?: boolean } = {}): Promise<Pair.Pair> {
  const pair = Pair.open()
  Pair.register(pair, [{ path: 'LICENSE', owner: 'npm:commons', text: `MIT. ${licence}.` }], {
    commons: true,
  })
  Pair.register(pair, [
    { path: 'tides/README.md', owner: author, text: `# Tides\n\n${tides}. Ask any sailor.` },
    { path: 'bees/README.md', owner: 'npm:bees', text: `# Bees\n\n${bees}.` },
    { path: 'moss/README.md', owner: 'npm:moss', text: `# Moss\n\n${moss}.` },
  ])
  const first = { question: 'When is high water?', answer: `${tides}. ${filler}. ${bees}.` }
  await Trade.trade(pair, first)
  await Trade.trade(pair, { question: 'May I copy it?', answer: `${licence}. ${moss}.` })
  await Trade.trade(pair, { question: 'Why?', answer: `${moss}.`, end: 'unpaid' })
  Trade.closeEpoch(pair)
  Trade.claim(pair, author, author)
  if (options.short === true) return pair
  Pair.register(pair, [
    { path: 'copycat/README.md', owner: 'npm:copycat', text: `${filler}. ${tides}.` },
  ])
  await Trade.trade(pair, { question: 'And the harbour?', answer: `${filler}. ${tides}.` })
  await Trade.trade(pair, { question: 'Sure?', answer: `${bees}.`, end: 'disputed' })
  Trade.closeEpoch(pair)
  Trade.claim(pair, author, author)
  await Trade.trade(pair, { question: 'Is it open?', answer: `${bees}.`, end: 'open' })
  Pair.adopt(pair, '0.000001')
  await Trade.trade(pair, { question: 'More?', answer: `${bees}.` })
  Pair.adopt(pair, '1')
  await Trade.trade(pair, { question: 'And now?', answer: `${bees}.` })
  return pair
}
