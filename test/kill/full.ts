/**
 * @module `npm run test:kill`: at least 60 kills of buyers and of the seller, at least three of them in each
 * state that matters; RPC answers lost, the chain restarted, payments taken back. Prints what it was exposed
 * to; ends with 1 when a state was missed or anything is paid twice, lost, held or does not verify.
 */
import process from 'node:process'
import * as Plan from './Plan.ts'
import * as Reorg from './Reorg.ts'
import * as Verdict from './Verdict.ts'
import * as World from './World.ts'

const limitMs = 300_000
const leastKills = 60

const watch = setTimeout(() => {
  console.error(`expected an end within ${limitMs / 1000} s`)
  process.exit(1)
}, limitMs)
const seed = Number(process.argv[2] ?? Date.now() % 1_000_000)
console.error(
  `seed ${seed} (npm run test:kill -- ${seed} aims alike; time is real, so ends may differ)`,
)
const plan: Plan.Plan = {
  seed,
  buyer: {
    ...{ held: 6, paying: 6, sending: 2, asking: 5, answering: 4, told: 4, answered: 3 },
    'any time': 7,
  },
  seller: {
    ...{ served: 5, settled: 5, accepted: 5, funded: 5, telling: 5 },
    ...{ unsent: 4, landed: 4, 'any time': 5 },
  },
  storm: 6,
  loseEvery: 2,
  restarts: 2,
  atLeast: 3,
}

const world = await World.open({ buyers: 3, blockEverySec: 1 })
let broken: readonly string[]
try {
  const report = await Plan.run(world, plan, (text) => console.error(text))
  broken = [...print(report), ...(await reorganised())]
} finally {
  await world.close()
}
for (const fault of broken) console.error(`FAILED ${fault}`)
console.log(broken.length === 0 ? 'nothing broken' : `${broken.length} broken`)
clearTimeout(watch)
process.exit(broken.length === 0 ? 0 : 1)

function print(report: Plan.Report): string[] {
  const { log, verdict, histogram, lost, restarts, missing } = report
  const { orders, payments, receipts, funded, told, returned, attempts, records, paidAtoms } =
    verdict
  const kills = (who: string) => log.kills.filter((kill) => kill.who === who).length
  console.log(
    `${log.kills.length} kills: ${kills('buyer')} of buyers, ${kills('seller')} of the seller`,
  )
  console.log('left behind, by journal and chain          kills')
  for (const [state, count] of histogram)
    console.log(`  ${state.padEnd(40)} ${String(count).padStart(5)}`)
  console.log(
    `answers of the chain lost after they landed ${lost}, restarts of the chain ${restarts}`,
  )
  console.log(
    `${orders} orders in ${attempts} attempts = ${payments - returned} payments on chain = ${receipts} receipts = ` +
      `${funded} funded sales, ${told} of them told while made, and ${returned} payments that are change; ${Verdict.dollars(world, paidAtoms)}; ${records} records verified`,
  )
  const few = `only ${log.kills.length} kills`
  const idle = [lost > 0 ? '' : 'no answer was lost', restarts > 1 ? '' : 'no restart of the chain']
  return [
    ...verdict.broken,
    ...missing,
    ...(log.kills.length < leastKills ? [few] : []),
    ...idle.filter((fault) => fault !== ''),
  ]
}

async function reorganised(): Promise<readonly string[]> {
  try {
    const { verdict, looks, undone } = await Reorg.run({ isExpiryToo: true })
    console.log(
      `payments taken back by the chain: ${undone.settledAgain} settled again, ${undone.expired} expired; ` +
        `called paid before it was final in 0 of ${looks} looks`,
    )
    return verdict.broken
  } catch (error) {
    return [`reorganisation: ${(error as Error).message}`]
  }
}
