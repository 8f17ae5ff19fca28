/** @module Attacks by wrapping: empty models and adapters between a model and the data it learnt from. */
import * as Hash from '../../src/kernel/Hash.ts'
import * as Artifact from '../../src/royalties/Artifact.ts'
import * as Cascade from '../../src/royalties/Cascade.ts'
import type * as Attack from './Attack.ts'

const wrappers = 4
const share = 300_000_000n

/** Four wrappers that added no work, each passing on 30 % on paper. */
export function empty(): Attack.Measure & {
  readonly dataNano: bigint
  readonly naiveNano: bigint
} {
  const [dataNano, naiveNano] = [0n, 1n].map(reaching)
  const loss = (nano: bigint) => Number(300_000n - nano) / 3_000
  return {
    attack: 'empty wrappers ×4',
    unit: '% that the data owner loses',
    ours: loss(dataNano!),
    bound: 0,
    naive: { rule: 'a cut at each hop', gain: loss(naiveNano!) },
    ...{ dataNano: dataNano!, naiveNano: naiveNano! },
  }
}

/** What of 1,000,000 reaches the data when each wrapper claims so much work. */
function reaching(addedStdUs: bigint): bigint {
  const id = (name: string) => Hash.text(`artifact ${name}`)
  const made = (name: string, parent: string, stdUs: bigint, owner: string): Artifact.Artifact => ({
    ...Artifact.owned(id(name), 'model', owner),
    parents: [{ artifact: id(parent), sharePpb: share }],
    addedStdUs: stdUs,
  })
  const chain = Array.from({ length: wrappers }, (_, at) =>
    made(`w${at}`, at === 0 ? 'data' : `w${at - 1}`, addedStdUs, 'name:eve'),
  )
  const lineage = Cascade.empty()
  const registered = Cascade.register(lineage, [
    Artifact.owned(id('data'), 'contribution', 'name:data'),
    ...chain,
    made('model', `w${wrappers - 1}`, 9n, 'name:eve'),
  ])
  if (registered !== 'ok') throw new Error(`expected a lineage, got ${registered}`)
  const { parts } = Cascade.pass(lineage, [{ artifact: id('model'), nano: 1_000_000n }])
  return parts.find(({ account }) => account === 'name:data')!.nano
}
