/** @module The seller's side: a node that quotes, answers for payment, settles and pays royalties out. */

export * as App from './App.ts'
export * as Node from './Node.ts'
