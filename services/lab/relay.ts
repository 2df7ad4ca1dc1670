/** Connections, taken from one place to another. */
import { connect, createServer, type NetConnectOpts, type Server } from 'node:net'

export const LOOPBACK = '127.0.0.1'

/** Takes every connection to where it belongs, both ways, until either side ends it. */
export function relay(to: NetConnectOpts): Server {
  return createServer({ allowHalfOpen: true }, near => {
    const far = connect({ ...to, allowHalfOpen: true } as NetConnectOpts)
    for (const [from, into] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on('error', () => into.destroy())
      from.on('close', () => into.destroy())
      from.pipe(into)
    }
  })
}

export function listening(server: Server, on: { host: string; port: number } | { path: string }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(on, resolve)
  })
}
