/** @module SHA-256 in browsers: noble, synchronous. Chosen by the import condition `#sha256`. */
export { sha256 } from '@noble/hashes/sha2.js'
