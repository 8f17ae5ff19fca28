/** @module The product's name, in one place: domains, folders and user agents are built from it. */

/** Lower-case name: the package, the command, the signing domain. */
export const name = 'requite'

/** The folder in which processes keep keys, journals and documents. */
export const home = `.${name}`
