import { describe, expect, test } from 'vitest'
import * as Spoken from './Spoken.ts'

/** What is found wrong with an answer to somebody who was told this. */
function faultOf(text: string, answer: Parameters<Spoken.Relay['fault']>[0]): string | undefined {
  const relay = Spoken.relay(() => {})
  relay.listen()({ text, toolCalls: [{ index: 0, id: 'one', name: 'find', arguments: '{"a"' }] })
  return relay.fault(answer)
}

const call = { id: 'one', name: 'find', arguments: '{"a":1}' }

describe('an answer that was told in part', () => {
  test('is the same when it begins with that', () => {
    const answer = { output: 'High water comes', toolCalls: [call], finish: 'stop' } as const
    expect(faultOf('High ', answer)).toBeUndefined()
    expect(faultOf('Low ', answer)).toMatch(/not what was streamed/)
    expect(faultOf('High ', { ...answer, toolCalls: [] })).toMatch(/not what was streamed/)
    const other = { ...call, arguments: '{"b":1}' }
    expect(faultOf('High ', { ...answer, toolCalls: [other] })).toMatch(/not what was streamed/)
  })

  test('may end early in it when it was asked for again and cut short, and only then', () => {
    const short = { output: 'High ', finish: 'length' } as const
    expect(faultOf('High water', short)).toBeUndefined()
    expect(faultOf('High water', { ...short, finish: 'stop' })).toMatch(/not what was streamed/)
    expect(faultOf('Low water', short)).toMatch(/not what was streamed/)
    const begun = { ...call, arguments: '{' }
    expect(faultOf('High water', { ...short, toolCalls: [begun] })).toBeUndefined()
    const other = { ...call, arguments: '[' }
    expect(faultOf('High water', { ...short, toolCalls: [other] })).toMatch(/not what was streamed/)
  })
})
