/**
 * @module Configuration: `requite.config.json` (or `.mjs`) in the working folder, then the environment,
 * then flags, the later the stronger. Every error names the place and what was expected there.
 */
import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { BaseError, InputError } from '../kernel/Errors.ts'
import { name } from '../kernel/Name.ts'
import * as Schema from './Config.schema.ts'

export type { Config } from './Config.schema.ts'

/** What flags can set; undefined where a flag was not given. */
export type Flags = {
  readonly home?: string | undefined
  readonly policy?: string | undefined
  readonly shadow?: string | undefined
  readonly port?: string | undefined
}

/** Loads the configuration. Throws `InputError` (`bad-config`) with source, path and what was expected. */
export async function load(
  flags: Flags = {},
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Promise<Schema.Config> {
  const { source, value } = await fromFile()
  const sources = new Map<PropertyKey, string>()
  const merged: Record<string, unknown> = { ...value }
  for (const key of ['home', 'policy', 'shadow', 'port'] as const) {
    const variable = `${name.toUpperCase()}_${key.toUpperCase()}`
    const given = flags[key] ?? environment[variable]
    if (given === undefined) continue
    merged[key] = key === 'port' ? wholeNumber(given) : given
    sources.set(key, flags[key] === undefined ? variable : `--${key}`)
  }
  const result = Schema.config.safeParse(merged)
  if (result.success) return result.data
  const { path, message } = result.error.issues[0]!
  const place = sources.get(path[0] ?? '') ?? `${source}: ${path.join('.') || 'top level'}`
  throw new InputError(`${place}: ${message}`, { code: 'bad-config' })
}

async function fromFile(): Promise<{ source: string; value: object }> {
  for (const extension of ['json', 'mjs']) {
    const file = resolve(`${name}.config.${extension}`)
    if (!existsSync(file)) continue
    const value = await read(file, extension)
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return { source: file, value }
    throw new InputError(`${file}: expected an object of settings`, { code: 'bad-config' })
  }
  return { source: 'configuration', value: {} }
}

async function read(file: string, extension: string): Promise<unknown> {
  try {
    if (extension === 'json') return JSON.parse(readFileSync(file, 'utf8'))
    return ((await import(pathToFileURL(file).href)) as { default?: unknown }).default
  } catch (cause) {
    throw new BaseError(`${file} cannot be loaded: ${(cause as Error).message}`, {
      code: 'bad-config',
      cause,
    })
  }
}

/** What is not a number stays as it is, for the schema to refuse by name. */
function wholeNumber(text: string): number | string {
  return /^\d{1,9}$/.test(text) ? Number(text) : text
}
