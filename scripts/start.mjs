/**
 * @module `npm start`: installs and builds what is missing, then becomes the command line's `start`. The
 * command runs in this very process, so signals and exit code are its own.
 */
import process from 'node:process'
import { pathToFileURL } from 'node:url'
import { ensureBuilt, ensureInstalled, root } from './setup.mjs'

ensureInstalled()
ensureBuilt()

const main = pathToFileURL(`${root}/dist/cli/main.js`)
process.argv = [process.execPath, `${root}dist/cli/main.js`, 'start', ...process.argv.slice(2)]
await import(main.href)
