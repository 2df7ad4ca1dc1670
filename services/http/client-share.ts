/** Connections of one listener, some for each client: whoever holds all of them keeps installers out (T17). */
import type { Server, Socket } from 'node:net'

/**
 * Closes what a client opens beyond its share, before anything of it is read, and tells of it. Where a server behind this one takes its connections for
 * others, a caching proxy say, these share.
 * @param most of one address, at one time
 */
export function shareConnections(server: Server, most: number, tell: (client: string) => void): void {
  const held = new Map<string, number>()
  server.on('connection', (socket: Socket) => {
    const client = socket.remoteAddress ?? ''
    const others = held.get(client) ?? 0
    if (others >= most) {
      socket.destroy()
      return tell(client)
    }
    held.set(client, others + 1)
    socket.once('close', () => {
      const left = held.get(client)! - 1
      if (left > 0) held.set(client, left)
      else held.delete(client)
    })
  })
}
