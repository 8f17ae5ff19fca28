import { describe, expect, test } from 'vitest'
import * as Clock from '../kernel/Clock.ts'
import * as Bar from './Bar.ts'

/** A terminal, or not, that keeps what was written. */
function screen(isTTY: boolean) {
  const written: string[] = []
  return { isTTY, written, write: (text: string) => written.push(text) }
}

const reached = (done: number, total = 4_000) => ({ done, total, unit: 'records' })

describe('a bar', () => {
  test('tells the share, the rate and the time left', () => {
    const given = { ...reached(250_000, 1_000_000), perSecond: 2_500 }
    expect(Bar.line('judging', given)).toBe(
      'judging  25% ██████░░░░░░░░░░░░░░░░░░ 250,000 of 1,000,000 records  2,500/s  5:00 left',
    )
    expect(Bar.line('judging', { ...given, perSecond: 25 })).toMatch(/25\/s {2}8:20:00 left$/)
    expect(Bar.line('reading', { ...reached(4_000), perSecond: 4_000 })).toBe(
      'reading 100% ████████████████████████ 4,000 of 4,000 records  4,000/s  0:00 left',
    )
  })

  test('says nothing of a rate before there is one, and is full when there is nothing to do', () => {
    expect(Bar.line('reading', reached(0))).toMatch(/0 of 4,000 records$/)
    expect(Bar.line('reading', reached(0, 0))).toMatch(/ 100% █+ 0 of 0 /)
    expect(Bar.rateOf(0, 900)).toBeUndefined()
    expect(Bar.rateOf(1, 0)).toBeUndefined()
    expect(Bar.rateOf(1, 3)).toBe(334)
  })

  test('is painted over on a terminal, ten times a second at most, and taken away', () => {
    const clock = Clock.fixed(0)
    const terminal = screen(true)
    const bar = Bar.on(terminal, clock)
    for (let done = 0; done < 1_000; done++) {
      bar.show('judging', reached(done))
      clock.advance(1)
    }
    expect(terminal.written).toHaveLength(10)
    for (const line of terminal.written) {
      expect(line.startsWith('\r\u001b[2K')).toBe(true)
      expect(line).toMatch(/judging +\d+% /)
    }
    bar.clear()
    expect(terminal.written.at(-1)).toBe('\r\u001b[2K')
    bar.clear()
    expect(terminal.written).toHaveLength(11)
  })

  test('goes by the last seconds, and counts anew when the work is another', () => {
    const clock = Clock.fixed(0)
    const terminal = screen(true)
    const bar = Bar.on(terminal, clock)
    const pass = (what: string, from: number, perTenth: number) => {
      for (let at = 0; at < 40; at++) {
        bar.show(what, reached(from + at * perTenth))
        clock.advance(100)
      }
    }
    pass('reading', 0, 100)
    expect(terminal.written.at(-1)).toMatch(/ 1,000\/s {2}0:01 left$/)
    // Ten times as slow from here on: so it says, whatever was before.
    pass('reading', 3_000, 10)
    expect(terminal.written.at(-1)).toMatch(/ 100\/s {2}0:07 left$/)
    bar.show('judging', reached(0))
    expect(terminal.written.at(-1)).toMatch(/judging +0% ░+ 0 of 4,000 records$/)
  })

  test('is not there where there is no terminal', () => {
    const pipe = screen(false)
    const bar = Bar.on(pipe, Clock.fixed(0))
    bar.show('judging', reached(1))
    bar.clear()
    expect(pipe.written).toEqual([])
  })
})
