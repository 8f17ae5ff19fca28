/**
 * @module The children's programs, each made one file from the sources as they stand, with the compiler that
 * tsx brings: a process that is started to be killed is up in an eighth of the time (measured: user time of
 * `node buyer.mjs` against `node --import tsx buyer.ts`).
 */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

/** A program of this folder. */
export type Name = 'buyer' | 'seller'

type Build = {
  onResolve(
    options: { readonly filter: RegExp },
    resolve: (asked: { readonly path: string }) => { path: string; external: true },
  ): void
}

type Compiler = { build(options: { readonly [key: string]: unknown }): Promise<unknown> }

const require = createRequire(import.meta.url)

/** Makes the programs below `scratch`. */
export async function make(scratch: string): Promise<(name: Name) => string> {
  const compiler = createRequire(require.resolve('tsx/package.json'))('esbuild') as Compiler
  // A folder of their own two floors deep: what looks for the code's files finds these.
  const folder = join(scratch, 'programs', 'kill')
  await compiler.build({
    entryPoints: (['buyer', 'seller'] as const).map((name) =>
      fileURLToPath(new URL(`./${name}.ts`, import.meta.url)),
    ),
    ...{ outdir: folder, outExtension: { '.js': '.mjs' }, bundle: true },
    ...{ format: 'esm', platform: 'node', target: 'node20', conditions: ['source'] },
    logLevel: 'warning',
    banner: {
      js: "import{createRequire as ofNode}from'node:module';const require=ofNode(import.meta.url);",
    },
    plugins: [{ name: 'native', setup: leaveNative }],
  })
  return (name) => join(folder, `${name}.mjs`)
}

/** What is no JavaScript stays where it is. */
function leaveNative(build: Build): void {
  build.onResolve({ filter: /^libsql$/ }, ({ path }) => ({
    path: pathToFileURL(require.resolve(path)).href,
    external: true,
  }))
}
