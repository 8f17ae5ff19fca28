import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as OpenAi from '../../test/harness/OpenAi.ts'
import type * as Wire from '../wallets/x402/Wire.ts'
import * as Seller from './Seller.ts'
import type * as Transport from './Transport.ts'

let upstream: OpenAi.OpenAi
let reply: OpenAi.Raw
beforeAll(async () => {
  upstream = await OpenAi.open(() => reply)
})
afterAll(() => upstream.close())

const said = { choices: [{ delta: { content: 'High ' } }] }

/** What a buyer makes of a stream, under these limits. */
async function read(given: OpenAi.Raw, limits: Transport.Limits = {}) {
  reply = given
  const told: unknown[] = []
  const outcome = await Seller.send(upstream.baseURL, {
    ...{ body: { stream: true }, payload: {} as Wire.Payload, limits },
    onDelta: (delta) => told.push(delta),
  })
  await upstream.asked.at(-1)!.over
  return { outcome, told }
}

describe('a seller that does not come to an end', () => {
  test('and is silent in the middle is left, its connection closed', async () => {
    const { outcome, told } = await read(OpenAi.events([said, 'STALL']), { stallMs: 100 })
    expect(outcome).toMatchObject({ kind: 'unclear' })
    expect(told).toEqual([{ text: 'High ' }])
    expect(upstream.asked.at(-1)!.isGone).toBe(true)
  })

  test('and never begins is left', async () => {
    const { outcome } = await read({ kind: 'raw', parts: ['STALL'] }, { stallMs: 100 })
    expect(outcome).toMatchObject({ kind: 'unclear' })
  })

  test('and trickles is left when its time is over', async () => {
    const drops = Array.from({ length: 400 }, () => [said, { waitMs: 20 }]).flat()
    const { outcome } = await read(OpenAi.events(drops), { stallMs: 5_000, mostMs: 200 })
    expect(outcome).toMatchObject({ kind: 'unclear' })
    expect(upstream.asked.at(-1)!.isGone).toBe(true)
  })

  test('and says more than is read is refused', async () => {
    const { outcome } = await read(OpenAi.events([said, said, said]), { maxBytes: 100 })
    expect(outcome).toMatchObject({ kind: 'refused' })
    expect((outcome as { because: string }).because).toContain('at most 100 bytes')
  })

  test('and breaks is asked again', async () => {
    const { outcome, told } = await read(OpenAi.events([said, 'BREAK']))
    expect(outcome).toMatchObject({ kind: 'unclear' })
    expect(told).toHaveLength(1)
  })

  test('and ends early, or tells an error, is asked again', async () => {
    expect((await read(OpenAi.events([said]))).outcome).toMatchObject({ kind: 'unclear' })
    const error = { error: { message: 'out of memory' } }
    const { outcome } = await read(OpenAi.events([said, error]))
    expect(outcome).toMatchObject({ kind: 'unclear' })
    expect((outcome as { because: string }).because).toBe('out of memory')
  })
})
