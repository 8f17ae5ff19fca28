/** @module `requite create`: begins a project of your own from a template; without arguments it lists them. */
import { existsSync, readFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { defineCommand } from 'citty'
import * as Nearest from '../../policies/Nearest.ts'
import * as Project from '../create/Project.ts'
import * as Templates from '../create/Templates.ts'
import * as Print from '../Print.ts'
import * as Run from '../Run.ts'

export default defineCommand({
  meta: {
    name: 'create',
    description: 'Begin a project of your own from a template; lists them without arguments',
  },
  args: {
    template: {
      type: 'positional',
      required: false,
      description: 'research-desk, trading-desk or model-provider',
    },
    folder: { type: 'positional', required: false, description: 'A new or empty folder' },
    requite: {
      type: 'string',
      description:
        'Where the project gets this package: a version, a tarball or a folder (this one)',
    },
    json: Run.flags.json,
  },
  run: ({ args }) =>
    Run.command(args.json, async () => {
      const all = Templates.list()
      const { template: name, folder } = args
      if (name === undefined) {
        tell(all, Run.wantsJson(args.json))
        return 0
      }
      const template = all.find((each) => each.name === name)
      if (template === undefined) throw unknown(name, all)
      if (folder === undefined)
        throw Run.usage('expected a folder', `npx requite create ${name} my-${name}`)
      const files = Project.write({ template, folder, requite: source(args.requite) })
      if (Run.wantsJson(args.json))
        Print.line(JSON.stringify({ v: 1, template: name, folder: resolve(folder), files }))
      else
        Print.line(`${name} is in ${folder}: ${files.length} files

  cd ${relative('.', folder) || '.'}
  npm install
  npm start

README.md says what to change first.`)
      return 0
    }),
})

function tell(all: readonly Templates.Template[], json: boolean): void {
  if (json) {
    const templates = all.map(({ name, says }) => ({ name, says }))
    Print.line(JSON.stringify({ v: 1, templates }))
    return
  }
  const rows = all.map(({ name, says }) => [name, says])
  Print.line(Print.table(['template', 'is'], rows))
  Print.line('npx requite create research-desk my-desk')
}

function unknown(name: string, all: readonly Templates.Template[]) {
  const names = all.map((each) => each.name)
  const expected = `expected ${names.slice(0, -1).join(', ')} or ${names.at(-1)}`
  const hint = `npx requite create ${Nearest.closest(name, names)} …`
  return Run.usage(`${expected}, got ${Print.plain(name)}`, hint)
}

/**
 * A path becomes a `file:` that holds from the project's folder too; anything else is npm's to read. A
 * checkout, which has sources, stands for itself: what it would publish is installed from it.
 */
function source(given: string | undefined): string {
  if (given !== undefined) return existsSync(given) ? `file:${resolve(given)}` : given
  const root = fileURLToPath(new URL('../../..', import.meta.url))
  if (existsSync(join(root, 'src'))) return `file:${resolve(root)}`
  const manifest = readFileSync(join(root, 'package.json'), 'utf8')
  return (JSON.parse(manifest) as { version: string }).version
}
