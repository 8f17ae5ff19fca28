/** @module The buyer's side for LangChain: a chat model that is paid for, middleware that makes agents pay. */

export {
  type Bought,
  type CallOptions,
  ChatRequite,
  type Fields,
  type Metadata,
} from './ChatRequite.ts'
export { type Declaration, paid, type Till } from './Paid.ts'
export { payable, type Review } from './Payable.ts'
export type { State } from './State.ts'
