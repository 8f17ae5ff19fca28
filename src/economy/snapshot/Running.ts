/**
 * @module Running: the runs of an agent's machine as a section, and back. A run is where its last transition
 * stands in the log; what that says is read from there.
 */
import type * as Runs from '../Runs.ts'
import * as Archive from './Archive.ts'
import * as Source from './Source.ts'
import * as Table from './Table.ts'

const layout = { key: 32, leaf: 4 } as const

/** The section of an agent's runs. */
export function encode(runs: Runs.Runs): Source.Section[] {
  const table = Table.write(layout)
  Archive.each(runs, { row: table.copy, entry: (key, { leaf }) => table.add({ key, leaf }) })
  return [{ name: 'runs', bytes: table.bytes() }]
}

/** The runs again. Throws `InputError` for what no state has. */
export function decode(source: Source.Source): Runs.Runs {
  const table = Table.read(layout, Source.section(source, 'runs'))
  return Archive.open({
    ...Table.keyed(table, 'key'),
    make(row): Runs.Run {
      const leaf = table.number(row, 'leaf')
      const moved = Source.lazily(() => Source.event(source, leaf, 'moved').event)
      return {
        get moved() {
          return moved()
        },
        leaf,
      }
    },
  })
}
