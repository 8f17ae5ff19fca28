/** @module The package's doors: the subpaths of its manifest, and what a plain Node loads behind each. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../tidy/Source.ts'

/** The repository's manifest, as far as doors go. */
export const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  readonly name: string
  readonly version: string
  readonly exports: Readonly<Record<string, unknown>>
  readonly dependencies: Readonly<Record<string, string>>
  readonly peerDependencies: Readonly<Record<string, string>>
  readonly peerDependenciesMeta: Readonly<Record<string, { readonly optional: boolean }>>
  readonly devDependencies: Readonly<Record<string, string>>
}

/** `requite`, `requite/kernel`, … */
export const doors: readonly string[] = Object.keys(manifest.exports)
  .filter((subpath) => subpath !== './package.json')
  .map((subpath) => join(manifest.name, subpath))

// The loader's hook runs in a thread of its own, hence the descriptor instead of console.log.
const hook = `data:text/javascript,${encodeURIComponent(`
  import { writeSync } from 'node:fs'
  export async function load(url, context, next) {
    if (url.startsWith('file:')) writeSync(2, 'loaded ' + url + '\\n')
    return next(url, context)
  }
`)}`

/** Every file a plain Node (no conditions, no loaders) loads when `folder` imports a door. */
export function loaded(door: string, folder: string): string[] {
  const program = `
    import { register } from 'node:module'
    register(${JSON.stringify(hook)})
    await import(${JSON.stringify(door)})
    const { createRequire } = await import('node:module')
    for (const file of Object.keys(createRequire(import.meta.url).cache))
      process.stderr.write('loaded file://' + file + '\\n')
  `
  const output = run(folder, ['--input-type=module', '--eval', program])
  return [...output.matchAll(/^loaded file:\/\/(.*)$/gm)].map(([, path]) => path!)
}

/** The libraries of the manifest among loaded files; what those load themselves is left out. */
export function libraries(files: readonly string[]): string[] {
  const ours = new Set(
    [manifest.dependencies, manifest.peerDependencies].flatMap((each) => Object.keys(each)),
  )
  const names = files.map((path) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? '')
  return [...new Set(names)].filter((name) => ours.has(name)).sort()
}

/** Runs Node in a folder; what it wrote on both streams. Throws, with that, unless it ends well. */
export function run(folder: string, args: readonly string[]): string {
  const { PATH, HOME } = process.env
  const result = spawnSync(process.execPath, [...args], {
    cwd: folder,
    env: { PATH, HOME, NO_COLOR: '1' },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 60_000,
    maxBuffer: 64 * 1024 * 1024,
  })
  const output = `${result.stdout}${result.stderr}`
  if (result.status !== 0)
    throw new Error(`node ${args[0]} ended with ${result.status ?? result.signal}:\n${output}`)
  return output
}
