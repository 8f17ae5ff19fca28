/** @module `requite start`: the main job, end to end, on this machine. */
import { existsSync, mkdirSync, renameSync } from 'node:fs'
import { relative } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { defineCommand } from 'citty'
import type * as Buyer from '../../agents/Buyer.ts'
import { BaseError } from '../../kernel/Errors.ts'
import * as Money from '../../kernel/Money.ts'
import * as Files from '../../store/Files.ts'
import * as Journal from '../../store/Journal.ts'
import * as Chain from '../Chain.ts'
import * as Claim from '../Claim.ts'
import { colors } from '../Colors.ts'
import * as Config from '../Config.ts'
import * as Control from '../Control.ts'
import * as Home from '../Home.ts'
import * as Manifest from '../Manifest.ts'
import * as Policies from '../Policies.ts'
import * as Print from '../Print.ts'
import * as Row from '../Row.ts'
import * as Run from '../Run.ts'
import * as Supervisor from '../Supervisor.ts'
import * as VerifyProcess from '../VerifyProcess.ts'

const questions = [
  'What is requite, and who is paid when its agents buy an answer?',
  'How do I validate user input against a schema with zod?',
  'How do I write a property-based test with fast-check?',
  'How do I create a state machine with xstate?',
  'How can I keep the comments when I parse and write YAML documents?',
]

export default defineCommand({
  meta: {
    name: 'start',
    description: 'Start chain, node and agent on this machine, buy answers, pay royalties, verify',
  },
  args: {
    ...Run.flags,
    once: {
      type: 'boolean',
      description: 'Exit when done instead of staying up for `requite ask`',
    },
    question: { type: 'string', description: 'Ask this too; may be given several times' },
    policy: { type: 'string', description: 'Policy file of the agent (policy.yaml)' },
    shadow: { type: 'string', description: 'Policy file on trial: recorded, without effect' },
    port: { type: 'string', description: 'Port of the node (4020); 0 takes any that is free' },
    fresh: { type: 'boolean', description: 'Move an existing home aside and begin anew' },
  },
  run: ({ args, rawArgs }) =>
    Run.command(args.json, async () => {
      const config = await Config.load(args)
      const asked = [...questions, ...every(rawArgs, 'question')]
      for (const question of asked) Run.expectQuestion(question)
      for (const file of [config.policy, config.shadow ?? config.policy])
        if (!existsSync(file)) throw Policies.missing(file)
      return main({
        config,
        asked,
        once: args.once === true,
        json: args.json === true,
        fresh: args.fresh === true,
      })
    }),
})

type Options = {
  readonly config: Config.Config
  readonly asked: readonly string[]
  readonly once: boolean
  readonly json: boolean
  readonly fresh: boolean
}

async function main(options: Options): Promise<Run.ExitCode> {
  const startedMs = performance.now()
  const { config } = options
  const home = Home.of(config)
  const interruption = Run.interruption()
  expectIdle(home)
  if (options.fresh) moveAside(home)
  const world = await open(home, config)
  try {
    const work = job({ ...options, home, world, interruption, startedMs })
    return await Promise.race([work.catch(later), world.failed])
  } finally {
    await world.close()
  }
}

/** That a process died says more than the call that failed with it: it may be heard a moment later. */
async function later(error: unknown): Promise<never> {
  await sleep(200)
  throw error
}

type Job = Options & {
  readonly home: Home.Home
  readonly world: World
  readonly interruption: Run.Interruption
  readonly startedMs: number
}

async function job(given: Job): Promise<Run.ExitCode> {
  const { home, world, once, json } = given
  const text = json ? () => undefined : Print.line
  const rows = await ask(given, text)
  const settled = await settle(home, world, text)
  if (once) await world.close()
  const verify = await VerifyProcess.run(home, Print.note)
  text(verifyLine(verify))
  const { asset, till, vault } = world.place
  if (json)
    Print.line(
      JSON.stringify({
        v: 1,
        questions: rows,
        ...settled,
        verify,
        ...{ token: asset.id.split(':').at(-1), till, vault },
        ms: Math.round(performance.now() - given.startedMs),
      }),
    )
  else Print.line(closing(once))
  if (!once) await given.interruption.came
  return verify.failures === 0 ? 0 : 1
}

type World = {
  readonly place: Chain.Place
  readonly baseUrl: string
  /** Rejects when a supervised process ended by itself. */
  readonly failed: Promise<never>
  close(): Promise<void>
}

/** Holds the home for this process, and starts everything in it. */
async function open(home: Home.Home, config: Config.Config): Promise<World> {
  mkdirSync(home.chain, { recursive: true, mode: 0o700 })
  const hold = await Control.serve(home.chain, {})
  try {
    const world = await supervise(home, config)
    return { ...world, close: () => world.close().finally(hold.close) }
  } catch (error) {
    await hold.close()
    throw error
  }
}

async function supervise(home: Home.Home, config: Config.Config): Promise<World> {
  Manifest.remove(home)
  const { local, place } = await Chain.start(home, config, Print.note)
  const children: Supervisor.Child[] = []
  let closing: Promise<void> | undefined
  const close = async () => {
    for (const child of children.reverse()) await child.stop()
    for (const folder of [home.node, home.agent]) await foldJournal(folder)
    Files.writeAtomic(home.chainState, await local.dump(), { mode: 0o600 })
    await local.stop()
    await Manifest.write(home, await Chain.key(home.node))
  }
  const flags = ['--home', home.root, '--policy', config.policy, '--port', String(config.port)]
  try {
    const node = await Supervisor.start('node', flags)
    children.push(node)
    const { baseUrl } = node.ready as { baseUrl: string }
    Chain.writePlace(home, { ...place, baseUrl })
    Print.note(`node at ${baseUrl}, process ${node.pid}`)
    const trial = config.shadow === undefined ? [] : ['--shadow', config.shadow]
    const agent = await Supervisor.start('agent', [...flags, ...trial])
    children.push(agent)
    Print.note(`agent ${config.agent}, process ${agent.pid}`)
    const failed = new Promise<never>((_, reject) => {
      const watch = async (what: string, child: Supervisor.Child) => {
        const code = await child.ended
        if (closing === undefined) reject(ended(what, code))
      }
      void watch('node', node)
      void watch(`agent ${config.agent}`, agent)
    })
    return {
      place: { ...place, baseUrl },
      baseUrl,
      failed,
      close: () => {
        closing ??= close()
        return closing
      },
    }
  } catch (error) {
    await close().catch(() => undefined)
    throw error
  }
}

/** A killed child leaves a write-ahead log beside its journal: a closed home consists of whole files. */
async function foldJournal(folder: string): Promise<void> {
  const file = Home.journal(folder)
  if (!existsSync(`${file}-wal`)) return
  const { address } = await Chain.key(folder)
  Journal.open({ file, origin: address, now: Date.now }).close()
}

function ended(what: string, code: number): BaseError {
  return new BaseError(`the ${what} ended by itself, with code ${code}`, {
    code: 'child-failed',
    hint: 'start again: what it had recorded is durable, what it had begun is finished then',
    retry: 'safe',
  })
}

async function ask(
  { home, asked, interruption, world: { place, baseUrl } }: Job,
  text: (line: string) => void,
): Promise<Row.Row[]> {
  const rows: Row.Row[] = []
  for (const question of asked) {
    interruption.check()
    const { outcome } = (await Control.call(home.agent, 'ask', { question })) as {
      outcome: Buyer.Outcome
    }
    rows.push(Row.of(question, outcome))
    text(Print.outcome(question, outcome, { asset: place.asset, baseUrl }))
    text('')
  }
  return rows
}

/** Closes an epoch, lets the test owner claim, and tells the totals. */
async function settle(home: Home.Home, { place, baseUrl }: World, text: (line: string) => void) {
  const { asset } = place
  text(
    colors.dim(
      'Local chain: dispute and challenge windows are 0, so earnings are payable at once.',
    ),
  )
  const epoch = (await Control.call(home.node, 'epoch')) as Epoch | null
  const atoms = (value: bigint) => Money.format(Money.of(asset, value))
  if (epoch !== null)
    text(
      `epoch ${epoch.epoch} published: ${epoch.receipts} receipts, ${atoms(BigInt(epoch.totalAtoms))} in all, root ${epoch.root}`,
    )
  const owner = await Chain.key(home.owner)
  const claim = await Claim.claim({ place, baseUrl, wallet: owner })
  if (claim !== undefined)
    text(
      `claimed by the test owner of this repository's documents: ${atoms(claim.atoms)} to ${claim.account}`,
    )
  const totals = (await Control.call(home.node, 'observe')) as Totals
  const nano = (value: string) => Money.formatNano(BigInt(value), asset)
  text(
    `accrued ${nano(totals.accruedNano)} = claimed ${nano(totals.claimedNano)} + claimable ${nano(totals.claimableNano)} + carry ${nano(totals.carryNano)}`,
  )
  const leavesFile = epoch === null ? null : `${home.node}/${epoch.leavesFile}`
  return {
    accruedNano: totals.accruedNano,
    claimableNano: totals.claimableNano,
    claimedNano: totals.claimedNano,
    carryNano: totals.carryNano,
    epoch:
      epoch === null || leavesFile === null
        ? null
        : {
            root: epoch.root,
            totalAtoms: epoch.totalAtoms,
            tx: epoch.tx,
            leavesFile: relative(process.cwd(), leavesFile),
          },
    claim:
      claim === undefined
        ? null
        : { account: claim.account, atoms: String(claim.atoms), tx: claim.tx },
  }
}

type Totals = Record<'accruedNano' | 'claimableNano' | 'claimedNano' | 'carryNano', string>
type Epoch = {
  readonly epoch: number
  readonly root: string
  readonly totalAtoms: string
  readonly tx: string
  readonly leavesFile: string
  readonly receipts: number
}

function verifyLine({ records, failures, erased }: VerifyProcess.Summary): string {
  const judged = failures === 0 ? colors.green('verified') : colors.red(`${failures} failures`)
  return `${judged}: ${records} records of both folders recomputed from files${erased === 0 ? '' : `, ${erased} erased`}`
}

function closing(once: boolean): string {
  const run = once
    ? 'Start it to stay with `npm start`, then try'
    : 'Leave this open and try in another terminal'
  return `
${run}:
  npx requite ask "How do I sign typed data with viem?"
  npx requite attribute README.md          whose words are in any text
  npx requite demo copycat                 ten copies registered later earn 0
  npx requite verify                       recompute everything from files
Or lower the cap in policy.yaml to \`cap 0.0001 USDC per payment\` and ask again.`
}

/** One `start` at a time: a second would begin another chain under the books of the first. */
function expectIdle(home: Home.Home): void {
  for (const folder of [home.chain, home.node, home.agent]) {
    const found = Control.find(folder)
    if (found === undefined) continue
    throw new BaseError(`process ${found.pid} has ${home.root} open`, {
      code: 'already-running',
      hint: 'ask it with `npx requite ask "…"`, end it with Ctrl-C, or choose another --home',
    })
  }
}

function moveAside(home: Home.Home): void {
  if (!existsSync(home.root)) return
  for (let number = 1; ; number += 1) {
    const aside = `${home.root}.${number}`
    if (existsSync(aside)) continue
    renameSync(home.root, aside)
    Print.note(`kept the old folder as ${aside}`)
    return
  }
}

/** Every value of a flag that may be given several times. */
function every(rawArgs: readonly string[], flag: string): string[] {
  const values: string[] = []
  for (const [index, argument] of rawArgs.entries()) {
    if (argument === `--${flag}`) {
      const value = rawArgs[index + 1]
      if (value === undefined) throw Run.usage(`expected a value after --${flag}`)
      values.push(value)
    } else if (argument.startsWith(`--${flag}=`)) values.push(argument.slice(flag.length + 3))
  }
  return values
}
