#!/usr/bin/env node
/** @module The command line: one command a file, loaded when it is asked for. */
import { readFileSync } from 'node:fs'
import { stripVTControlCharacters } from 'node:util'
import { type CommandDef, defineCommand, renderUsage, runCommand } from 'citty'
import { name } from '../kernel/Name.ts'
import * as Print from './Print.ts'
import * as Usage from './Usage.ts'

const manifest = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
) as { version: string }

const load = (command: () => Promise<{ default: unknown }>) => () =>
  command().then((module) => module.default as CommandDef)

const main = defineCommand({
  meta: {
    name,
    version: manifest.version,
    description:
      'Agents that buy attributed answers under a policy, and pay whose work shaped them',
  },
  subCommands: {
    start: load(() => import('./commands/start.ts')),
    ask: load(() => import('./commands/ask.ts')),
    attribute: load(() => import('./commands/attribute.ts')),
    verify: load(() => import('./commands/verify.ts')),
    policy: load(() => import('./commands/policy.ts')),
    epoch: load(() => import('./commands/epoch.ts')),
    claim: load(() => import('./commands/claim.ts')),
    doctor: load(() => import('./commands/doctor.ts')),
    create: load(() => import('./commands/create.ts')),
    demo: load(() => import('./commands/demo.ts')),
    node: load(() => import('./commands/node.ts')),
    agent: load(() => import('./commands/agent.ts')),
    registry: load(() => import('./commands/registry.ts')),
  },
})

const rawArgs = process.argv.slice(2)
const found = await Usage.find(main, rawArgs)
async function usage({ isTTY }: { isTTY?: boolean }): Promise<string> {
  const text = await renderUsage(found.command, found.parent)
  return isTTY === true ? text : stripVTControlCharacters(text)
}

if (rawArgs.includes('--version')) Print.line(manifest.version)
else if (found.kind === 'help') Print.line(await usage(process.stdout))
else if (found.kind === 'wrong') {
  process.stderr.write(`${found.because}\n\n${await usage(process.stderr)}\n`)
  process.exitCode = 2
} else await runCommand(main, { rawArgs })
