/** @module mppx in a process of its own, buying over x402 with its own scheme; prints what it got as JSON. */
import { evm, Mppx } from 'mppx/client'
import { privateKeyToAccount } from 'viem/accounts'

const { baseUrl, asset, key, chainId, model } = JSON.parse(process.argv[2]!)
const account = privateKeyToAccount(key)
const limits = { currencies: [asset], networks: [chainId], maxAtomicAmount: '50000' }
const { fetch } = Mppx.create({ methods: [evm({ account, ...limits })], polyfill: false })

function ask(more: object) {
  const headers = { 'content-type': 'application/json' }
  const messages = [{ role: 'user', content: 'When?' }]
  const init = { method: 'POST', headers, body: JSON.stringify({ model, messages, ...more }) }
  return fetch(`${baseUrl}/chat/completions`, init)
}

const plain = await (await ask({})).json()
const streamed = await (await ask({ stream: true })).text()
console.log(JSON.stringify({ plain, streamed }))
