/**
 * @module The templates of `requite create`: examples as they stand, with the support files they import, and
 * the versions of the packages they need. There is no second copy: what is scaffolded is what is tested.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

const templates = {
  'research-desk': {
    example: '02-research-desk',
    says: 'an agent of LangChain that asks two sellers on a day’s budget',
    change: '`policy.yaml` is the budget; `support/Shelves.ts` has the documents and the questions',
  },
  'trading-desk': {
    example: '03-trading-desk',
    says: 'an agent that buys signals and trades on Uniswap v2 and v3, within its policy',
    change:
      'the policies in `main.ts` say how trades may go; `support/ExchangeSignals.ts` has the signals',
  },
  'model-provider': {
    example: '05-bring-your-own-model',
    says: 'a node that sells the answers of your own model, and pays whom it quotes',
    change:
      'set `OPENAI_BASE_URL`, `OPENAI_MODEL` and, where one is needed, `OPENAI_API_KEY`; without them a stand-in answers, which is no model',
  },
}

/** Packages that every project needs, those of LangChain where it is used, and those it is worked on with. */
const always = ['viem', 'xstate', 'zod']
const withLangChain = ['@langchain/core', '@langchain/langgraph', 'langchain']
const development = ['@types/node', 'tsx', 'typescript', 'vitest']

/** Writes `templates` into a build: each template's files, and `index.json` about all of them. */
export function writeTemplates(build) {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const index = Object.entries(templates).map(([name, template]) => {
    const files = filesOf(template.example)
    for (const [path, text] of files) {
      const file = join(build, 'templates', name, path)
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, text)
    }
    const { says, change } = template
    return { name, says, change, files: [...files.keys()], ...packages(files, manifest) }
  })
  writeFileSync(join(build, 'templates', 'index.json'), `${JSON.stringify(index, null, 2)}\n`)
}

/** An example as a project: `main.ts`, what it imports, and its policy file, if it has one, beside it. */
function filesOf(example) {
  const folder = join(root, 'examples')
  const files = new Map()
  const take = (path) => {
    const to = path === `${example}.ts` ? 'main.ts' : path
    if (files.has(to)) return
    const text = readFileSync(join(folder, path), 'utf8')
    files.set(to, text)
    for (const [, near] of text.matchAll(/from '\.\/([\w./-]+)'/g)) take(join(dirname(path), near))
  }
  take(`${example}.ts`)
  let main = files.get('main.ts').replace(/npm run example -- \d\d/g, 'npm start')
  const policy = /'\.\/(support\/[\w-]+\.yaml)'/.exec(main)?.[1]
  if (policy !== undefined) {
    main = main.replace(`./${policy}`, './policy.yaml')
    files.set('policy.yaml', readFileSync(join(folder, policy), 'utf8'))
  }
  return files.set('main.ts', main)
}

/** The versions of ours for what the files import. */
function packages(files, manifest) {
  const { devDependencies: versions, optionalDependencies, overrides } = manifest
  const text = [...files.values()].join('\n')
  const named = [...text.matchAll(/(?:from |require\()'((?:@[\w-]+\/)?[\w-]+)[/']/g)]
  const imported = [...new Set(named.map(([, name]) => name))].filter((name) => name in versions)
  const langChain = imported.includes('langchain') ? withLangChain : []
  const dependencies = pick([...always, ...langChain, ...imported], versions)
  const forced = Object.keys(overrides).filter(
    (name) => name in dependencies || langChain.length > 0,
  )
  return {
    dependencies,
    devDependencies: pick(development, versions),
    optionalDependencies,
    overrides: Object.fromEntries(
      forced.map((name) => [name, name in dependencies ? `$${name}` : versions[name]]),
    ),
  }
}

function pick(names, versions) {
  return Object.fromEntries([...new Set(names)].sort().map((name) => [name, versions[name]]))
}
