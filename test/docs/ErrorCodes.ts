/**
 * @module The codes a source can fail or refuse with, read from its syntax tree: values and types of
 * members called `code`, and what is passed for a parameter of that name.
 */
import type { Node, Source } from '../tidy/Source.ts'
import * as Tree from '../tidy/Source.ts'

/** Exact codes, and patterns of those that are put together when they are needed. */
export type Codes = { readonly exact: readonly string[]; readonly made: readonly RegExp[] }

/** The codes of sources. */
export function of(sources: readonly Source[]): Codes {
  const exact = new Set<string>()
  const made: RegExp[] = []
  for (const source of sources) {
    const places = parameters(source)
    const aliases = unions(source)
    const take = (value: unknown): void => {
      for (const found of texts(value as Node | undefined, aliases))
        if (typeof found !== 'string') made.push(found)
        else if (/^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(found)) exact.add(found)
    }
    Tree.walk(source.program, (node) => {
      if (isCode(node.key)) take(node.value ?? node.typeAnnotation)
      if (isCode(node.id)) take(node.init)
      if (node.type === 'AssignmentPattern' && isCode(node.left)) take(node.right)
      if (node.type === 'CallExpression') take(passed(node, places))
      if (node.type === 'Literal') for (const code of written(node.value)) exact.add(code)
    })
  }
  return { exact: [...exact].sort(), made }
}

function isCode(value: unknown): boolean {
  const node = value as { type?: string; name?: unknown } | null | undefined
  return node?.type === 'Identifier' && node.name === 'code'
}

/** For each function of a file the place of its parameter `code`. */
function parameters(source: Source): ReadonlyMap<string, number> {
  const places = new Map<string, number>()
  Tree.walk(source.program, (node) => {
    if (node.type !== 'FunctionDeclaration') return
    const place = (node.params as Node[]).findIndex(isCode)
    if (place >= 0) places.set((node.id as unknown as { name: string }).name, place)
  })
  return places
}

function passed(node: Node, places: ReadonlyMap<string, number>): unknown {
  const { name } = node.callee as { name?: string }
  const place = name === undefined ? undefined : places.get(name)
  return place === undefined ? undefined : (node.arguments as unknown[])[place]
}

/** Types that have a name. */
function unions(source: Source): ReadonlyMap<string, Node> {
  const found = new Map<string, Node>()
  Tree.walk(source.program, (node) => {
    if (node.type === 'TSTypeAliasDeclaration')
      found.set((node.id as unknown as { name: string }).name, node.typeAnnotation as Node)
  })
  return found
}

/** The texts that an expression or a type can be; nothing for what is only known when it runs. */
function texts(node: Node | undefined, aliases: ReadonlyMap<string, Node>): (string | RegExp)[] {
  const below = (...names: string[]) => names.flatMap((name) => texts(node![name] as Node, aliases))
  switch (node?.type) {
    case 'Literal':
      return typeof node.value === 'string' ? [node.value] : []
    case 'ConditionalExpression':
      return below('consequent', 'alternate')
    case 'LogicalExpression':
      return below('left', 'right')
    case 'TSTypeAnnotation':
      return below('typeAnnotation')
    case 'TSLiteralType':
      return below('literal')
    case 'TSUnionType':
      return (node.types as Node[]).flatMap((type) => texts(type, aliases))
    case 'TSTypeReference':
      return texts(aliases.get((node.typeName as { name?: string }).name ?? ''), aliases)
    case 'CallExpression':
      return isLiteralSchema(node) ? texts((node.arguments as Node[])[0], aliases) : []
    case 'TemplateLiteral': {
      const quasis = node.quasis as unknown as { value: { cooked: string } }[]
      return [new RegExp(`^${quasis.map(({ value }) => value.cooked).join('[a-z-]+')}$`)]
    }
    default:
      return []
  }
}

function isLiteralSchema(node: Node): boolean {
  const { property } = node.callee as { property?: { name?: string } }
  return property?.name === 'literal'
}

/** Codes inside JSON that stands in a text. */
function written(value: unknown): string[] {
  if (typeof value !== 'string') return []
  return [...value.matchAll(/"code":"([a-z-]+)"/g)].map(([, code]) => code!)
}
