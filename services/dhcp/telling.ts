/** What every DHCP port has in common: how a decision leaves, how it is written down, counted and told to the fleet. */
import { alarmingLog, type Alarms } from '../kit/alarms.ts'
import { calmLog } from '../kit/calm-log.ts'
import type { Clock } from '../kit/clock.ts'
import type { DatagramPort, Endpoint } from '../kit/datagram-port.ts'
import type { Log, LogFields } from '../kit/log.ts'
import { encodeWithin, limitsFor } from './codec.ts'
import { CircuitWatch, circuitText } from './circuit-watch.ts'
import type { DhcpCounts } from './counts.ts'
import type { Decision, Reply } from './decision.ts'
import type { DhcpFact, DhcpFleet } from './fleet.ts'
import { writeDecision, writeNote, writeReason } from './log-line.ts'
import type { DhcpMessage } from './message.ts'
import type { NoteReason } from './reasons.ts'

export type TellingOptions = {
  port: DatagramPort
  /** Of the served interface, octets. */
  mtu: number
  fleet: Pick<DhcpFleet, 'tell'>
  counts: DhcpCounts
  alarms: Alarms
  clock: Clock
  log: Log
}

export class Telling {
  readonly #options: TellingOptions
  readonly #circuits = new CircuitWatch()
  readonly #factOf: (decision: Decision) => DhcpFact | undefined
  /** Replies stay in the log, whole. Every line with something to do is an alarm, those that a flood keeps out of the log included. */
  readonly log: Log
  /** For what anybody can cause with one datagram. */
  readonly calm: Log

  /** `factOf` says what a decision means for the machine's timeline, which differs between who gives addresses and who does not. */
  constructor(options: TellingOptions, factOf: (decision: Decision) => DhcpFact | undefined) {
    const { log, clock, alarms } = options
    this.#options = options
    this.#factOf = factOf
    this.log = alarmingLog(log, alarms)
    this.calm = alarmingLog(calmLog(log, clock), alarms)
  }

  send(reply: Reply, request: DhcpMessage, to: Endpoint): void {
    const { counts } = this.#options
    const dropped = this.sendUntold(reply, request, to)
    counts.sent()
    this.report(reply, request)
    for (const note of reply.notes) this.note(note, reply)
    if (dropped.length > 0) this.note('options-left-out', reply, { options: dropped })
  }

  /** For who only looks: it stands in no log, no count and no timeline. Returns the options that did not fit. */
  sendUntold(reply: Reply, request: DhcpMessage, to: Endpoint): number[] {
    const { port, mtu } = this.#options
    const { bytes, dropped } = encodeWithin(reply.message, limitsFor(request, mtu))
    port.send(bytes, to)
    return dropped
  }

  note(note: NoteReason, { client }: Reply, fields: LogFields = {}): void {
    this.#options.counts.noted(note)
    writeNote(this.calm, note, client, fields)
  }

  report(decision: Decision, request: DhcpMessage): void {
    this.#options.counts.decided(decision, request)
    writeDecision(decision.do === 'silence' ? this.calm : this.log, decision, request)
    const fact = this.#factOf(decision)
    if (fact) this.#options.fleet.tell(fact)
    this.#watchCircuit(decision)
  }

  #watchCircuit(decision: Decision): void {
    const odd = this.#circuits.saw(decision, this.#options.clock.now())
    if (!odd) return
    const { mac, relay, seconds } = odd
    const [before, circuit] = [circuitText(odd.before), circuitText(odd.now)]
    const line = `${mac} is at ${circuit} of relay agent ${relay}, and was at ${before} ${seconds} s ago`
    this.#options.counts.noted('two-circuits')
    writeReason(this.calm, 'two-circuits', { mac, subject: mac, relay, circuit, before }, line)
  }

  /** Whatever one datagram does to us, the next one is heard. */
  surviving(work: () => void): void {
    try {
      work()
    } catch (error) {
      this.reportBug(error)
    }
  }

  reportBug(error: unknown): void {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
    this.#options.counts.failed('internal-error')
    writeReason(this.log, 'internal-error', { error: text })
  }
}
