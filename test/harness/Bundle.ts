/**
 * @module Programs made one file each from the sources as they stand, with the compiler that tsx brings: a
 * process that is started to be killed is up in an eighth of the time (measured: user time of
 * `node buyer.mjs` against `node --import tsx buyer.ts`).
 */
import { createRequire } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'

type Build = {
  onResolve(
    options: { readonly filter: RegExp },
    resolve: (asked: { readonly path: string }) => { path: string; external: true },
  ): void
}

type Compiler = { build(options: { readonly [key: string]: unknown }): Promise<unknown> }

const require = createRequire(import.meta.url)

/** Makes each program into `folder`, under its own name with `.mjs`. */
export async function make(programs: readonly URL[], folder: string): Promise<void> {
  const compiler = createRequire(require.resolve('tsx/package.json'))('esbuild') as Compiler
  await compiler.build({
    entryPoints: programs.map((program) => fileURLToPath(program)),
    ...{ outdir: folder, outExtension: { '.js': '.mjs' }, bundle: true },
    ...{ format: 'esm', platform: 'node', target: 'node20', conditions: ['source'] },
    logLevel: 'warning',
    banner: {
      js: "import{createRequire as ofNode}from'node:module';const require=ofNode(import.meta.url);",
    },
    plugins: [{ name: 'native', setup: leaveNative }],
  })
}

/** What is no JavaScript stays where it is. */
function leaveNative(build: Build): void {
  build.onResolve({ filter: /^libsql$/ }, ({ path }) => ({
    path: pathToFileURL(require.resolve(path)).href,
    external: true,
  }))
}
