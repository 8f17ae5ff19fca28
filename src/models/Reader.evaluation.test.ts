/**
 * @module The reader's evaluation: questions, the packages that are a right answer, how many are found.
 * `tuned` was looked at while the reader was written (27 of 28 first). `keptBack` is three sets of 22, 24
 * and 28, each written before its result was seen. Seen for the first time they gave 16, 16 and 21 first
 * and 18, 18 and 22 among three: 53 and 58 of 74, the honest figure. Other weights, tried on the first two
 * afterwards, did no better and were dropped; two faults that the sets showed were mended (`-ise` endings,
 * “a CLI” taken for a package's name), so what they give now is no longer blind. `ajv` was installed later, and
 * is as right an answer as what was there.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import * as Tokenizer from '../attribution/spans/Tokenizer.ts'
import type * as Engine from './Engine.ts'
import * as Reader from './Reader.ts'

/** A question and every package whose documentation is a right first answer. */
type Question = readonly [question: string, ...right: string[]]

const tuned: readonly Question[] = [
  ['How do I validate an email with zod?', 'zod'],
  ['How can I watch for new blocks on Ethereum from TypeScript using viem?', 'viem'],
  ['What is an actor in xstate and how do I start one?', 'xstate'],
  ['How do I define a route that returns JSON in hono?', 'hono'],
  ['How do I serve a Hono app on Node.js?', '@hono/node-server'],
  ['How can I write a property-based test that shrinks failing inputs?', 'fast-check'],
  ['How do I turn a YAML file into a JavaScript object while keeping the comments?', 'yaml'],
  ['Which package lets me run SQLite queries synchronously?', 'libsql'],
  ['How do I declare a sub command with citty?', 'citty'],
  [
    'What is the smallest way to print green text in the terminal?',
    'picocolors',
    'chalk',
    '@colors/colors',
    'tinyrainbow',
  ],
  ['How do I draw a table with column spans in the terminal?', 'cli-table3'],
  [
    'How do I build an agent with LangChain?',
    'langchain',
    '@langchain/core',
    '@langchain/langgraph',
  ],
  ['How do I compute a keccak digest in plain JavaScript?', '@noble/hashes', 'js-sha3'],
  ['How does a client pay for a 402 response?', '@x402/core', '@x402/evm'],
  ['How do I tell whether a version satisfies a range?', 'semver'],
  ['I need short random ids that are safe in URLs', 'nanoid'],
  ['How can I open a WebSocket server and broadcast a message to all clients?', 'ws'],
  ['How do I add an option that takes a list of values to my commander program?', 'commander'],
  ['How do I turn markdown into HTML?', 'marked'],
  ['How do I run promises with limited concurrency?', 'p-queue'],
  ['How can I retry a failed async function with exponential backoff?', 'p-retry'],
  ['How do I create a temporary file that is deleted when the process exits?', 'tmp'],
  ['How can I gzip data in the browser?', 'fflate'],
  ['How do I keep only the 500 most recently used items in memory?', 'lru-cache'],
  ['How do I find unused files and dependencies in my project?', 'knip'],
  [
    'How can I check that the types of my package resolve for ESM and CommonJS consumers?',
    '@arethetypeswrong/cli',
    '@arethetypeswrong/core',
  ],
  ['How do I generate a mnemonic phrase for a wallet?', '@scure/bip39'],
  ['How do I strip comments from JSON?', 'strip-json-comments'],
]

const keptBack: readonly Question[] = [
  ['Which dependency counts how many tokens a prompt has for GPT models?', 'js-tiktoken'],
  ['How do I match file paths against glob patterns?', 'picomatch', 'tinyglobby'],
  ['How do I encode bytes as base58?', '@scure/base'],
  ['How can I measure which of two functions is faster?', 'tinybench'],
  ['Which of my dependencies validates JSON schemas?', '@cfworker/json-schema', 'ajv'],
  ['How do I edit a string of code and still get a source map?', 'magic-string'],
  ['Something keeps my Node process alive, how do I find out what?', 'why-is-node-running'],
  ['How do I compile a Solidity contract from JavaScript?', 'solc'],
  ['How can I sign a message with secp256k1?', '@noble/curves'],
  ['How do I read a TOML file?', 'smol-toml'],
  ['How do I format source code with Biome?', '@biomejs/biome'],
  ['How do I assert that two TypeScript types are equal?', 'expect-type'],
  ['How do I trace my LLM calls?', 'langsmith'],
  [
    'How do I write an ERC20 token by inheriting from audited contracts?',
    '@openzeppelin/contracts',
  ],
  ['How do I crawl a directory tree as fast as possible?', 'fdir'],
  ['How do I find out whether a project uses npm, yarn or pnpm?', 'package-manager-detector'],
  ['Which library renders logic-less templates?', 'mustache'],
  [
    'How do I persist the state of a graph between runs?',
    '@langchain/langgraph-checkpoint',
    '@langchain/langgraph',
  ],
  ['How do I encrypt data with AES-GCM?', '@noble/ciphers'],
  ['How do I break long lines of coloured terminal text at 80 columns?', 'wrap-ansi'],
  ['How do I highlight the syntax of a code block on a web page?', 'highlight.js'],
  ['How do I run a TypeScript file directly in Node?', 'tsx', 'jiti'],
  ['How do I serialise JSON deterministically so that I can hash it?', 'canonicalize'],
  ['How do I measure how many columns a string takes up in the terminal?', 'string-width'],
  ['How can I give up on a promise that takes too long?', 'p-timeout'],
  ['How do I convert RGB to HSL?', 'color-convert'],
  ['How do I check whether my program runs in CI?', 'std-env'],
  ['How do I parse command line flags with yargs?', 'yargs', 'yargs-parser'],
  ['How do I parse HTML the way browsers do?', 'parse5'],
  [
    'Which package finds the nearest file by walking up parent directories?',
    'escalade',
    'walk-up-path',
  ],
  ['How do I list the exports of an ES module without executing it?', 'es-module-lexer'],
  ['How do I spawn a child process and read its output?', 'tinyexec'],
  ['How do I infer TypeScript types from a contract ABI?', 'abitype', 'viem'],
  ['How do I parse a bash script into a syntax tree?', 'unbash'],
  ['How do I minify CSS?', 'lightningcss'],
  ['Is a given name allowed as an npm package name?', 'validate-npm-package-name'],
  [
    'How do I print a clickable link in the terminal if it is supported?',
    'supports-hyperlinks',
    'ansi-escapes',
  ],
  ['How do I get the emoji for a name such as heart?', 'node-emoji', 'emojilib'],
  ['How do I generate reproducible random numbers from a seed?', 'pure-rand'],
  ['How do I make HTTP requests that follow redirects?', 'follow-redirects'],
  ['How do I read the compiler options of a tsconfig.json, following extends?', 'get-tsconfig'],
  ['How do I parse JavaScript into an AST at native speed?', 'oxc-parser'],
  ['How do I check whether a value is a plain object, a promise or a date?', '@sindresorhus/is'],
  ['How do I write BDD style assertions with chai?', 'chai'],
  ['How do I normalise an ENS name?', '@adraffy/ens-normalize'],
  ['How do I copy the properties of several objects into one in old engines?', 'object-assign'],
  ['How do I remove escape codes from a string?', 'strip-ansi'],
  ['How do I find out whether the terminal shows colours?', 'supports-color'],
  ['How do I move the cursor and clear the screen?', 'ansi-escapes'],
  ['How do I decode a base64 string into bytes?', 'base64-js', '@scure/base'],
  ['How do I attach an inline source map comment to a generated file?', 'convert-source-map'],
  ['Am I running on glibc or musl?', 'detect-libc'],
  ['How do I match every emoji with a regular expression?', 'emoji-regex'],
  ['How do I walk the nodes of an ESTree AST and replace some?', 'estree-walker'],
  ["How do I emit and listen to events faster than with Node's EventEmitter?", 'eventemitter3'],
  [
    'How do I tell a fetch that failed because of the network from other errors?',
    'is-network-error',
  ],
  ['How do I import TypeScript files at run time without compiling?', 'jiti', 'tsx'],
  ['How do I turn a callback function into a promise?', 'thenify', 'thenify-all', 'mz'],
  ['How do I join paths with forward slashes on every platform?', 'pathe'],
  ['How do I load all modules of a folder recursively?', 'require-directory'],
  ['Is a command such as git available on this machine?', 'command-exists'],
  ['How do I lay out several columns of text in a CLI?', 'cliui'],
  ['How do I render markdown in the terminal?', 'marked-terminal'],
  ['How do I translate the messages of my program into other languages?', 'y18n'],
  ['How do I derive child keys of an HD wallet?', '@scure/bip32'],
  ['How do I build a small CLI with subcommands using sade?', 'sade'],
  ['How do I check whether my published package has problems?', 'publint'],
  ['How do I write debug messages under a namespace?', 'obug'],
  ['How do I bundle JavaScript with a Rust bundler compatible with Rollup?', 'rolldown'],
  ['How do I run unit tests with vitest?', 'vitest'],
  ['How do I orchestrate an agent with LangGraph?', '@langchain/langgraph'],
  ['How do I send a transaction with viem?', 'viem'],
  ['How do I limit how many jobs run at once, some before others?', 'p-queue'],
  ['How do I write a state machine with a timer?', 'xstate'],
]

/** Nothing in the documentation of packages answers these. */
const foreign: readonly string[] = [
  'What is the capital of France?',
  'Who won the football world cup in 1998?',
  'Give me a recipe for pancakes with blueberries',
  'How tall is Mount Everest?',
  'Write a poem about the sea',
  'What should I wear to a wedding in autumn?',
  'Should I buy Tesla stock today?',
]

// The evaluation runs on the documentation of the packages that this project really has installed.
const root = join(process.cwd(), 'node_modules')
const own = {
  owner: `0x${'ab'.repeat(20)}`,
  path: 'README.md',
  text: '# Requite\n\nRequite is a framework for agents that pay for what they use and earn by it.',
}
const installed = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((path) => /(?:\.md|\.markdown)$/i.test(path))
  .filter((path) => !/(?:^|\/)(?:change|history|licen[sc]e|third|notice)[^/]*$/i.test(path))
  .sort()
  .map((path) => {
    const inside = path.split('node_modules/').at(-1)!
    const name = /^(?:@[^/]+\/)?[^/]+/.exec(inside)![0]
    return { owner: `npm:${name}`, path, text: readFileSync(join(root, path), 'utf8') }
  })
const documents = [own, ...installed].map((one, seq) => ({ seq, ...one }))
const card: Engine.ModelCard = {
  v: 1,
  model: 'docs-reader',
  kind: 'extractive',
  tokenizer: Tokenizer.version,
  stdUsPerTokenIn: 1,
  stdUsPerTokenCached: 1,
  stdUsPerTokenOut: 1,
  maxTokensIn: 2_000,
  maxTokensOut: 1_000,
  lineagePpb: '0',
  datanet: 'docs',
}
const options = { documents, card, countTokens: Tokenizer.count }
const reader = Reader.open(options)

async function ask(content: string, maxTokensOut = 500): Promise<Engine.Answer> {
  const answer = await reader.answer({ messages: [{ role: 'user', content }], maxTokensOut })
  if (answer.kind === 'refused') throw new Error(answer.because)
  return answer
}

function score(questions: readonly Question[]) {
  const places = questions.map(([question, ...right]) =>
    reader.rank(question).findIndex((one) => right.includes(one.package)),
  )
  return {
    asked: questions.length,
    first: places.filter((place) => place === 0).length,
    amongThree: places.filter((place) => place >= 0 && place < 3).length,
  }
}

describe(`the reader on ${documents.length} documents`, () => {
  test('every package that is a right answer is installed', () => {
    const names = new Set(documents.map(({ owner }) => owner.replace(/^npm:/, '')))
    for (const [, ...right] of [...tuned, ...keptBack])
      expect(right.filter((one) => names.has(one))).not.toEqual([])
    expect(documents.length).toBeGreaterThan(150)
  })

  test('finds the right package first, on the questions it was tuned with', () => {
    const { asked, first, amongThree } = score(tuned)
    expect(asked).toBe(28)
    expect(first).toBeGreaterThanOrEqual(25)
    expect(amongThree).toBeGreaterThanOrEqual(26)
  })

  test('finds it less often on the questions kept back: blind 53 and 58 of 74', () => {
    const { asked, first, amongThree } = score(keptBack)
    expect(asked).toBe(74)
    expect(first).toBeGreaterThanOrEqual(49)
    expect(amongThree).toBeGreaterThanOrEqual(54)
  })

  test('every answer is word for word, useful in size and within the limit', async () => {
    const sizes: number[] = []
    for (const [question] of [...tuned, ...keptBack]) {
      const { text, citations, usage, finish } = await ask(question)
      expect(usage.tokensOut).toBeLessThanOrEqual(500)
      if (text === Reader.nothingFits) continue
      sizes.push(usage.tokensOut)
      let ownWords = ''
      let last = 0
      for (const { docSeq, start, end, offset } of citations) {
        expect(text.slice(start, end)).toBe(
          documents[docSeq]!.text.slice(offset, offset + end - start),
        )
        expect(text).toContain(documents[docSeq]!.path)
        ownWords += text.slice(last, start)
        last = end
      }
      expect(ownWords + text.slice(last)).toMatch(
        /^(?:\s|\[\d\])*Sources, quoted word for word:(?:\n\[\d\] \S+)+$/,
      )
      expect(citations.length).toBeLessThanOrEqual(3)
      const fences = text.match(/^\s*(?:```|~~~)/gm)?.length ?? 0
      if (finish === 'stop') expect(fences % 2).toBe(0)
    }
    expect(sizes.length).toBeGreaterThanOrEqual(95)
    const median = sizes.sort((left, right) => left - right)[sizes.length >> 1]!
    expect(median).toBeGreaterThan(80)
    expect(median).toBeLessThan(450)
  })

  test('this project is answered from its own README', async () => {
    for (const question of ['What is this project?', 'What is Requite?', 'what does requite do'])
      expect((await ask(question)).text).toContain(own.text)
  })

  test('what no package is about is answered with nothing', async () => {
    for (const question of foreign) expect((await ask(question)).text).toBe(Reader.nothingFits)
  })

  test('an answer costs a small part of building the index', async () => {
    const buildMs = Math.min(...[1, 2, 3].map(() => timed(() => Reader.open(options))))
    const startedMs = performance.now()
    for (const [question] of keptBack) await ask(question)
    const answerMs = (performance.now() - startedMs) / keptBack.length
    expect(buildMs).toBeLessThan(3_000)
    expect(buildMs / answerMs).toBeGreaterThan(10)
    console.log({ buildMs, answerMs, tuned: score(tuned), keptBack: score(keptBack) })
  })
})

function timed(call: () => unknown): number {
  const startedMs = performance.now()
  call()
  return performance.now() - startedMs
}
