/** @module Serves an app on loopback and stops it again. */
import { serve } from '@hono/node-server'
import { getConnInfo } from '@hono/node-server/conninfo'
import { BaseError } from '../kernel/Errors.ts'
import * as App from './App.ts'
import type * as Node from './Node.ts'

/** A listening node. */
export type Listening = { readonly baseUrl: string; close(): Promise<void> }

/** Serves a node on 127.0.0.1; port 0 takes any that is free. Throws `port-taken`. */
export function listen(node: Node.Node, port: number): Promise<Listening> {
  const app = App.create(node, {
    address: (context) => getConnInfo(context).remote.address ?? 'unknown',
  })
  return new Promise((resolve, reject) => {
    const server = serve({ fetch: app.fetch, port, hostname: '127.0.0.1' }, (info) =>
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

function taken(port: number, cause: unknown): BaseError {
  return new BaseError(`port ${port} is taken`, {
    code: 'port-taken',
    hint: 'stop what listens there, or choose another: --port 0 takes any that is free',
    cause,
  })
}
