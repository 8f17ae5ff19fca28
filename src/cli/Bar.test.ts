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
    const given = { ...reached(250_000, 1_000_000), elapsedMs: 100_000 }
    expect(Bar.line('judging', given)).toBe(
      'judging  25% ██████░░░░░░░░░░░░░░░░░░ 250,000 of 1,000,000 records  2,500/s  5:00 left',
    )
    expect(Bar.line('judging', { ...given, elapsedMs: 10_000_000 })).toMatch(
      /25\/s {2}8:20:00 left$/,
    )
    expect(Bar.line('reading', { ...reached(4_000), elapsedMs: 1_000 })).toBe(
      'reading 100% ████████████████████████ 4,000 of 4,000 records  4,000/s  0:00 left',
    )
  })

  test('says nothing of a rate before there is one, and is full when there is nothing to do', () => {
    expect(Bar.line('reading', { ...reached(0), elapsedMs: 900 })).toMatch(/0 of 4,000 records$/)
    expect(Bar.line('reading', { ...reached(0, 0), elapsedMs: 0 })).toMatch(/ 100% █+ 0 of 0 /)
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

  test('counts its time anew when the work is another', () => {
    const clock = Clock.fixed(0)
    const terminal = screen(true)
    const bar = Bar.on(terminal, clock)
    bar.show('reading', reached(1))
    clock.advance(60_000)
    bar.show('judging', reached(0))
    clock.advance(1_000)
    bar.show('judging', reached(2_000))
    expect(terminal.written.at(-1)).toMatch(/2,000\/s {2}0:01 left$/)
  })

  test('is not there where there is no terminal', () => {
    const pipe = screen(false)
    const bar = Bar.on(pipe, Clock.fixed(0))
    bar.show('judging', reached(1))
    bar.clear()
    expect(pipe.written).toEqual([])
  })
})
