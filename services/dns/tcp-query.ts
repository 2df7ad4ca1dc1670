/** One question to a resolver over TCP: a connection for it alone, closed with the reply or when time is over. */
import { connect } from 'node:net'
import type { Clock } from '../kit/clock.ts'
import type { AskTcp } from './forward.ts'
import { EMPTY_FRAME_BUFFER, frame, takeFrames } from './frames.ts'

const DNS_PORT = 53
const LONGEST_REPLY = 65_535

export function tcpAsker(clock: Clock): AskTcp {
  return (to, message, patienceMs) =>
    new Promise(resolve => {
      let buffer = EMPTY_FRAME_BUFFER
      const socket = connect({ host: to, port: DNS_PORT })
      const end = (reply?: Uint8Array): void => {
        cancel()
        socket.destroy()
        resolve(reply)
      }
      const cancel = clock.after(patienceMs, end)
      socket.on('error', () => end())
      socket.on('close', () => end())
      socket.on('connect', () => socket.write(frame(message)))
      socket.on('data', (chunk: Uint8Array) => {
        const frames = takeFrames(buffer, chunk, LONGEST_REPLY)
        if (frames === 'too-long') return end()
        buffer = frames.buffer
        if (frames.messages[0]) end(frames.messages[0])
      })
    })
}
