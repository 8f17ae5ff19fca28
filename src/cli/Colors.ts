/** @module Colours on a terminal and nowhere else; never with NO_COLOR. */
import { createColors } from 'picocolors'

/** Paints when stdout is a terminal: the library alone would also paint into the log of a CI run. */
export const colors = createColors(
  process.stdout.isTTY === true && (process.env.NO_COLOR ?? '') === '',
)
