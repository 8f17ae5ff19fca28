#!/usr/bin/env node
/** @module The command line: one command a file, loaded when it is asked for. */
import { readFileSync } from 'node:fs'
import { defineCommand, runMain } from 'citty'
import { name } from '../kernel/Name.ts'

const manifest = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
) as { version: string }

const main = defineCommand({
  meta: {
    name,
    version: manifest.version,
    description:
      'Agents that buy attributed answers under a policy, and pay whose work shaped them',
  },
  subCommands: {
    start: () => import('./commands/start.ts').then((module) => module.default),
    ask: () => import('./commands/ask.ts').then((module) => module.default),
    verify: () => import('./commands/verify.ts').then((module) => module.default),
    node: () => import('./commands/node.ts').then((module) => module.default),
    agent: () => import('./commands/agent.ts').then((module) => module.default),
  },
})

await runMain(main)
