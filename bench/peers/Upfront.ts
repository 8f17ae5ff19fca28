/**
 * @module The official packages selling a stream: verified and settled by their facilitator in process, then
 * answered. They keep no record, and a crash after the settlement loses the sale.
 */
import type * as Market from '../../examples/support/Market.ts'
import type * as Engine from '../../src/models/Engine.ts'
import * as Completion from '../../src/server/Completion.ts'
import * as Http from '../../src/server/Http.ts'
import * as Speech from '../../src/server/Speech.ts'
import * as Streaming from '../../src/server/Streaming.ts'
import * as Seller from '../../src/wallets/x402/Seller.ts'
import * as Wire from '../../src/wallets/x402/Wire.ts'

/** Serves one. */
export async function serve(market: Market.Market, engine: Engine.Engine) {
  const { chain, contracts, node } = market
  const { asset, till: payTo, tokenName, tokenVersion } = contracts
  const token = { asset, tokenName, tokenVersion }
  const seller = Seller.open({ chain, wallet: node.wallet, payTo, ...token })
  const requirements = seller.requirements({ amountAtoms: 1_000n, maxTimeoutSec: 60 })
  const frame = { id: 'chatcmpl-upfront', created: 0, model: engine.card.model }
  const http = await Http.serve(async (request) => {
    const decoded = Seller.decodePayment(request.headers.get(Wire.headerNames.signature))
    if (!decoded.ok) {
      const resource = { url: request.url, mimeType: 'text/event-stream' }
      const { headers, body } = Seller.encodeRequired({ requirements, resource })
      return Response.json(body, { status: 402, headers })
    }
    // The facilitator verifies what it settles.
    const settled = await seller.settle(decoded.payload, requirements)
    if (settled.kind === 'failed') return Response.json(settled, { status: 402 })
    async function* events() {
      yield Completion.opening(frame)
      const order = {
        offer: { engine, card: engine.card },
        request: { messages: [{ content: 'x' }] },
      }
      const asked = { ...order, maxTokensOut: 200 } as never
      const speech = Speech.begin(asked, Date.now)
      for (let delta = await speech.next(); delta !== undefined; delta = await speech.next())
        yield Completion.chunk(frame, delta)
      yield '[DONE]'
    }
    return Streaming.response(events(), { headers: {} })
  }, 0)
  return { baseUrl: `${http.baseUrl}/v1`, close: http.close }
}
