/**
 * @module A rule of the house that a machine can see. It says in one sentence what it wants, finds what
 * breaks it, counts what it looked at, and carries examples of bad code: a rule that accepts its own
 * examples does not work.
 */
import * as Source from './Source.ts'

/** What a rule found. */
export type Finding = {
  /** How many things of the kind were looked at. */
  readonly seen: number
  /** `src/x/Y.ts:12 what is wrong`. */
  readonly wrong: readonly string[]
}

/** One rule. */
export type Rule = {
  readonly says: string
  readonly find: (sources: readonly Source.Source[]) => Finding
  /** Files that break the rule: path → text. */
  readonly bad: Readonly<Record<string, string>>
}

type See = { saw: () => void; wrong: (where: string, what: string) => void }

/** A rule's `find` from a look at each source. */
export function each(look: (source: Source.Source, see: See) => void, all?: 'tests too') {
  return (sources: readonly Source.Source[]): Finding => {
    let seen = 0
    const wrong: string[] = []
    const see: See = {
      saw: () => {
        seen++
      },
      wrong: (where, what) => wrong.push(`${where} ${what}`),
    }
    for (const source of sources) if (all !== undefined || !source.isTest) look(source, see)
    return { seen, wrong }
  }
}

/** A rule's `find` from a look at each node of each source. */
export function eachNode(
  look: (source: Source.Source, node: Source.Node, above: readonly Source.Node[], see: See) => void,
) {
  return each((source, see) => {
    Source.walk(source.program, (node, above) => look(source, node, above, see))
  })
}

/** The name an identifier carries, or nothing. */
export function nameOf(node: unknown): string {
  return String((node as { name?: unknown } | undefined)?.name ?? '')
}
