/** @module A vault on a local chain of its own, and trees to publish to it. */
import { expect } from 'vitest'
import * as Hash from '../../src/kernel/Hash.ts'
import * as Hex from '../../src/kernel/Hex.ts'
import * as Account from '../../src/royalties/Account.ts'
import * as Epoch from '../../src/royalties/Epoch.ts'
import * as Chain from '../../src/wallets/Chain.ts'
import * as LocalChain from '../../src/wallets/LocalChain.ts'
import * as Vault from '../../src/wallets/Vault.ts'
import * as Wallet from '../../src/wallets/Wallet.ts'

export type Drawn = { readonly leaves: readonly Epoch.Leaf[]; readonly tree: Epoch.Tree }
export type World = Awaited<ReturnType<typeof start>>

export const checkpoint = Hash.text('checkpoint')

/** A payee that nobody else uses. */
export function payee(label: string): Hex.Hex {
  return Hex.encode(Hash.keccak256(label).subarray(12))
}

export function treeOf(
  amounts: readonly (readonly [Account.Account, bigint])[],
  depth = Epoch.depthFor(amounts.length),
): Drawn {
  const leaves = amounts.map(([account, cumulative], index) => {
    const { named, address } = Account.leaf(account)
    return { index, named, account: address, cumulative }
  })
  return { leaves, tree: Epoch.tree(leaves, depth) }
}

export function refusedWith(reason: RegExp | string) {
  const facts = expect.objectContaining({ reason: expect.stringMatching(reason) })
  return expect.objectContaining({ code: 'vault-refused', facts })
}

/** A local chain, an operator who deploys and publishes, and a stranger who claims. */
export async function start() {
  const local = await LocalChain.start()
  const chain = await Chain.open({ rpcUrl: local.rpcUrl, chainId: local.chainId })
  const sender = (index: number) => chain.sender(Wallet.fromPrivateKey(LocalChain.devKeys[index]!))
  const [operator, stranger] = [sender(0), sender(1)]
  return {
    chain,
    operator,
    stranger,
    stop: local.stop,
    pass: (aheadSec: number) => local.mine({ aheadSec }),
    async setUp(options: { windowSec?: number; scale?: bigint; fundAtoms?: bigint } = {}) {
      const { windowSec = 0, scale = 1n, fundAtoms = 0n } = options
      const token = await Vault.deployToken(operator)
      const place = { token, operator: operator.address, windowSec, scale }
      const { vault, till } = await Vault.deploy(operator, place)
      if (fundAtoms > 0n) await Vault.mint(operator, { token, to: till, atoms: fundAtoms })
      return { token, vault, till }
    },
    publish(vault: Hex.Hex, { tree }: Drawn, by: Vault.Writer = operator) {
      return Vault.publish(by, { vault, rootWord: tree.rootWord, checkpoint, depth: tree.depth })
    },
    claim(vault: Hex.Hex, { leaves, tree }: Drawn, index: number) {
      const leafWord = Epoch.encodeLeaf(leaves[index]!)
      return Vault.claim(stranger, { vault, leafWord, proof: Epoch.proof(tree, index) })
    },
    balance(token: Hex.Hex, account: Hex.Hex) {
      return Vault.balance(chain, { token, account })
    },
  }
}
