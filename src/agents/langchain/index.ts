/** @module The buyer's side for LangChain: a chat model that is paid for, middleware that makes agents pay. */

export {
  type Bought,
  type CallOptions,
  ChatRequite,
  type Fields,
  type Metadata,
} from './ChatRequite.ts'
export { payable, type State } from './Payable.ts'
