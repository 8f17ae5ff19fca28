/** @module The peer: check, then record, as two steps. What is written in an afternoon. */
import { appendFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type * as Decision from '../../src/policies/Decision.ts'
import * as Terms from './Terms.ts'

/** A purse that reads what was spent, and writes what it spends once it is spent. */
export function open(dir: string): Terms.Purse {
  const file = join(dir, 'spent')
  return {
    async authorize() {
      const text = await readFile(file, 'utf8').catch(() => '')
      const verdict = text.split('\n').length - 1 < Terms.left ? 'allow' : 'deny'
      return { status: 'decided', verdict, reasons: [], decidedBy: undefined } as unknown as Decided
    },
    async capture(id) {
      await appendFile(file, `${id}\n`)
      return 'ok'
    },
    void: async () => 'ok',
    close: async () => undefined,
  }
}

type Decided = Decision.Decision
