/** @module Serves an app on loopback and stops it again. */
import { serve as serveFetch } from '@hono/node-server'
import { getConnInfo } from '@hono/node-server/conninfo'
import { BaseError } from '../kernel/Errors.ts'
import * as App from './App.ts'
import type * as Node from './Node.ts'
import * as Settlement from './Settlement.ts'

/** A listening node. */
export type Listening = { readonly baseUrl: string; close(): Promise<void> }

/** Answers a request. */
export type Fetch = Parameters<typeof serveFetch>[0]['fetch']

/**
 * Serves a node on 127.0.0.1, and tends what is open while it does; port 0 takes any that is free. Throws
 * `port-taken`.
 */
export async function listen(
  node: Node.Node,
  port: number,
  options: Parameters<typeof Settlement.tend>[1] = {},
): Promise<Listening> {
  const address = (context: Parameters<typeof getConnInfo>[0]) =>
    getConnInfo(context).remote.address ?? 'unknown'
  const { baseUrl, close } = await serve(App.create(node, { address }).fetch, port)
  const rest = Settlement.tend(node, options)
  return {
    baseUrl,
    close() {
      rest()
      return close()
    },
  }
}

/** Who asks: for rate limits. */
export function address(context: Parameters<typeof getConnInfo>[0]): string {
  return getConnInfo(context).remote.address ?? 'unknown'
}

/** Serves anything that answers requests, as {@link listen} does a node. */
export function serve(fetch: Fetch, port: number): Promise<Listening> {
  const answer: Fetch = async (request, env) => atOnce(await fetch(request, env))
  return new Promise((resolve, reject) => {
    const server = serveFetch({ fetch: answer, port, hostname: '127.0.0.1' }, (info) =>
      resolve({
        baseUrl: `http://127.0.0.1:${info.port}`,
        close: () =>
          new Promise((done) => {
            server.close(() => done())
            if ('closeAllConnections' in server) server.closeAllConnections()
          }),
      }),
    )
    server.once('error', (cause: NodeJS.ErrnoException) =>
      reject(cause.code === 'EADDRINUSE' ? taken(port, cause) : cause),
    )
  })
}

/** Bodies of unsaid encoding are held back by the adapter for a turn, which may be a long one. */
function atOnce(answered: unknown): unknown {
  if (!(answered instanceof Response)) return answered
  const { headers } = answered
  if (headers.get('content-type')?.startsWith('text/event-stream'))
    headers.set('transfer-encoding', 'chunked')
  return answered
}

function taken(port: number, cause: unknown): BaseError {
  return new BaseError(`port ${port} is taken`, {
    code: 'port-taken',
    hint: 'stop what listens there, or choose another: --port 0 takes any that is free',
    cause,
  })
}
