/** @module Rules of shape and honesty: sizes, names, kinds of declaration, marks, skips, floats. */
import { basename } from 'node:path'
import * as Rule from './Rule.ts'
import * as Source from './Source.ts'

/** Files and what they declare. */
export const files: readonly Rule.Rule[] = [
  {
    says: 'a file has at most 400 lines',
    find: Rule.each((source, see) => {
      if (source.isGenerated) return
      see.saw()
      const lines = source.text.trimEnd().split('\n').length
      if (lines > 400) see.wrong(source.path, `has ${lines} lines`)
    }),
    bad: { 'src/kernel/Long.ts': 'export {}\n'.repeat(401) },
  },
  {
    // A function that keeps state for the functions it returns is our class: its methods count alone.
    says: 'a function has at most 70 lines, those of functions inside it not counted',
    find: Rule.eachNode((source, node, _, see) => {
      if (!isFunction(node) || source.isGenerated) return
      see.saw()
      const lines = ownLines(source, node)
      if (lines > 70) see.wrong(Source.place(source, node), `is a function of ${lines} lines`)
    }),
    bad: {
      'src/kernel/Long.ts': `export const f = () => {${'\n'.repeat(70)}}`,
      'src/kernel/Inner.ts': `export const g = () => {\nconst h = () => {${'\n'.repeat(70)}}\n}`,
    },
  },
  {
    says: 'no classes but errors, where a library wants one, and decisions, which are made by the million',
    find: Rule.eachNode((source, node, _, see) => {
      if (node.type !== 'ClassDeclaration' && node.type !== 'ClassExpression') return
      see.saw()
      const parent = Rule.nameOf(node.superClass)
      const named = (source.program.body as Source.Node[]).some(
        (statement) =>
          statement.type === 'ImportDeclaration' &&
          !(statement.source as { value: string }).value.startsWith('.') &&
          (statement.specifiers as Source.Node[]).some(
            (each) => Rule.nameOf(each.local) === parent,
          ),
      )
      const isDecision = source.path === 'src/policies/Trace.ts'
      if (!/Error$/.test(parent) && !named && !isDecision)
        see.wrong(Source.place(source, node), `is a class, ${Rule.nameOf(node.id)}`)
    }),
    bad: {
      'src/store/Journal.ts': 'export class Journal { constructor() {} }',
      'src/store/Local.ts': "import { Base } from './Base.ts'\nexport class A extends Base {}",
    },
  },
  {
    says: 'no default exports, no enums, no namespaces, types rather than interfaces',
    find: Rule.eachNode((source, node, _, see) => {
      if (node.type.startsWith('Export')) see.saw()
      const kinds =
        'ExportDefaultDeclaration TSEnumDeclaration TSModuleDeclaration TSInterfaceDeclaration'
      // A command is loaded when it is typed, and the loader takes what the file gives by default.
      if (node.type === 'ExportDefaultDeclaration' && source.path.startsWith('src/cli/commands/'))
        return
      if (kinds.split(' ').includes(node.type))
        see.wrong(Source.place(source, node), `is a ${node.type}`)
    }),
    bad: {
      'src/kernel/A.ts': 'export default 1',
      'src/kernel/B.ts': 'export enum Colour { red }',
      'src/kernel/C.ts': 'export namespace Money { export const a = 1 }',
      'src/kernel/D.ts': 'export interface Money { atoms: bigint }',
    },
  },
  {
    says: 'a file is called after its noun and opens with @module',
    find: Rule.each((source, see) => {
      see.saw()
      if (!/^\*\s(\*\s)?@module\s\S/.test(source.openingComment.replace(/\s+/g, ' ')))
        see.wrong(source.path, 'does not open with /** @module …')
      // A command's file is called after what a user types.
      if (source.path.startsWith('src/cli/commands/')) return
      const name = basename(source.path)
      const noun = /^[A-Z][A-Za-z0-9]*(\.(effects|schema))?\.ts$/
      if (!noun.test(name) && !/^(index|main|sha256\.(node|browser))\.ts$/.test(name))
        see.wrong(source.path, 'is not called after a noun in PascalCase')
    }),
    bad: {
      'src/kernel/Bare.ts': 'export const a = 1',
      'src/kernel/Late.ts': 'export const a = 1\n/** @module late */',
      'src/kernel/Line.ts': '// @module line\nexport const a = 1',
      'src/kernel/Empty.ts': '/** @module */\nexport const a = 1',
      'src/kernel/lower.ts': '/** @module lower */',
    },
  },
]

/** What must not be pretended. */
export const honesty: readonly Rule.Rule[] = [
  {
    says: 'nothing is left for later',
    find: Rule.each((source, see) => {
      see.saw()
      const marks = new RegExp(
        `\\b(${['TO', 'FIX', 'X'].map((a, i) => a + ['DO', 'ME', 'XX'][i]).join('|')})\\b`,
      )
      const mark = marks.exec(source.text)?.[0]
      if (mark !== undefined) see.wrong(source.path, `says ${mark}`)
    }, 'tests too'),
    bad: { 'src/kernel/Later.ts': `// ${'TO'}${'DO'}: sign it` },
  },
  {
    says: 'no test is skipped, focused or postponed',
    find: Rule.each((source, see) => {
      if (!source.path.endsWith('.test.ts')) return
      Source.walk(source.program, (node) => {
        if (node.type !== 'CallExpression') return
        const [subject, member] = chain(node.callee)
        if (!/^(test|it|describe|suite)$/.test(subject ?? '')) return
        see.saw()
        if (/^(skip|only|todo|skipIf|runIf|fails)$/.test(member ?? ''))
          see.wrong(Source.place(source, node), `calls ${subject}.${member}`)
      })
    }, 'tests too'),
    bad: {
      'src/kernel/A.test.ts': "test.skip('a', () => {})",
      'test/b.test.ts': "describe.only('a', () => {})",
      'test/c.test.ts': "test.skipIf(true)('a', () => {})",
      'test/d.test.ts': "it.only.each([1])('a', () => {})",
    },
  },
  {
    says: 'money is never a float',
    find: Rule.eachNode((source, node, _, see) => {
      if (node.type !== 'CallExpression' && node.type !== 'UnaryExpression') return
      see.saw()
      const what = float(source, node)
      if (what !== undefined) see.wrong(Source.place(source, node), what)
    }),
    bad: {
      'src/market/A.ts': 'export const price = (text: string) => parseFloat(text)',
      'src/wallets/B.ts': 'export const show = (value: number) => value.toFixed(2)',
      'src/cli/C.ts': 'export const price = (money: { atoms: bigint }) => Number(money.atoms)',
      'src/server/D.ts': 'export const price = (priceNano: string) => +priceNano',
      'src/royalties/E.ts': 'export const total = (a: bigint) => Number.parseFloat(String(a))',
    },
  },
]

function isFunction(node: Source.Node): boolean {
  return /^(Function|ArrowFunction)/.test(node.type)
}

/** Lines of a function without those that only functions inside it stand on. */
function ownLines(source: Source.Source, node: Source.Node): number {
  const inner = new Set<Source.Node>()
  Source.walk(node, (child, above) => {
    if (child !== node && isFunction(child) && !above.some((each) => inner.has(each)))
      inner.add(child)
  })
  const count = ({ start, end }: Source.Node) => source.text.slice(start, end).split('\n').length
  return [...inner].reduce((lines, child) => lines - (count(child) - 1), count(node))
}

/** What turns money into a float, if the node does. */
function float(source: Source.Source, node: Source.Node): string | undefined {
  const [subject, member] = chain(node.callee)
  const called = member ?? subject
  const inMoneyRoom = !/^(store|models|server|cli)$/.test(source.room ?? '')
  if (inMoneyRoom && (called === 'parseFloat' || called === 'toFixed')) return `calls ${called}`
  const converts =
    (node.type === 'UnaryExpression' && node.operator === '+') ||
    (node.type === 'CallExpression' && subject === 'Number' && member === undefined)
  const argument = (node.argument ?? (node.arguments as Source.Node[] | undefined)?.[0]) as
    | Source.Node
    | undefined
  if (!converts || argument === undefined) return undefined
  const text = source.text.slice(argument.start, argument.end)
  return /atoms|nano|amount|price/i.test(text) ? `makes a number of ${text}` : undefined
}

/** `test.skip.each` as its names. */
function chain(node: unknown): string[] {
  const at = node as Source.Node | undefined
  if (at?.type === 'MemberExpression') {
    const before = chain(at.object)
    return [...(before.length === 0 ? ['?'] : before), Rule.nameOf(at.property)]
  }
  if (at?.type === 'CallExpression') return chain(at.callee)
  return at?.type === 'Identifier' ? [String(at.name)] : []
}
