/** The TFTP server: read requests on the well-known port, every transfer on a port of its own (RFC 1350 §4). */
import { calmLog } from '../kit/calm-log.ts'
import { type Clock, STOP_GRACE_MS } from '../kit/clock.ts'
import type { Datagram, DatagramPort, Endpoint } from '../kit/datagram-port.ts'
import type { Log } from '../kit/log.ts'
import { type Meter, silentMeter } from '../kit/meter.ts'
import { catalogueName } from './catalogue.ts'
import { type TftpCounts, tftpCounts } from './counts.ts'
import type { TftpFact, TftpFile } from './file.ts'
import { negotiate } from './options.ts'
import { decodePacket, encodePacket, ERROR, type TftpRequest } from './packet.ts'
import { REASONS, type RefusalReason, type SilenceReason } from './reasons.ts'
import { Session } from './session.ts'
import { TransferTable } from './transfer-table.ts'

export type { TftpFact, TftpFile } from './file.ts'
export { loaderFolder } from './load.ts'

export type TftpOptions = {
  port: DatagramPort
  /** A fresh ephemeral port for one transfer (K01). */
  openTransferPort: () => Promise<DatagramPort>
  /** Of the served interface, octets, as it is now. */
  mtu: () => number
  /** The file of that catalogue name, opened; undefined if there is none for this client. The server closes it. */
  find: (name: string, client: Endpoint) => Promise<TftpFile | undefined>
  tell: (fact: TftpFact) => void
  clock: Clock
  log: Log
  meter?: Meter
  maxTransfers?: number
}

export interface TftpServer {
  /** Transfers that run or are being opened. */
  readonly transfers: number
  /** No new transfers; those that run get ten seconds to end (L14), then they are cut, and all ports are closed. */
  close(): Promise<void>
}

const DEFAULT_MAX_TRANSFERS = 512
/** A machine loads one file at a time; a few more for one that was switched off and on again. */
const MAX_TRANSFERS_PER_ADDRESS = 8
const WARNINGS_MOST = 1

/** What a client is told instead of a file; the text names no path (K17). */
const REFUSALS: Record<RefusalReason, { code: number; text: string }> = {
  'read-only': { code: ERROR.notAllowed, text: 'this server only reads' },
  'mode-not-served': { code: ERROR.illegal, text: 'use octet mode' },
  'name-not-allowed': { code: ERROR.notAllowed, text: 'name not allowed' },
  'not-found': { code: ERROR.notFound, text: 'file not found' },
}

/** A transfer from its request on; the session follows once the file is open. */
type Running = { client: Endpoint; name: string; session?: Session; cancelled: boolean; opening: Promise<void> }

export async function startTftp(options: TftpOptions): Promise<TftpServer> {
  return new Server(options)
}

class Server implements TftpServer {
  readonly #options: TftpOptions
  readonly #running: TransferTable<Running>
  readonly #calm: Log
  readonly #counts: TftpCounts
  #stopping = false
  /** While it stops: called when the last transfer has ended. */
  #emptied = (): void => {}

  constructor(options: TftpOptions) {
    this.#options = options
    this.#running = new TransferTable(options.maxTransfers ?? DEFAULT_MAX_TRANSFERS, MAX_TRANSFERS_PER_ADDRESS)
    this.#calm = calmLog(options.log, options.clock, WARNINGS_MOST)
    this.#counts = tftpCounts(options.meter ?? silentMeter, () => this.transfers)
    options.port.onDatagram(datagram => this.#hear(datagram))
  }

  get transfers(): number {
    return this.#running.size
  }

  async close(): Promise<void> {
    this.#stopping = true
    await this.#untilEmptied()
    await Promise.all(
      this.#running.all().map(async entry => {
        entry.cancelled = true
        await entry.opening
        await entry.session?.stop('stopped')
      }),
    )
    await this.#options.port.close()
  }

  /** Until nothing runs, or the grace is over. */
  async #untilEmptied(): Promise<void> {
    if (this.transfers === 0) return
    const emptied = new Promise<void>(resolve => {
      this.#emptied = resolve
    })
    const cancel = this.#options.clock.after(STOP_GRACE_MS, this.#emptied)
    await emptied
    cancel()
  }

  /** What is no request belongs to no transfer here; silence is safer than an error to a borrowed address. */
  #hear({ bytes, from }: Datagram): void {
    if (from.port === 0) return this.#counts.silent('no-source-port')
    const packet = decodePacket(bytes)
    if (!packet) return this.#counts.silent('malformed')
    if (packet.op !== 'rrq' && packet.op !== 'wrq') return this.#counts.silent('not-a-request')
    if (this.#stopping) return this.#counts.silent('stopping')
    this.#accept(packet, from)
  }

  #accept(request: TftpRequest, client: Endpoint): void {
    const checked = checkRequest(request)
    if ('refused' in checked) return this.#refuse(client, request.name, checked.refused)
    const { name } = checked
    const before = this.#running.get(client)
    // The same request again is a duplicate or an impatient client: the transfer's own timer serves it (K21).
    if (before?.name === name) return this.#counts.silent('repeated-request')
    if (before) this.#supersede(before)
    const entry: Running = { client, name, cancelled: false, opening: Promise.resolve() }
    if (!this.#running.add(client, entry)) return this.#drop(client, name, 'too-many-transfers')
    this.#counts.accepted()
    entry.opening = this.#open(request, entry).catch((error: Error) => {
      this.#ended(entry)
      this.#drop(client, name, 'look-up-failed', error)
    })
  }

  /** Old ROMs ask for the next file from the same port after giving up the first one without a word. */
  #supersede(before: Running): void {
    before.cancelled = true
    void before.session?.stop('superseded')
    this.#ended(before)
  }

  async #open(request: TftpRequest, entry: Running): Promise<void> {
    const { find, openTransferPort, mtu, clock, log, tell } = this.#options
    const { client, name } = entry
    const file = await find(name, client)
    if (!file) {
      this.#ended(entry)
      if (!entry.cancelled) this.#refuse(client, name, 'not-found')
      return
    }
    const port = await openTransferPort().catch((error: Error) => {
      this.#drop(client, name, 'no-port', error)
      return undefined
    })
    if (!port || entry.cancelled) {
      this.#ended(entry)
      await Promise.allSettled([file.close(), port?.close()])
      return
    }
    const terms = negotiate(request.options, mtu(), file.size)
    const ended = (): void => this.#ended(entry)
    entry.session = new Session({ port, client, name, file, terms, clock, log, tell, counts: this.#counts, ended })
  }

  #ended(entry: Running): void {
    this.#running.delete(entry.client, entry)
    if (this.transfers === 0) this.#emptied()
  }

  /** Loaders ask for several files that nobody has: answered at once, at debug level only. */
  #refuse(client: Endpoint, name: string, reason: RefusalReason): void {
    const { log, port } = this.#options
    this.#counts.refused(reason)
    log.debug({ ...client, name, reason }, REASONS[reason].message)
    port.send(encodePacket({ op: 'error', ...REFUSALS[reason] }), client)
  }

  /** Silence: the client asks again, and by then there may be room (K20). */
  #drop(client: Endpoint, name: string, reason: SilenceReason, error?: Error): void {
    this.#counts.silent(reason)
    const { severity, message, action } = REASONS[reason]
    const fields = { ...client, name, transfers: this.transfers, reason, ...(error ? { error: error.message } : {}) }
    this.#calm[severity === 'alarm' ? 'error' : 'warn'](fields, `${message}; ${action}`)
  }
}

/** The catalogue name, or why not. */
function checkRequest(request: TftpRequest): { name: string } | { refused: RefusalReason } {
  if (request.op === 'wrq') return { refused: 'read-only' }
  // `netascii` would change a loader's bytes and `mail` is dead (RFC 1123 §4.2.3.3, K08).
  if (request.mode.toLowerCase() !== 'octet') return { refused: 'mode-not-served' }
  const name = catalogueName(request.name)
  return name === undefined ? { refused: 'name-not-allowed' } : { name }
}
