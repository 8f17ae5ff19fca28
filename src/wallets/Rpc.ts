/**
 * @module One node's JSON-RPC: bounded in time, and every way it can fail named: `chain-unreachable`
 * (nobody answered), `chain-refused` (the node said no), `reverted` (a contract said no). Node URLs can
 * hold secrets, so no error repeats them.
 */
import {
  type Abi,
  createPublicClient,
  decodeErrorResult,
  decodeFunctionResult,
  encodeFunctionData,
  http,
  type BaseError as ViemError,
  type Hex as ViemHex,
} from 'viem'
import { BaseError } from '../kernel/Errors.ts'
import type { Hex } from '../kernel/Hex.ts'

/** A contract's function and what it is called with; `abi` is the usual JSON. */
export type Call = {
  readonly address: Hex
  readonly abi: readonly unknown[]
  readonly functionName: string
  readonly args?: readonly unknown[]
}

/** A node. Block numbers are hex quantities or tags. */
export type Rpc = {
  request(method: string, params: readonly unknown[]): Promise<unknown>
  /** What a view function returns, decoded; `at` a block, the latest unless told. */
  read(call: Call, at?: string): Promise<unknown>
}

/** Connects lazily: nothing is sent before the first request. */
export function open(options: { readonly rpcUrl: string; readonly timeoutMs?: number }): Rpc {
  const transport = http(options.rpcUrl, {
    timeout: options.timeoutMs ?? 10_000,
    retryCount: 1,
    retryDelay: 50,
  })
  const client = createPublicClient({ transport })
  const request = async (method: string, params: readonly unknown[]) => {
    try {
      return await client.request({ method, params } as never)
    } catch (error) {
      throw failure(error, method)
    }
  }
  return {
    request,
    async read(call, at = 'latest') {
      const named = { abi: call.abi as Abi, functionName: call.functionName }
      const to = call.address
      const data = encode(call)
      const answer = await request('eth_call', [{ to, data }, at]).catch((error: unknown) => {
        throw explain(error, call.abi)
      })
      try {
        return decodeFunctionResult({ ...named, data: answer as ViemHex })
      } catch (cause) {
        throw new BaseError(`expected what ${call.functionName} returns at ${to}, got ${answer}`, {
          code: answer === '0x' ? 'contract-missing' : 'chain-refused',
          hint: 'is the contract deployed on this chain?',
          facts: { address: to, functionName: call.functionName },
          cause,
        })
      }
    },
  }
}

/** Calldata of a call. */
export function encode(call: Call): Hex {
  const { functionName, args = [] } = call
  return encodeFunctionData({ abi: call.abi as Abi, functionName, args })
}

/** The same failure, with the contract's own name for its refusal where `abi` knows it. */
export function explain(error: unknown, abi: readonly unknown[]): unknown {
  if (!(error instanceof BaseError) || error.code !== 'reverted') return error
  const { data } = error.facts
  if (typeof data !== 'string' || data.length < 10) return error
  try {
    const { errorName, args = [] } = decodeErrorResult({ abi: abi as Abi, data: data as ViemHex })
    const reason = `${errorName}(${args.map(String).join(', ')})`
    return new BaseError(`the contract refused: ${reason}`, {
      code: 'reverted',
      facts: { ...error.facts, reason },
    })
  } catch {
    return error
  }
}

const unanswered = new Set([
  'HttpRequestError',
  'TimeoutError',
  'WebSocketRequestError',
  'SocketClosedError',
  'LimitExceededRpcError',
  'ResourceUnavailableRpcError',
])

function failure(error: unknown, method: string): BaseError {
  const steps = chain(error)
  if (steps.some((step) => unanswered.has((step as Error).name)) || steps.some(isNotJson))
    return new BaseError(`the chain's node did not answer ${method}`, {
      code: 'chain-unreachable',
      hint: 'check the RPC URL and that the node runs; nothing was lost',
      retry: method.startsWith('eth_send') ? 'unknown' : 'safe',
    })
  const details = String((steps[0] as Partial<ViemError>).details ?? 'no details').slice(0, 300)
  const data = steps.map(revertData).find((found) => found !== undefined)
  if (data !== undefined || /revert/i.test(details))
    return new BaseError(`the contract refused: ${details}`, {
      code: 'reverted',
      facts: { method, reason: details, ...(data === undefined ? {} : { data }) },
    })
  return new BaseError(`the chain's node refused ${method}: ${details}`, {
    code: 'chain-refused',
    facts: { method, details },
  })
}

function chain(error: unknown): unknown[] {
  const steps: unknown[] = []
  for (let step = error; step instanceof Error && steps.length < 10; step = step.cause)
    steps.push(step)
  return steps.length === 0 ? [new Error(String(error))] : steps
}

function isNotJson(step: unknown): boolean {
  return step instanceof SyntaxError
}

/** Where nodes put the data of a revert: `error.data`, on some one level deeper. */
function revertData(step: unknown): Hex | undefined {
  const { data } = step as { data?: unknown }
  if (typeof data === 'string' && /^0x[0-9a-fA-F]+$/.test(data)) return data as Hex
  if (typeof data === 'object' && data !== null && 'data' in data) return revertData(data)
  return undefined
}
