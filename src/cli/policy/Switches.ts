/** @module `requite policy freeze` and `thaw`: kill switches, effective before the next signature. */
import { defineCommand } from 'citty'
import { InputError } from '../../kernel/Errors.ts'
import * as Freeze from '../../policies/Freeze.ts'
import * as Desk from '../Desk.ts'
import * as Operating from '../Operating.ts'
import * as Print from '../Print.ts'
import * as Run from '../Run.ts'
import * as Context from './Context.ts'

const common = {
  ...Context.flags,
  what: {
    type: 'positional',
    description: 'everything, agent, payee or model',
    required: true,
  },
  name: {
    type: 'positional',
    description: 'Which agent, payee or model; nothing after everything',
    required: false,
  },
  by: { type: 'string', description: 'Who does it; it is recorded (operator)' },
} as const

/** Stops it. */
export const freeze = defineCommand({
  meta: {
    name: 'freeze',
    description: 'Stop everything, or one agent, payee or model, before the next signature',
  },
  args: { ...common, because: { type: 'string', description: 'Why; it is recorded' } },
  run: ({ args }) =>
    Run.command(args.json, async () => {
      const because = Context.need(args.because, 'because', 'why it is frozen')
      const { desk, target } = await open(args)
      const by = args.by ?? 'operator'
      await Operating.freeze(desk, { target, by, because })
      const key = Freeze.key(target)
      if (Run.wantsJson(args.json))
        Print.line(JSON.stringify({ v: 1, frozen: { target, by, because } }))
      else Print.line(`frozen ${key}: by ${by}, ${because}\n  npx requite policy thaw ${key}`)
      return 0
    }),
})

/** Lets it pay again. */
export const thaw = defineCommand({
  meta: { name: 'thaw', description: 'Let what was frozen pay again' },
  args: common,
  run: ({ args }) =>
    Run.command(args.json, async () => {
      const { desk, target } = await open(args)
      const by = args.by ?? 'operator'
      await Operating.thaw(desk, { target, by })
      if (Run.wantsJson(args.json)) Print.line(JSON.stringify({ v: 1, thawed: { target, by } }))
      else Print.line(`thawed ${Freeze.key(target)}: by ${by}`)
      return 0
    }),
})

async function open(
  args: Parameters<typeof Context.load>[0] & { what: string; name?: string | undefined },
) {
  const { home, config } = await Context.load(args)
  const target = read(args.what, args.name)
  const desk = await Desk.open(home, config)
  if (target.kind !== 'agent') return { desk, target }
  // Requests name an agent by its address.
  const address = desk.opened?.address ?? target.name
  if (target.name !== config.agent && target.name !== address)
    throw new InputError(
      `expected ${config.agent} or ${address}, the agent of this home, got ${target.name}`,
      { hint: 'another agent has a home or a name of its own: --home, or `agent` in the config' },
    )
  return { desk, target: { kind: 'agent', name: address } as const }
}

function read(what: string, name: string | undefined): Freeze.Target {
  try {
    const target = Freeze.parse(name === undefined ? what : `${what} ${name}`)
    if (target.kind === 'everything' || !target.name.includes('*')) return target
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    throw new InputError(error.message, { code: 'usage', cause: error })
  }
  throw Run.usage(
    `expected the name of one ${what}, got ${name}`,
    'a freeze takes no patterns: `npx requite policy freeze everything` stops all',
  )
}
