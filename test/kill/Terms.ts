/** @module What the market of the kill harness is made of: documents, prices, contracts, questions. */
import * as Asset from '../../src/kernel/Asset.ts'
import type { Hex } from '../../src/kernel/Hex.ts'
import type * as Node from '../../src/server/Node.ts'
import type * as Offer from '../../src/server/Offer.ts'
import type * as Chain from '../../src/wallets/Chain.ts'
import * as LocalChain from '../../src/wallets/LocalChain.ts'
import * as Vault from '../../src/wallets/Vault.ts'
import * as Wallet from '../../src/wallets/Wallet.ts'
import * as Shared from '../harness/Terms.ts'

/** Contracts as they are told to a process: plain JSON. */
export type Contracts = Omit<Node.Contracts, 'scale'>

/** Keys of the local chain that each have one user here. */
export const keys = {
  faucet: LocalChain.devKeys[0]!,
  seller: LocalChain.devKeys[1]!,
  buyers: LocalChain.devKeys.slice(2, 8),
}

/** What is sold; quotes run out soon, so that some payments do. */
export function terms(quoteTtlMs: number): Offer.Terms {
  return {
    card: { ...Shared.card, maxTokensIn: 256, maxTokensOut: 512 },
    rates: {
      executionNanoPerStdUs: '20000000',
      influenceNanoPerStdUs: '60000000',
      premiumPpb: '0',
      qualityPpb: '0',
      feePpb: '50000000',
      gasNano: '200000000000',
    },
    coveragePromisedPpb: '0',
    disputeWindowMs: 0,
    quoteTtlMs,
    device: { class: 'cpu', count: 1, tier: 'claimed' },
  }
}

/** What answers are made of. */
export const documents = [
  {
    path: 'tides/README.md',
    owner: 'npm:tides',
    package: 'docs',
    text: `# Tides

High water comes about fifty minutes later each day, because the moon moves on while the earth turns
beneath it. Spring tides follow the new and the full moon within two days.
`,
  },
  {
    path: 'bees/README.md',
    owner: 'npm:bees',
    package: 'docs',
    text: `# Bees

A forager tells her sisters where the clover stands by dancing: the angle of the run against the
vertical is the angle of the flight against the sun, and its length is the distance.
`,
  },
]

/** Whether a question is one whose answer is told while it is made. */
export function isTold(question: string): boolean {
  return question.endsWith(' Tell me.')
}

/** The calls of a run: each second answer is told while it is made. */
export function calls(steps: number): readonly { readonly [key: string]: unknown }[] {
  const questions = ['When does high water come?', 'How does a forager tell where clover stands?']
  return Array.from({ length: steps }, (_, step) => {
    const question = questions[step % questions.length]!
    const stream = step % 2 === 1
    const messages = [{ role: 'user', content: stream ? `${question} Tell me.` : question }]
    return { model: 'docs-reader', messages, ...(stream ? { stream } : {}) }
  })
}

/** Far above what a whole campaign spends: nothing here is to be refused. */
export function policy(contracts: Contracts): string {
  return [
    'policy: desk',
    `asset: ${contracts.asset.id}`,
    'rules:',
    `  - allow payees ${contracts.till}`,
    '  - cap 90 USDC per 24h',
    '',
  ].join('\n')
}

/** Deploys token, till and vault, and gives each buyer 100 test dollars. */
export async function deploy(chain: Chain.Chain): Promise<Contracts> {
  const faucet = chain.sender(Wallet.fromPrivateKey(keys.faucet))
  const operator = Wallet.fromPrivateKey(keys.seller).address
  const token = await Vault.deployToken(faucet)
  const { vault, till } = await Vault.deploy(faucet, { token, operator, windowSec: 0, scale: 1n })
  for (const key of keys.buyers) {
    const to: Hex = Wallet.fromPrivateKey(key).address
    await Vault.mint(faucet, { token, to, atoms: 100_000_000n })
  }
  const id = `eip155:${LocalChain.chainId}/erc20:${token}`
  const asset = Asset.from({ id, decimals: 6, symbol: 'USDC' })
  const domain = { tokenName: 'USD Coin', tokenVersion: '2' }
  return { asset, vault, till, windowS: 0, local: true, ...domain }
}
