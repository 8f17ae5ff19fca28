/**
 * @module Agent card: who sells here, what, and how it is paid, as agents look each other up (A2A 1.0,
 * `/.well-known/agent-card.json`). What is sold is asked for by paid chat requests; the card says so, and
 * claims no other transport.
 */
import * as Money from '../kernel/Money.ts'
import { name as product } from '../kernel/Name.ts'
import * as Quote from '../market/Quote.ts'
import type * as Node from './Node.ts'
import * as Offer from './Offer.ts'

/** Names how skills are asked for here: OpenAI's chat completions behind x402. */
const binding = 'OPENAI+X402'

/** Names the extension of A2A by which agents say that they are paid over x402. */
const extension = 'https://github.com/google-agentic-commerce/a2a-x402/blob/main/spec/v0.2'

const version = '1.0'

/** The card of a node that is reached at `baseUrl`, e.g. `http://127.0.0.1:4020/v1`. */
export function of(node: Node.Node, { baseUrl }: { readonly baseUrl: string }) {
  const { name, wallet, contracts, chain } = node
  const offers = [...node.offers.values()]
  const text = 'text/plain'
  return {
    ...{ protocolVersion: version, name, version: '1' },
    description: `Sells ${Offer.names(node.offers)}: a signed quote before, a signed receipt after.`,
    ...{ url: baseUrl, preferredTransport: binding },
    supportedInterfaces: [{ url: baseUrl, protocolBinding: binding, protocolVersion: version }],
    provider: { organization: wallet.address, url: new URL('/', baseUrl).href },
    capabilities: {
      ...{ streaming: true, pushNotifications: false },
      extensions: [
        {
          uri: extension,
          description: 'Each request is paid for before or with its answer, by EIP-3009',
          required: true,
          params: {
            ...{ x402Version: 2, scheme: 'exact', network: chain.network },
            ...{ asset: contracts.asset.id, payTo: contracts.till, seller: wallet.address },
          },
        },
      ],
    },
    ...{ defaultInputModes: [text], defaultOutputModes: [text] },
    skills: offers.map((offer) => skill(offer, contracts.asset)),
  }
}

/** An offer as a skill: asked for under its id as the model. */
function skill(offer: Offer.Sold, asset: Node.Contracts['asset']) {
  const { card } = offer
  const atoms = Quote.maximum(card, Quote.rates(offer))
  const most = Money.format(Money.of(asset, atoms))
  return {
    ...{ id: card.model, name: card.model },
    description: `${Offer.description(offer)}. At most ${most} a call.`,
    tags: [product, card.kind, ...(card.can ?? [])],
  }
}
