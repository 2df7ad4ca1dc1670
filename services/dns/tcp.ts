/** DNS over TCP on a server that somebody else listens with: several queries per connection, bounded in every direction (J25). */
import type { Server, Socket } from 'node:net'
import type { Clock } from '../kit/clock.ts'
import { type Ipv4, parseIpv4 } from '../kit/ipv4.ts'
import { EMPTY_FRAME_BUFFER, frame, takeFrames } from './frames.ts'
import { LONGEST_QUERY } from './screen.ts'

const IDLE_MS = 10_000
const LIFETIME_MS = 120_000
const MOST_CONNECTIONS = 128
const MOST_PER_CLIENT = 16
const MOST_QUERIES = 1000
const MOST_UNANSWERED = 32
/** A client that asks and never reads: its replies would pile up in memory. */
const MOST_UNREAD_BYTES = 256 * 1024

/** Gives the reply to one message, or undefined for silence; must not reject. */
export type HandleMessage = (message: Uint8Array, client: Ipv4) => Promise<Uint8Array | undefined>

export type TcpSide = { close(): void }

/** Attaches to 'connection' only; listening and closing the server is the caller's. */
export function serveTcp(server: Server, clock: Clock, handle: HandleMessage): TcpSide {
  const open = new Map<Socket, Ipv4>()
  const accept = (socket: Socket): void => {
    socket.on('error', () => socket.destroy())
    const client = parseIpv4((socket.remoteAddress ?? '').replace(/^::ffff:/, ''))
    const mine = [...open.values()].filter(address => address === client).length
    if (!client || open.size >= MOST_CONNECTIONS || mine >= MOST_PER_CLIENT) {
      socket.destroy()
      return
    }
    open.set(socket, client)
    socket.on('close', () => open.delete(socket))
    serveConnection(socket, clock, message => handle(message, client))
  }
  server.on('connection', accept)
  return {
    close() {
      server.off('connection', accept)
      for (const socket of open.keys()) socket.destroy()
    },
  }
}

function serveConnection(
  socket: Socket,
  clock: Clock,
  handle: (message: Uint8Array) => Promise<Uint8Array | undefined>,
): void {
  let buffer = EMPTY_FRAME_BUFFER
  let queries = 0
  let unanswered = 0
  let ended = false
  const stop = (): void => void socket.destroy()
  let cancelIdle = clock.after(IDLE_MS, stop)
  const cancelLifetime = clock.after(LIFETIME_MS, stop)
  const closeWhenAnswered = (): void => {
    if (ended && unanswered === 0) socket.end()
  }
  const answerOne = async (message: Uint8Array): Promise<void> => {
    unanswered += 1
    const reply = await handle(message)
    unanswered -= 1
    if (socket.destroyed) return
    if (reply) socket.write(frame(reply))
    if (socket.writableLength > MOST_UNREAD_BYTES) stop()
    closeWhenAnswered()
  }
  socket.on('close', () => {
    cancelIdle()
    cancelLifetime()
  })
  // The client may close its half and still wait for replies.
  socket.allowHalfOpen = true
  socket.on('end', () => {
    ended = true
    closeWhenAnswered()
  })
  socket.on('data', (chunk: Uint8Array) => {
    cancelIdle()
    cancelIdle = clock.after(IDLE_MS, stop)
    const frames = takeFrames(buffer, chunk, LONGEST_QUERY)
    if (frames === 'too-long') return stop()
    buffer = frames.buffer
    queries += frames.messages.length
    if (queries > MOST_QUERIES || unanswered + frames.messages.length > MOST_UNANSWERED) return stop()
    for (const message of frames.messages) void answerOne(message)
  })
}
