/**
 * @module Projects: a template as a project of its own, with all that it needs to install, run and be
 * tested. Nothing that is there already is overwritten.
 */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { InputError } from '../../kernel/Errors.ts'
import * as Templates from './Templates.ts'

/** What is made, and where. */
export type Options = {
  readonly template: Templates.Template
  readonly folder: string
  /** What the project depends on for this package: a version, a tarball or folder as `file:…`. */
  readonly requite: string
}

/** Writes a project into a new or empty folder; the paths of its files. Throws `folder-not-empty`. */
export function write(options: Options): readonly string[] {
  const { template } = options
  const folder = resolve(options.folder)
  expectEmpty(folder)
  const files = new Map<string, string>([
    ['package.json', manifest({ ...options, folder })],
    ['README.md', readme(template)],
    ['tsconfig.json', `${JSON.stringify(tsconfig, null, 2)}\n`],
    ['.gitignore', 'node_modules\n.env\n'],
    ['main.test.ts', test],
    ...(options.requite.startsWith('file:') ? ([['.npmrc', npmrc]] as const) : []),
    ...template.files.map((path) => [path, Templates.read(template, path)] as const),
  ])
  for (const [path, text] of files) {
    const file = join(folder, path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text, { flag: 'wx' })
  }
  return [...files.keys()].sort()
}

function expectEmpty(folder: string): void {
  let found: readonly string[]
  try {
    found = readdirSync(folder)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return
    if (code !== 'ENOTDIR') throw error
    throw new InputError(`expected a folder at ${folder}, found a file`, { code: 'not-a-folder' })
  }
  if (found.length > 0)
    throw new InputError(`expected a new or empty folder, found ${found[0]} in ${folder}`, {
      code: 'folder-not-empty',
      hint: 'name another folder: nothing is overwritten',
    })
}

function manifest({ template, folder, requite }: Options): string {
  const { dependencies, devDependencies, optionalDependencies, overrides } = template
  const name = basename(folder)
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .replace(/^-+|-+$/g, '')
  const told = {
    name: name === '' ? template.name : name,
    version: '0.0.0',
    private: true,
    type: 'module',
    engines: { node: '>=20.19' },
    scripts: { start: 'node --import tsx main.ts', test: 'vitest run', types: 'tsc' },
    dependencies: { requite, ...dependencies },
    ...{ devDependencies, optionalDependencies, overrides },
  }
  return `${JSON.stringify(told, null, 2)}\n`
}

function readme(template: Templates.Template): string {
  const { name, says, change, files } = template
  return `# ${name}

This is ${says}, made by \`npx requite create ${name}\`.

\`\`\`sh
npm install
npm start
npm test
npm run types
\`\`\`

\`npm start\` runs \`main.ts\` on a local chain of its own, with a test dollar; no key and no account are
needed. It ends by saying what moved and why, and verifies every journal from its files. \`npm test\` runs
the same and holds it to that.

What to change first: ${change}.

| file | is |
| --- | --- |
${files.map((path) => `| \`${path}\` | ${kind(template, path)} |`).join('\n')}

The local chain is prebuilt for Linux on x64. Elsewhere it needs \`anvil\` of Foundry on the PATH.
`
}

/** What a file is for: a support file says so itself, in the first sentence of its header. */
function kind(template: Templates.Template, path: string): string {
  if (path === 'main.ts') return 'the program: begin here'
  if (path === 'policy.yaml')
    return 'what may be spent, in sentences; read again before each purchase'
  const [, said = 'support'] =
    /@module ([\s\S]+?)[.:](?:\s|$)/.exec(Templates.read(template, path)) ?? []
  return said.replace(/\s+\*?\s*/g, ' ')
}

/** Of a folder npm would make a link, and then there were two of each package that both use. */
const npmrc = 'install-links=true\n'

const tsconfig = {
  compilerOptions: {
    target: 'es2023',
    lib: ['es2024'],
    types: ['node'],
    module: 'nodenext',
    strict: true,
    noUncheckedIndexedAccess: true,
    verbatimModuleSyntax: true,
    allowImportingTsExtensions: true,
    resolveJsonModule: true,
    skipLibCheck: true,
    noEmit: true,
  },
  include: ['*.ts', 'support'],
}

const test = `/** The project as a whole, run as its user would: it ends well, and every atom is found again. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

test('what moved adds up, and every journal verifies', async () => {
  const args = ['--import', 'tsx', 'main.ts', '--json']
  const options = { cwd: import.meta.dirname, timeout: 60_000 }
  const { stdout } = await promisify(execFile)(process.execPath, args, options)
  const report = JSON.parse(stdout.trimEnd().split('\\n').at(-1)!)
  expect(report).toMatchObject({ conserved: true, verify: { failures: 0, erased: 0 } })
  expect(BigInt(report.paidAtoms)).toBeGreaterThan(0n)
}, 60_000)
`
