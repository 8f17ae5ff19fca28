/** @module `npm run build`: compiles `src` into `dist`, whether or not it seems to be there. */
import { ensureBuilt, ensureInstalled } from './setup.mjs'

ensureInstalled()
ensureBuilt({ force: true })
