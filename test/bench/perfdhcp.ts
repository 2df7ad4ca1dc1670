/** perfdhcp of Kea: so many four-way exchanges a second, as a relay agent, for many machines. */
import type { BenchNetwork } from './network.ts'
import { CLIENT_ADDRESS, SERVER_ADDRESS } from './network.ts'

/** How many different machines a crowd has; each asks once in a run. */
export const MACHINES = 30_000
/**
 * Crowds take turns, run by run. perfdhcp begins every run with the same transactions, and a machine that asks the same again within ten seconds is
 * repeated to and not written: by the time that its turn comes again, those are over.
 */
export const CROWDS = 4

let runs = 0

/** After the last question, for answers that are late. */
const WAIT_MS = 500
const LIMIT_MS = 30_000

export type Load = {
  rate: number
  /** Ends earlier when every machine has asked. */
  seconds: number
  /** Keeps the time of every single answer, which costs the generator something. */
  timers?: boolean
}

export type Exchanges = {
  /** Complete four-way exchanges, a second of the time in which questions were sent. */
  rate: number
  /** Unanswered part, in percent, of the half that did worse. */
  dropPercent: number
  /** Addresses that were offered, or acknowledged, to two machines. */
  offeredTwice: number
  leasedTwice: number
  /** How many machines were acknowledged. */
  complete: number
  /** Milliseconds from question to answer, one for each; only with `timers`. */
  offerMs: number[]
  ackMs: number[]
}

type Half = { sent: number; received: number; duplicates: number; milliseconds: number[] }

function numberAfter(label: string, text: string): number {
  const found = new RegExp(`^${label}: ([0-9.]+)`, 'm').exec(text)
  if (!found) throw new Error(`perfdhcp says nothing about "${label}": ${text.slice(0, 400)}`)
  return Number(found[1])
}

function halfOf(name: string, text: string): Half {
  const statistics = text.split(`***Statistics for: ${name}***`)[1] ?? ''
  const timers = text.split(`***Timestamps for packets: ${name}***`)[1]?.split('***')[0] ?? ''
  const times = [...timers.matchAll(/^sent \/ received: ([0-9.]+) \/ ([0-9.]+)$/gm)]
  return {
    sent: numberAfter('sent packets', statistics),
    received: numberAfter('received packets', statistics),
    duplicates: Number(/^non unique addresses: (\d+)/m.exec(statistics)?.[1] ?? 0),
    milliseconds: times.map(([, sent, received]) => (Number(received) - Number(sent)) * 1000),
  }
}

function readExchanges(text: string, seconds: number): Exchanges {
  const [offers, acks] = [halfOf('DISCOVER-OFFER', text), halfOf('REQUEST-ACK', text)]
  const dropOf = ({ sent, received }: Half): number => (sent === 0 ? 100 : ((sent - received) / sent) * 100)
  return {
    rate: acks.received / seconds,
    dropPercent: Math.max(dropOf(offers), dropOf(acks)),
    offeredTwice: offers.duplicates,
    leasedTwice: acks.duplicates,
    complete: acks.received,
    offerMs: offers.milliseconds,
    ackMs: acks.milliseconds,
  }
}

/** One run. Throws when perfdhcp itself does not work. */
export async function perfdhcp(network: BenchNetwork, { rate, seconds, timers = false }: Load): Promise<Exchanges> {
  // In whole seconds: perfdhcp knows no others.
  const period = Math.max(1, Math.floor(Math.min(seconds, MACHINES / rate)))
  const base = `mac=02:0c:0${runs++ % CROWDS}:00:00:00`
  const words = ['-4', '-b', base, '-l', CLIENT_ADDRESS, '-r', `${rate}`, '-R', `${MACHINES}`, '-p', `${period}`]
  const more = ['-W', `${WAIT_MS * 1000}`, '-u', ...(timers ? ['-x', 't'] : [])]
  const { stdout, stderr } = await network.run('client', ['perfdhcp', ...words, ...more, SERVER_ADDRESS], LIMIT_MS)
  if (!stdout.includes('***Statistics for: REQUEST-ACK***')) throw new Error(`perfdhcp failed: ${stderr || stdout}`)
  return readExchanges(stdout, period)
}
