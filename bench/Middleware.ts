/**
 * @module What `payable(buyer)` adds to a LangChain agent that buys nothing: the same run of two model calls
 * and one tool, with a model and a tool that cost nothing and do nothing else, with the middleware and
 * without, interleaved, by processor time.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BaseChatModel } from '@langchain/core/language_models/chat_models'
import { AIMessage, type BaseMessage, ToolMessage } from '@langchain/core/messages'
import { createAgent, tool } from 'langchain'
import { z } from 'zod'
import * as Buyer from '../src/agents/Buyer.ts'
import { payable } from '../src/agents/langchain/index.ts'
import * as Asset from '../src/kernel/Asset.ts'
import * as Policy from '../src/policies/Policy.ts'
import type * as Chain from '../src/wallets/Chain.ts'
import * as Wallet from '../src/wallets/Wallet.ts'
import * as Report from './Report.ts'

const runsPerTurn = 100
const turns = 15
const warmUp = 3
/** With the middleware a run may take this much of one without. */
const mostRatio = 1.25

/** Calls a tool once, then answers from what it said. */
class TwoCalls extends BaseChatModel {
  override _llmType() {
    return 'two-calls'
  }

  override bindTools() {
    return this
  }

  override async _generate(messages: BaseMessage[]) {
    const heard = messages.at(-1)
    const message = ToolMessage.isInstance(heard)
      ? new AIMessage(`It says: ${heard.text}`)
      : new AIMessage({
          content: '',
          tool_calls: [{ id: 'call', name: 'look', args: { at: 'x' } }],
        })
    return { generations: [{ text: message.text, message }] }
  }
}

/** Measures. */
export async function measure(): Promise<Pick<Report.Report, 'rows' | 'ratios'>> {
  const dir = mkdtempSync(join(tmpdir(), 'requite-bench-payable-'))
  const buyer = await open(dir)
  try {
    const look = tool(async ({ at }) => `${at} is there`, {
      ...{ name: 'look', description: 'Looks.', schema: z.object({ at: z.string() }) },
    })
    const parts = { model: new TwoCalls({}), tools: [look] }
    const without = createAgent(parts)
    const withPayable = createAgent({ ...parts, middleware: [payable(buyer)] })
    const found = { with: [] as number[], without: [] as number[] }
    for (let turn = 0; turn < turns + warmUp; turn += 1) {
      // Which goes first changes: neither always inherits the other's garbage.
      const order = turn % 2 === 0 ? (['with', 'without'] as const) : (['without', 'with'] as const)
      for (const which of order) {
        const ms = await cpuMsOf(which === 'with' ? withPayable : without)
        if (turn >= warmUp) found[which].push(ms / runsPerTurn)
      }
    }
    if (buyer.spentAtoms() !== 0n) Report.stop('expected that nothing was bought')
    const ratio = Report.median(found.with) / Report.median(found.without)
    if (ratio > mostRatio) {
      process.exitCode = 1
      Report.note(`with-payable/without ${ratio.toFixed(3)}, expected at most ${mostRatio}`)
    }
    const runs = runsPerTurn * turns
    return {
      rows: [
        row('langchain/with-payable', Report.median(found.with), runs),
        row('langchain/without', Report.median(found.without), runs),
        { subject: 'with-payable/without', metric: 'CPU of a run', value: ratio, unit: '×' },
      ],
      ratios: { 'with-payable/without-bound': mostRatio / ratio },
    }
  } finally {
    await buyer.close()
    rmSync(dir, { recursive: true, force: true })
  }
}

function row(subject: string, ms: number, runs: number): Report.Row {
  return { subject, metric: `CPU, median of ${runs} runs`, value: ms, unit: 'ms' }
}

/** A policy as an operator would write it: every model call looks at all of its meters. */
function open(dir: string): Promise<Buyer.Buyer> {
  const till = `0x${'aa'.repeat(20)}` as const
  const asset = Asset.from({ id: `eip155:31337/erc20:${till}`, decimals: 6, symbol: 'USDC' })
  const rules = [
    `allow payees ${till}`,
    'allow models docs-reader',
    'cap 2 USDC per payment',
    'cap 50 USDC per 24h',
    'cap 10 USDC per 24h per payee',
    'cap 400 USDC per calendar month in Europe/Berlin',
    'at most 30 payments per minute per agent',
    'approve above 1 USDC by ops',
  ]
  const lines = [
    'policy: desk',
    `asset: ${asset.id}`,
    'rules:',
    ...rules.map((rule) => `  - ${rule}`),
  ]
  return Buyer.open({
    ...{ dir, wallet: Wallet.generate(), local: true },
    // Nothing is bought here.
    chain: {} as Chain.Chain,
    contracts: { asset, till, vault: till },
    policy: Policy.parse(lines.join('\n'), { file: 'policy.yaml', assets: [asset] }),
  })
}

type Agent = {
  invoke(input: never): Promise<{ readonly messages: readonly BaseMessage[] }>
}

async function cpuMsOf(agent: Agent): Promise<number> {
  const before = process.cpuUsage()
  for (let run = 0; run < runsPerTurn; run += 1) {
    const asked = { messages: [{ role: 'user', content: 'What is there?' }] }
    const { messages } = await agent.invoke(asked as never)
    // Asked, called, heard, answered.
    if (messages.length !== 4) Report.stop(`expected four messages, got ${messages.length}`)
  }
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}
