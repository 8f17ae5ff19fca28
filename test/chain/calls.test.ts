/** Calls on a real chain: tried, signed once, sent as often as one likes, and found again by their hash. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import * as Calls from '../../src/wallets/Calls.ts'
import * as Chain from '../../src/wallets/Chain.ts'
import * as Rpc from '../../src/wallets/Rpc.ts'
import * as Wallet from '../../src/wallets/Wallet.ts'
import * as Setup from './Setup.ts'

let setup: Setup.Setup
let slow: Chain.Chain
beforeAll(async () => {
  setup = await Setup.open()
  const { rpcUrl, chainId } = setup.local
  slow = await Chain.open({ rpcUrl, chainId, finality: 2 })
})
afterAll(() => setup.local.stop())

/** A call of the test dollar. */
const dollars = (functionName: string, ...args: readonly unknown[]): Calls.Call => ({
  to: setup.token,
  data: Rpc.encode({ address: setup.token, abi: Setup.abi, functionName, args }),
})
const gas = 100_000n

/** Waits until a node that mines by itself has done so. */
const mined = ({ hash }: Calls.Signed) =>
  expect.poll(() => setup.chain.receipt(hash), { timeout: 10_000 }).toBeDefined()

test('is tried upon what the ones before it did, and nothing is sent', async () => {
  const { chain, payer, stranger, token } = setup
  const before = await chain.blockNumber()
  const simulation = await chain.calls.simulate(payer.address, [
    Calls.approval(token, payer.address, 7n),
    dollars('transferFrom', payer.address, stranger.address, 7n),
    dollars('transferFrom', payer.address, stranger.address, 1n),
  ])
  expect(simulation.blockNumber).toBe(before)
  expect(simulation.calls.map(({ status }) => status)).toEqual(['success', 'success', 'reverted'])
  const [approved, moved, refused] = simulation.calls
  expect(approved!.transfers).toEqual([])
  expect(approved!.approvals).toEqual([
    { token, from: payer.address, to: payer.address, atoms: '7' },
  ])
  const transfer = { token, from: payer.address, to: stranger.address, atoms: '7' }
  expect(moved!.transfers).toEqual([transfer])
  expect(Calls.left(moved!.transfers, token, payer.address)).toBe(7n)
  expect(Calls.left(moved!.transfers, token, stranger.address)).toBe(-7n)
  expect(Calls.revertReason(refused!.output, Setup.abi)).toMatch(/^ERC20InsufficientAllowance\(/)
  expect(await chain.calls.allowanceAtoms(token, payer.address, payer.address)).toBe(0n)
  expect(await chain.blockNumber()).toBe(before)
})

test('sent twice happens once; it is final when its block is, and not before', async () => {
  const { chain, payer, stranger, asset, token } = setup
  const call = dollars('transfer', stranger.address, 5n)
  const [signed] = await chain.calls.sign(payer, [{ ...call, gas }])
  const before = await chain.balanceAtoms(asset, stranger.address)
  expect(await chain.calls.lookUp(payer.address, signed!)).toEqual({ kind: 'unknown' })
  expect(await chain.calls.send(signed!)).toBe(true)
  expect(await chain.calls.send(signed!)).toBe(true)
  await mined(signed!)
  expect(await slow.calls.lookUp(payer.address, signed!)).toEqual({ kind: 'pending' })
  const outcome = await chain.calls.lookUp(payer.address, signed!)
  if (outcome.kind !== 'final') return expect.fail(outcome.kind)
  const { evidence } = outcome
  expect(evidence).toMatchObject({ status: 'success', tx: signed!.hash })
  expect(BigInt(evidence.feeWei)).toBeGreaterThan(0n)
  expect(Calls.left(Calls.transfers(evidence.logs), token, payer.address)).toBe(5n)
  expect((await chain.balanceAtoms(asset, stranger.address)) - before).toBe(5n)
  await setup.local.mine()
  expect(await slow.calls.lookUp(payer.address, signed!)).toEqual(outcome)
})

test('one that reverted is final too, and what it cost is known', async () => {
  const { chain, payer, stranger } = setup
  const call = dollars('transferFrom', stranger.address, payer.address, 1n)
  const [signed] = await chain.calls.sign(payer, [{ ...call, gas }])
  await chain.calls.send(signed!)
  await mined(signed!)
  const before = await chain.balanceWei(payer.address)
  const outcome = await chain.calls.lookUp(payer.address, signed!)
  if (outcome.kind !== 'final') return expect.fail(outcome.kind)
  expect(outcome.evidence).toMatchObject({ status: 'reverted', logs: [] })
  expect(BigInt(outcome.evidence.feeWei)).toBeGreaterThan(0n)
  expect(await chain.balanceWei(payer.address)).toBe(before)
})

test('one whose nonce another took is replaced only once that is final', async () => {
  const { chain, payer, stranger } = setup
  const [signed] = await chain.calls.sign(payer, [
    { ...dollars('transfer', stranger.address, 1n), gas },
  ])
  const [other] = await chain.calls.sign(payer, [
    { ...dollars('transfer', stranger.address, 2n), gas },
  ])
  expect(other!.nonce).toBe(signed!.nonce)
  await chain.calls.send(other!)
  await mined(other!)
  expect(await chain.calls.send(signed!)).toBe(false)
  expect(await slow.calls.lookUp(payer.address, signed!)).toEqual({ kind: 'unknown' })
  expect(await chain.calls.lookUp(payer.address, signed!)).toEqual({
    ...{ kind: 'replaced', by: other!.hash },
  })
})

test('evidence is judged from files: the transaction that was signed, by its signer, successful', async () => {
  const { chain, payer, stranger } = setup
  const call = dollars('transfer', stranger.address, 3n)
  const [signed, failing] = await chain.calls.sign(payer, [
    { ...call, gas },
    { ...dollars('transferFrom', stranger.address, payer.address, 1n), gas },
  ])
  const { raw, nonce } = signed!
  const from = payer.address
  expect(Calls.read(raw)).toEqual({ ...call, from, nonce, valueWei: 0n, chainId: chain.chainId })
  expect(Calls.read('0x02')).toBeUndefined()
  for (const one of [signed!, failing!]) await chain.calls.send(one)
  await mined(failing!)
  const find = async (one: Calls.Signed) => {
    const outcome = await chain.calls.lookUp(from, one)
    if (outcome.kind !== 'final') throw new Error(outcome.kind)
    return outcome.evidence
  }
  const evidence = await find(signed!)
  expect(Calls.check(evidence, { raw, from })).toEqual({ ok: true })
  const because = (given: Calls.Evidence, more = {}) => {
    const judged = Calls.check(given, { raw, from, ...more })
    return judged.ok ? 'ok' : judged.because
  }
  expect(because(evidence, { from: stranger.address })).toMatch(/^expected a transaction that 0x/)
  expect(because(evidence, { raw: failing!.raw })).toMatch(/^expected evidence of the transaction/)
  expect(because(await find(failing!), { raw: failing!.raw })).toMatch(/got reverted$/)
  expect(because({ ...evidence, chainId: 1 })).toMatch(/got chain 1$/)
  expect(because({ ...evidence, blockNumber: 1 })).toMatch(/^expected number and time/)
  const [log] = evidence.logs
  const logs = [{ ...log!, address: Wallet.generate().address }]
  expect(because({ ...evidence, logs })).toMatch(/bloom/)
})

test('a node that counts a nonce before it finds the receipt does not make it replaced', async () => {
  const { chain, payer, stranger, local } = setup
  let blind = true
  const node = await Setup.faulty(local.rpcUrl, (method) => {
    return method === 'eth_getTransactionReceipt' && blind ? 'null' : 'none'
  })
  const late = await Chain.open({ rpcUrl: node.rpcUrl, chainId: chain.chainId })
  const [signed] = await chain.calls.sign(payer, [
    { ...dollars('transfer', stranger.address, 1n), gas },
  ])
  await chain.calls.send(signed!)
  await mined(signed!)
  expect(await late.calls.lookUp(payer.address, signed!)).toEqual({ kind: 'pending' })
  blind = false
  expect(await late.calls.lookUp(payer.address, signed!)).toMatchObject({ kind: 'final' })
  await node.close()
})
