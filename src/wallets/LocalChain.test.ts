import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { BaseError } from '../kernel/Errors.ts'
import type { Hex } from '../kernel/Hex.ts'
import * as TestDollar from './abi/TestDollar.ts'
import * as Chain from './Chain.ts'
import * as LocalChain from './LocalChain.ts'
import * as PaymentEvidence from './PaymentEvidence.ts'
import * as Wallet from './Wallet.ts'

let folder: string
const running = new Set<LocalChain.LocalChain>()
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'local-chain-'))
})
afterEach(async () => {
  for (const chain of running) await chain.stop()
  running.clear()
})
afterAll(() => rm(folder, { recursive: true }))

async function start(options?: LocalChain.Options) {
  const chain = await LocalChain.start(options)
  running.add(chain)
  return chain
}
const connect = ({ rpcUrl, chainId }: LocalChain.LocalChain) => Chain.open({ rpcUrl, chainId })
const wallets = LocalChain.devKeys.map((key) => Wallet.fromPrivateKey(key))

describe('state', () => {
  test('dumped and loaded again, it keeps balances, receipts, logs and blocks', async () => {
    const first = await start()
    const chain = await connect(first)
    const sender = chain.sender(wallets[0]!)
    const token = await sender.deploy(TestDollar)
    const to = wallets[5]!.address
    const args = [to, 777n]
    const call = { address: token, abi: TestDollar.abi, functionName: 'mint', args }
    const { tx } = await sender.execute(call)
    const receipt = await chain.receipt(tx)
    const filter = { address: token, topics: [PaymentEvidence.transferTopic], fromBlock: 0 }
    const logs = await chain.logs(filter)
    const block = await chain.finalBlock()
    expect(logs).toHaveLength(1)
    const stateFile = join(folder, 'state.json')
    await writeFile(stateFile, await first.dump())
    await first.stop()

    const second = await start({ stateFile })
    const again = await connect(second)
    const asset = { id: `eip155:31337/erc20:${token}`, decimals: 6, symbol: 'USDC' }
    expect(await again.balanceAtoms(asset, to)).toBe(777n)
    expect(await again.receipt(tx)).toEqual(receipt)
    expect(await again.logs(filter)).toEqual(logs)
    expect(await again.finalBlock()).toEqual(block)
    await again.sender(wallets[0]!).execute(call)
    expect(await again.balanceAtoms(asset, to)).toBe(1554n)
  })

  test('the published keys are funded; the clock can be moved ahead', async () => {
    const local = await start()
    const chain = await connect(local)
    for (const { address } of wallets)
      expect(await chain.balanceWei(address)).toBe(10_000n * 10n ** 18n)
    const before = await chain.finalBlock()
    await local.mine({ blocks: 2, aheadSec: 1000 })
    const after = await chain.finalBlock()
    expect(after.number).toBe(before.number + 2)
    expect(after.timestampSec).toBeGreaterThanOrEqual(before.timestampSec + 1000)
  })
})

describe('the process', () => {
  test('ends with stop, and stop may be called twice', async () => {
    const local = await start()
    expect(alive(local.pid)).toBe(true)
    await Promise.all([local.stop(), local.stop()])
    await local.stop()
    expect(alive(local.pid)).toBe(false)
    await expect(local.dump()).rejects.toMatchObject({ code: 'chain-unreachable', retry: 'safe' })
  })

  test.each(['SIGKILL', 'SIGTERM'] as const)(
    'ends when its parent is ended by %s',
    async (signal) => {
      const source = new URL('./LocalChain.ts', import.meta.url).href
      const program = `
      import * as LocalChain from ${JSON.stringify(source)}
      const local = await LocalChain.start()
      console.log(local.pid)
      setInterval(() => {}, 1000)`
      const file = join(folder, `parent-${signal}.mts`)
      await writeFile(file, program)
      const args = ['--import', 'tsx', '--conditions=source', file]
      const parent = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
      const pid = await new Promise<number>((resolve, reject) => {
        parent.stdout.once('data', (chunk: Buffer) => resolve(Number(chunk.toString())))
        parent.once('exit', () => reject(new Error('the parent ended early')))
      })
      expect(alive(pid)).toBe(true)
      parent.kill(signal)
      const deadlineMs = Date.now() + 5000
      while (alive(pid) && Date.now() < deadlineMs)
        await new Promise((resolve) => setTimeout(resolve, 20))
      expect(alive(pid)).toBe(false)
    },
  )

  test('a taken port, a missing or broken state file, a bad port: each is named', async () => {
    const local = await start()
    const port = Number(new URL(local.rpcUrl).port)
    const broken = join(folder, 'broken.json')
    await writeFile(broken, '{ not a state')
    const errors = await Promise.all(
      [
        { port },
        { stateFile: join(folder, 'none.json') },
        { stateFile: broken },
        { port: -1 },
        { port: 70_000 },
      ].map((options) => LocalChain.start(options).catch((error: unknown) => error)),
    )
    expect(errors.map((error) => error instanceof BaseError && error.code)).toEqual([
      'port-taken',
      'bad-input',
      'local-chain-failed',
      'bad-input',
      'bad-input',
    ])
    expect(String(errors[0])).toContain(String(port))
  })
})

test('another chain at the URL, or none, is said so', async () => {
  const { rpcUrl } = await start()
  await expect(Chain.open({ rpcUrl, chainId: 8453 })).rejects.toMatchObject({ code: 'wrong-chain' })
  const secret = 'http://127.0.0.1:9/v3/secret-key'
  const error = await Chain.open({ rpcUrl: secret, chainId: 1 }).catch((error: unknown) => error)
  expect(error).toMatchObject({ code: 'chain-unreachable', retry: 'safe' })
  expect(`${error} ${JSON.stringify(error)}`).not.toContain('secret-key')
})

test('a contract that is not there, and one that refuses, are told apart', async () => {
  const chain = await connect(await start())
  const sender = chain.sender(wallets[0]!)
  const address = await sender.deploy(TestDollar)
  const { abi } = TestDollar
  const nowhere = `0x${'99'.repeat(20)}` as Hex
  await expect(
    chain.read({ address: nowhere, abi, functionName: 'decimals' }),
  ).rejects.toMatchObject({ code: 'contract-missing' })
  await expect(
    sender.write({ address, abi, functionName: 'transfer', args: [nowhere, 1n] }),
  ).rejects.toMatchObject({
    code: 'reverted',
    facts: { reason: expect.stringContaining('ERC20InsufficientBalance') },
  })
})

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
