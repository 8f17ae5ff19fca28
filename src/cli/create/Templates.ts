/** @module Templates: what `requite create` can begin a project with, as the build laid it beside the program. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { BaseError } from '../../kernel/Errors.ts'

const versions = z.record(z.string(), z.string())

const index = z.array(
  z.strictObject({
    name: z.string(),
    /** What it is, in a few words. */
    says: z.string(),
    /** What to change first. */
    change: z.string(),
    files: z.array(z.string()),
    dependencies: versions,
    devDependencies: versions,
    optionalDependencies: versions,
    overrides: versions,
  }),
)

/** A template: its files and the versions of the packages that it was tested with. */
export type Template = z.infer<typeof index>[number]

/** Every template. Throws `templates-missing` when the program was never built. */
export function list(): readonly Template[] {
  return index.parse(JSON.parse(readFileSync(join(folder(), 'index.json'), 'utf8')))
}

/** The text of a template's file. */
export function read(template: Template, path: string): string {
  return readFileSync(join(folder(), template.name, path), 'utf8')
}

/** Beside the built program; of one that runs from its sources, where the last build put them. */
function folder(): string {
  const places = ['../../templates', '../../../dist/templates'].map((path) =>
    fileURLToPath(new URL(path, import.meta.url)),
  )
  const found = places.find((place) => existsSync(join(place, 'index.json')))
  if (found !== undefined) return found
  throw new BaseError('expected templates beside the program, found none', {
    code: 'templates-missing',
    hint: '`npm run build` makes them',
  })
}
