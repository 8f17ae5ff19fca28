/**
 * @module `npm run bench -- streaming`: how long a buyer waits for the first word of a streamed answer, from
 * its paid request on: verified, recorded, settled on a local chain that mines each transaction at once, and
 * told. Beside it the same engine over plain HTTP without payment, and the official packages that settle
 * before they answer and record nothing. Interleaved; medians. The client is another process.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as Market from '../examples/support/Market.ts'
import * as Completion from '../src/server/Completion.ts'
import * as Http from '../src/server/Http.ts'
import * as Streaming from '../src/server/Streaming.ts'
import * as Wallet from '../src/wallets/Wallet.ts'
import * as Payer from '../src/wallets/x402/Payer.ts'
import * as Wire from '../src/wallets/x402/Wire.ts'
import * as Shop from '../test/clients/Shop.ts'
import * as Listener from './Listener.ts'
import * as Upfront from './peers/Upfront.ts'
import * as Report from './Report.ts'

const rounds = 41
const json = { 'content-type': 'application/json' }
const options = Report.options(
  'streaming',
  `firstTokenMs   from the paid request to the first word, median of ${rounds}, the best and the worst: how busy the machine was shows in them
--json         one JSON object as the last line`,
)
const folder = mkdtempSync(join(tmpdir(), 'bench-streaming-'))
const sold = Shop.terms()
const engine = Shop.engine(sold.card, async function* () {
  for (let at = 0; at < 20; at += 1) yield `word${at} `
  return 'stop'
})
const market = await Market.start({ dir: folder, offers: [{ ...sold, engine: () => engine }] })
const free = await Http.serve(plain, 0)
const upfront = await Upfront.serve(market, engine)
const listener = Listener.start()
try {
  const wallet = Wallet.generate()
  await market.fund(wallet.address, 1_000_000_000n)
  const found: Record<string, number[]> = { ours: [], plain: [], upfront: [] }
  for (let round = 0; round < rounds + 5; round += 1) {
    const body = JSON.stringify(Shop.chat(`Question ${round}`, { stream: true }))
    const paid = await payment(market.baseUrl, body, wallet, round)
    const other = await payment(upfront.baseUrl, body, wallet, rounds + 5 + round)
    const times = {
      ours: await firstTokenMs(market.baseUrl, body, paid),
      plain: await firstTokenMs(`${free.baseUrl}/v1`, body, {}),
      upfront: await firstTokenMs(upfront.baseUrl, body, other),
    }
    // The first few warm everybody up.
    if (round >= 5) for (const [name, ms] of Object.entries(times)) found[name]!.push(ms)
  }
  const median = (all: number[]) => all.sort((left, right) => left - right)[all.length >> 1]!
  const rows = Object.entries(found).flatMap(([subject, all]) => [
    { subject, metric: 'firstTokenMs', value: median(all), unit: 'ms' },
    { subject, metric: 'firstTokenBestMs', value: Math.min(...all), unit: 'ms' },
    { subject, metric: 'firstTokenWorstMs', value: all.at(-1)!, unit: 'ms' },
  ])
  const [ours, , beside] = [found.ours!, found.plain!, found.upfront!].map(median)
  Report.print({ bench: 'streaming', rows, ratios: { 'ours/upfront': beside! / ours! } }, options)
} finally {
  listener.stop()
  await free.close()
  await upfront.close()
  await market.stop()
  rmSync(folder, { recursive: true, force: true })
}

/** The same engine and the same events, for nothing. */
function plain(): Response {
  const frame = { id: 'chatcmpl-plain', created: 0, model: sold.card.model }
  async function* events() {
    yield Completion.opening(frame)
    for (let at = 0; at < 20; at += 1) yield Completion.chunk(frame, { text: `word${at} ` })
    yield '[DONE]'
  }
  return Streaming.response(events(), { headers: {} })
}

async function payment(baseUrl: string, body: string, wallet: Wallet.Wallet, drawn: number) {
  const init = { method: 'POST', body, headers: json }
  const response = await fetch(`${baseUrl}/chat/completions`, init)
  const required = Payer.parseRequired({ header: response.headers.get('payment-required') })
  await response.body?.cancel()
  const [requirements] = required.accepts
  const signed = await Payer.sign({
    ...{ wallet, requirements: requirements!, resource: required.resource },
    nonce: `0x${String(drawn + 1).padStart(64, '0')}`,
    validAfterSec: 0,
    validBeforeSec: Math.ceil(Date.now() / 1000) + requirements!.maxTimeoutSeconds,
    expected: {
      asset: market.contracts.asset,
      payTo: requirements!.payTo as `0x${string}`,
      maxAtoms: BigInt(requirements!.amount),
    },
  })
  if (!signed.ok) throw new Error(signed.because)
  return { [Wire.headerNames.signature]: signed.header }
}

function firstTokenMs(baseUrl: string, body: string, more: Record<string, string>) {
  const headers = { ...json, ...more }
  return listener.firstTokenMs({ url: `${baseUrl}/chat/completions`, body, headers })
}
