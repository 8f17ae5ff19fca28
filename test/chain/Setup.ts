/** @module A local chain with a test dollar, funded wallets, a seller, and a node that can be made to fail. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import * as Asset from '../../src/kernel/Asset.ts'
import * as Hash from '../../src/kernel/Hash.ts'
import type { Hex } from '../../src/kernel/Hex.ts'
import * as TestDollar from '../../src/wallets/abi/TestDollar.ts'
import * as Chain from '../../src/wallets/Chain.ts'
import * as LocalChain from '../../src/wallets/LocalChain.ts'
import type { Payment } from '../../src/wallets/PaymentEvidence.ts'
import * as Wallet from '../../src/wallets/Wallet.ts'
import * as Payer from '../../src/wallets/x402/Payer.ts'
import * as Seller from '../../src/wallets/x402/Seller.ts'
import type * as Wire from '../../src/wallets/x402/Wire.ts'

export const abi = TestDollar.abi

/** Everything a payment test needs. */
export type Setup = Awaited<ReturnType<typeof open>>

export async function open() {
  const local = await LocalChain.start()
  try {
    const chain = await Chain.open({ rpcUrl: local.rpcUrl, chainId: local.chainId })
    const wallets = LocalChain.devKeys.map((key) => Wallet.fromPrivateKey(key))
    const [deployer, gasPayer, payer, stranger] = wallets as [
      Wallet.Wallet,
      Wallet.Wallet,
      Wallet.Wallet,
      Wallet.Wallet,
    ]
    const token = await chain.sender(deployer).deploy(TestDollar)
    const asset = Asset.from({
      id: `eip155:${local.chainId}/erc20:${token}`,
      decimals: 6,
      symbol: 'USDC',
    })
    const payTo = `0x${'7177'.repeat(10)}` as Hex
    const mint = (to: Hex, atoms: bigint) =>
      chain
        .sender(deployer)
        .execute({ address: token, abi, functionName: 'mint', args: [to, atoms] })
    await mint(payer.address, 1_000_000_000n)
    const sellerOptions = {
      chain,
      wallet: gasPayer,
      asset,
      payTo,
      tokenName: 'USD Coin',
      tokenVersion: '2',
    }
    const seller = Seller.open(sellerOptions)
    return {
      local,
      chain,
      deployer,
      gasPayer,
      payer,
      stranger,
      token,
      asset,
      payTo,
      mint,
      seller,
      sellerOptions,
    }
  } catch (error) {
    await local.stop()
    throw error
  }
}

let drawn = 0

/** A nonce that no test has used. */
export function freshNonce(): Hex {
  drawn += 1
  return Hash.digest({ test: drawn })
}

/** Requirements of `amountAtoms`, and a payment of them, signed. */
export async function signed(
  setup: Setup,
  options: {
    readonly amountAtoms?: bigint
    readonly nonce?: Hex
    readonly requirements?: Wire.Requirements
    readonly wallet?: Wallet.Wallet
    readonly validAfterSec?: number
    readonly validBeforeSec?: number
  } = {},
) {
  const { amountAtoms = 1000n, nonce = freshNonce(), wallet = setup.payer } = options
  const requirements =
    options.requirements ?? setup.seller.requirements({ amountAtoms, maxTimeoutSec: 600 })
  const { validAfterSec = 0, validBeforeSec = (await chainSec(setup)) + 600 } = options
  const { asset, payTo } = setup
  const result = await Payer.sign({
    wallet,
    requirements,
    resource: { url: 'http://127.0.0.1/v1/chat/completions' },
    nonce,
    validAfterSec,
    validBeforeSec,
    expected: { asset, payTo, maxAtoms: BigInt(requirements.amount) },
  })
  if (!result.ok) throw new Error(result.because)
  const payment: Payment = {
    asset,
    payer: wallet.address,
    nonce,
    payTo,
    valueAtoms: BigInt(requirements.amount),
  }
  return { ...result, requirements, payment }
}

/** Later of the system's clock and the chain's: tests move the chain's ahead. */
export async function chainSec(setup: Setup): Promise<number> {
  const { timestampSec } = await setup.chain.finalBlock(1)
  return Math.max(timestampSec, Math.floor(Date.now() / 1000))
}

/** Calldata-free submission of a signed payment by somebody else. */
export async function submit(setup: Setup, by: Wallet.Wallet, payload: Wire.Payload) {
  const { signature, authorization } = payload.payload
  const { from, to, value, validAfter, validBefore, nonce } = authorization
  return setup.chain.sender(by).execute({
    address: setup.token,
    abi,
    functionName: 'transferWithAuthorization',
    args: [
      from,
      to,
      BigInt(value),
      BigInt(validAfter),
      BigInt(validBefore),
      nonce,
      signature as Hex,
    ],
  })
}

/** What a failing node does with a request: answer it, lose it, or carry it out and lose the answer. */
export type Fault = 'none' | 'lose-request' | 'lose-answer' | 'null'

/** A node in front of another that fails as told. */
export async function faulty(
  rpcUrl: string,
  fault: (method: string, params: readonly unknown[]) => Fault,
): Promise<{ rpcUrl: string; close(): Promise<void> }> {
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const { id, method, params } = JSON.parse(body)
    const kind = fault(method, params)
    if (kind === 'lose-request') return response.destroy()
    if (kind === 'null')
      return response
        .setHeader('content-type', 'application/json')
        .end(JSON.stringify({ jsonrpc: '2.0', id, result: null }))
    const answer = await fetch(rpcUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    }).then((result) => result.text())
    if (kind === 'lose-answer') return response.destroy()
    return response.setHeader('content-type', 'application/json').end(answer)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    rpcUrl: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
