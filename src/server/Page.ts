/**
 * @module Pages a person looks at: a node's front page and the receipt page, where the answer's words are
 * coloured by whose they are. Plain HTML, no script; every text in it is escaped, since answers and
 * documents are hostile input.
 */
import { html, raw } from 'hono/html'
import * as Money from '../kernel/Money.ts'
import { name } from '../kernel/Name.ts'
import * as Share from '../kernel/Share.ts'
import * as Quote from '../market/Quote.ts'
import type * as Node from './Node.ts'
import * as Offer from './Offer.ts'
import type * as Receipts from './Receipts.ts'

/** Colours of owners, in order of appearance; readable under black and under white text. */
const hues = [212, 28, 142, 280, 350, 180, 52, 320, 100, 240]

const style = `
:root { color-scheme: light dark; --line: #8884; --soft: #8882 }
* { box-sizing: border-box }
body { font: 16px/1.55 system-ui, sans-serif; margin: 0 auto; max-width: 60rem; padding: 1.5rem 1rem 4rem }
h1 { font-size: 1.35rem; margin: 0 0 .25rem } h2 { font-size: 1.05rem; margin: 2rem 0 .5rem }
.note { opacity: .75; font-size: .9rem; margin: .25rem 0 }
.local { border: 1px solid #c80; border-radius: .4rem; padding: .3rem .6rem; display: inline-block; font-size: .85rem }
.answer { white-space: pre-wrap; overflow-wrap: anywhere; border: 1px solid var(--line); border-radius: .5rem; padding: 1rem }
mark { color: inherit; border-radius: .2rem; padding: .05rem 0; background: hsl(var(--hue) 75% 50% / .28); box-shadow: 0 2px 0 hsl(var(--hue) 75% 45%) }
.key { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: .4rem 1rem }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
td, th { text-align: left; padding: .3rem .5rem; border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere }
td.n, th.n { text-align: right; white-space: nowrap }
code { font-size: .85em; overflow-wrap: anywhere } a { color: inherit }
.scroll { overflow-x: auto }
`

type Html = ReturnType<typeof html>

function layout(title: string, body: Html): string {
  return String(html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<link rel="icon" href="data:,">
<style>${raw(style)}</style>
</head>
<body>${body}</body>
</html>`)
}

/** The front page: what is sold here, and the last receipts. */
export function home(node: Node.Node): string {
  const { sales } = node.books.state
  const { asset, local } = node.contracts
  const last = [...sales.sales.values()].slice(-20).reverse()
  return layout(
    `${node.name} · ${name}`,
    html`<h1>${node.name}: attributed inference</h1>
${badge(local)}
<p>Sold at <code>POST /v1/chat/completions</code> behind x402. Every payment splits between whoever
executed and whose words the answer is made of.</p>
<div class="scroll"><table><tr><th>Model</th><th>What it does</th><th class="n">At most</th></tr>
${[...node.offers.values()].map((offer) => sold(offer, asset))}</table></div>
<p class="note"><a href="/v1/models">/v1/models</a> · <a href="/v1/economy">/v1/economy</a></p>
<h2>Last receipts</h2>
${
  last.length === 0
    ? html`<p>None yet. Ask something: <code>npx ${name} ask "How do I validate JSON with zod?"</code></p>`
    : html`<div class="scroll"><table><tr><th>Receipt</th><th>State</th><th class="n">Charged</th><th class="n">Covered</th></tr>
${last.map(
  ({ receipt, receiptHash, status }) => html`<tr>
<td><a href="/r/${receiptHash}"><code>${receiptHash.slice(0, 18)}…</code></a></td>
<td>${status}</td>
<td class="n">${Money.format(Money.of(asset, BigInt(receipt.money.chargedAtoms)))}</td>
<td class="n">${Share.round(BigInt(receipt.influence.coveragePpb))}</td></tr>`,
)}</table></div>`
}`,
  )
}

function sold(offer: Offer.Sold, asset: Parameters<typeof Money.formatNano>[1]): Html {
  const { card, rates } = offer
  const atoms = Quote.maximum(card, Quote.rates({ rates }))
  return html`<tr><td><code>${card.model}</code></td><td>${Offer.description(offer)} (${card.kind})</td>
<td class="n">${Money.format(Money.of(asset, atoms))}</td></tr>`
}

/** One receipt: the answer coloured by owner, the price by parts, who earned what, and its proof. */
export function receipt(node: Node.Node, view: Receipts.View): string {
  const { asset, local } = node.contracts
  const { receipt: body, receiptHash } = view
  const owners = [...new Set(view.sources.map(({ owner }) => owner))]
  const hue = new Map(owners.map((owner, index) => [owner, hues[index % hues.length]!]))
  return layout(
    `Receipt ${receiptHash.slice(0, 10)} · ${name}`,
    html`<h1>Receipt of one answer</h1>
<p class="note"><code>${receiptHash}</code> · ${new Date(body.issuedAtMs).toISOString()} · ${view.status}</p>
${badge(local)}
${answer(view, hue)}
<h2>Price</h2>
${price(view, asset)}
<h2>Who earned what</h2>
${earnings(view, asset)}
<h2>Sources</h2>
${sources(view)}
<h2>Check it</h2>
<p>Record ${view.leaf} of the log of <code>${body.provider}</code>, signed by it; payment
${view.tx === null ? 'not settled yet' : html`in transaction <code>${view.tx}</code>`}.
<a href="/v1/receipts/${receiptHash}">Everything as JSON</a>, with the inclusion proof;
<code>npx ${name} verify</code> recomputes all of it from files.</p>
<p class="note">Standard work ${body.stdUs} stdUs (${body.tokens.in} tokens in, ${body.tokens.out} out) is what is
billed; the measured ${body.computeMs.toFixed(2)} computeMs on ${body.device.count} × ${body.device.class}
(${body.device.tier}) is evidence beside it.</p>`,
  )
}

function badge(local: boolean): Html | string {
  return local
    ? html`<p class="local">Local chain: test dollars without value; dispute and challenge windows are 0.</p>`
    : ''
}

function answer(view: Receipts.View, hue: Map<string, number>): Html {
  if (view.answer === null)
    return html`<h2>Answer</h2><p>The texts were erased; the receipt still verifies.</p>`
  const { output } = view.answer
  const pieces: (Html | string)[] = []
  let at = 0
  for (const { start, end, owner, document, ppb } of view.sources) {
    if (start > at) pieces.push(output.slice(at, start))
    const title = `${owner} · ${document} · ${Share.round(BigInt(ppb))}`
    pieces.push(
      html`<mark style="--hue:${String(hue.get(owner))}" title="${title}">${output.slice(start, end)}</mark>`,
    )
    at = end
  }
  pieces.push(output.slice(at))
  const covered = Share.round(BigInt(view.receipt.influence.coveragePpb))
  return html`<h2>Question</h2><div class="answer">${question(view.answer.prompt)}</div>
<h2>Answer, by whose words it is</h2>
<ul class="key">${[...hue].map(
    ([owner, value]) =>
      html`<li><mark style="--hue:${String(value)}">&nbsp;${owner}&nbsp;</mark></li>`,
  )}</ul>
<div class="answer">${pieces}</div>
<p class="note">${covered} of the answer’s information is covered; what is not coloured is nobody’s and was not charged as influence.</p>`
}

function question(prompt: string): string {
  const messages = JSON.parse(prompt) as { role: string; content: unknown }[]
  return messages
    .map(({ content }) => (typeof content === 'string' ? content : JSON.stringify(content)))
    .join('\n')
}

function price({ receipt }: Receipts.View, asset: Parameters<typeof Money.formatNano>[1]): Html {
  const { money } = receipt
  const atoms = (text: string) => Money.format(Money.of(asset, BigInt(text)))
  const rows = [
    ['execution, to whoever ran it', Money.formatNano(BigInt(money.executionNano), asset)],
    ['influence, to whose work shaped it', Money.formatNano(BigInt(money.influenceNano), asset)],
    ['premium for quality and rarity', Money.formatNano(BigInt(money.premiumNano), asset)],
    ['the node’s fee', Money.formatNano(BigInt(money.feeNano), asset)],
    ['settlement gas', Money.formatNano(BigInt(money.gasNano), asset)],
    ['rounding up to whole atoms', Money.formatNano(BigInt(money.roundingNano), asset)],
    ['charged', atoms(money.chargedAtoms)],
    ['paid in this payment', atoms(money.paidAtoms)],
    ['change', atoms(money.changeAtoms)],
  ]
  return html`<div class="scroll"><table>${rows.map(
    ([what, amount]) => html`<tr><td>${what}</td><td class="n">${amount}</td></tr>`,
  )}</table></div>`
}

function earnings(view: Receipts.View, asset: Parameters<typeof Money.formatNano>[1]): Html {
  return html`<div class="scroll"><table><tr><th>Account</th><th>For</th><th class="n">Earned</th></tr>${view.earnings.map(
    ({ account, reason, nano }) => html`<tr><td>${account}</td><td>${reason}</td>
<td class="n">${Money.formatNano(BigInt(nano), asset)}</td></tr>`,
  )}</table></div>
<p class="note">Earned is not paid: it becomes claimable when an epoch is published, and an account named after a
package waits until its owner is bound to an address.</p>`
}

function sources(view: Receipts.View): Html {
  if (view.sources.length === 0)
    return html`<p>No registered document covers any part of this answer.</p>`
  return html`<div class="scroll"><table><tr><th>Document</th><th>Owner</th><th class="n">Share</th><th class="n">Characters</th></tr>${view.sources.map(
    ({ document, owner, ppb, start, end }) => html`<tr><td>${document}</td><td>${owner}</td>
<td class="n">${Share.round(BigInt(ppb))}</td><td class="n">${start}–${end}</td></tr>`,
  )}</table></div>`
}
