/** The TFTP server: read requests on the well-known port, every transfer on a port of its own (RFC 1350 §4). */
import { calmLog } from '../kit/calm-log.ts'
import type { Clock } from '../kit/clock.ts'
import type { Datagram, DatagramPort, Endpoint } from '../kit/datagram-port.ts'
import type { Ipv4 } from '../kit/ipv4.ts'
import type { Log } from '../kit/log.ts'
import { catalogueName } from './catalogue.ts'
import type { TftpFact, TftpFile } from './file.ts'
import { negotiate } from './options.ts'
import { decodePacket, encodePacket, ERROR, type TftpRequest } from './packet.ts'
import { Session } from './session.ts'

export type { TftpFact, TftpFile } from './file.ts'
export { openLoaderFile } from './load.ts'

export type TftpOptions = {
  port: DatagramPort
  /** A fresh ephemeral port for one transfer. */
  openTransferPort: () => Promise<DatagramPort>
  /** Of the served interface, octets. */
  mtu: number
  /** The file of that catalogue name, opened; undefined if there is none for this client. The server closes it. */
  find: (name: string, client: Endpoint) => Promise<TftpFile | undefined>
  tell: (fact: TftpFact) => void
  clock: Clock
  log: Log
  maxTransfers?: number
}

export interface TftpServer {
  /** Transfers that run or are being opened. */
  readonly transfers: number
  /** Ends every transfer and closes the well-known port. */
  close(): Promise<void>
}

const DEFAULT_MAX_TRANSFERS = 512
/** A machine loads one file at a time; a few more for one that was switched off and on again. */
const MAX_TRANSFERS_PER_ADDRESS = 8
const WARNINGS_MOST = 1

/** What a client gets instead of a file: code and text of an ERROR packet; the text names no path (K17). */
type Refusal = { code: number; text: string }

const REFUSALS = {
  write: { code: ERROR.notAllowed, text: 'this server only reads' },
  mode: { code: ERROR.illegal, text: 'use octet mode' },
  name: { code: ERROR.notAllowed, text: 'name not allowed' },
  missing: { code: ERROR.notFound, text: 'file not found' },
} satisfies Record<string, Refusal>

/** A transfer from its request on; the session follows once the file is open. */
type Running = { client: Endpoint; name: string; session?: Session; cancelled: boolean; finished: Promise<void> }

export async function startTftp(options: TftpOptions): Promise<TftpServer> {
  return new Server(options)
}

class Server implements TftpServer {
  readonly #options: TftpOptions
  /** By the client's address and port, its transfer identifier. */
  readonly #running = new Map<string, Running>()
  #closed = false
  readonly #calm: Log

  constructor(options: TftpOptions) {
    this.#options = options
    this.#calm = calmLog(options.log, options.clock, WARNINGS_MOST)
    options.port.onDatagram(({ bytes, from }: Datagram) => {
      if (this.#closed || from.port === 0) return
      const packet = decodePacket(bytes)
      // Anything else on this port belongs to no transfer; silence is safer than an error to a borrowed address.
      if (packet?.op === 'rrq' || packet?.op === 'wrq') this.#accept(packet, from)
    })
  }

  get transfers(): number {
    return this.#running.size
  }

  async close(): Promise<void> {
    this.#closed = true
    const entries = [...this.#running.values()]
    for (const entry of entries) entry.cancelled = true
    await Promise.all(
      entries.map(async entry => {
        await entry.finished
        await entry.session?.stop('stopped')
      }),
    )
    await this.#options.port.close()
  }

  #accept(request: TftpRequest, client: Endpoint): void {
    const checked = checkRequest(request)
    if (typeof checked !== 'string') return this.#refuse(client, request.name, checked)
    const key = `${client.address}:${client.port}`
    const before = this.#running.get(key)
    // The same request again is a duplicate or an impatient client: the transfer's own timer serves it (K21).
    if (before?.name === checked) return
    if (before) {
      // Old ROMs ask for the next file from the same port after giving up the first one without a word.
      before.cancelled = true
      void before.session?.stop('superseded')
      this.#running.delete(key)
    }
    if (this.#isFull(client.address)) return this.#drop(client)
    const entry: Running = { client, name: checked, cancelled: false, finished: Promise.resolve() }
    this.#running.set(key, entry)
    const ended = (): void => {
      if (this.#running.get(key) === entry) this.#running.delete(key)
    }
    entry.finished = this.#open(request, entry, ended).catch((error: unknown) => {
      ended()
      this.#options.log.error({ client, name: checked, error: String(error) }, 'tftp could not start a transfer')
    })
  }

  async #open(request: TftpRequest, entry: Running, ended: () => void): Promise<void> {
    const { find, openTransferPort, mtu, clock, log, tell } = this.#options
    const { client, name } = entry
    const file = await find(name, client)
    if (!file) {
      ended()
      if (!entry.cancelled) this.#refuse(client, name, REFUSALS.missing)
      return
    }
    const port = await openTransferPort().catch((error: unknown) => {
      log.warn({ client, name, error: String(error) }, 'tftp has no port for a transfer')
      return undefined
    })
    if (!port || entry.cancelled) {
      ended()
      await Promise.allSettled([file.close(), port?.close()])
      return
    }
    const terms = negotiate(request.options, mtu, file.size)
    entry.session = new Session({ port, client, name, file, terms, clock, log, tell, ended })
  }

  /** Loaders ask for several files that nobody has: answered at once, at debug level only. */
  #refuse(client: Endpoint, name: string, refusal: Refusal): void {
    this.#options.log.debug({ client, name, code: refusal.code }, `tftp: ${refusal.text}`)
    this.#options.port.send(encodePacket({ op: 'error', ...refusal }), client)
  }

  #isFull(address: Ipv4): boolean {
    const most = this.#options.maxTransfers ?? DEFAULT_MAX_TRANSFERS
    const mine = [...this.#running.values()].filter(entry => entry.client.address === address)
    return this.#running.size >= most || mine.length >= MAX_TRANSFERS_PER_ADDRESS
  }

  /** Silence: the client asks again, and by then there may be room (K20). */
  #drop(client: Endpoint): void {
    this.#calm.warn(
      { client, transfers: this.transfers, reason: 'too-many-transfers' },
      'tftp: too many transfers, a request was dropped',
    )
  }
}

/** The catalogue name, or why not. */
function checkRequest(request: TftpRequest): string | Refusal {
  if (request.op === 'wrq') return REFUSALS.write
  // `netascii` would change a loader's bytes and `mail` is dead (RFC 1123 §4.2.3.3, K08).
  if (request.mode.toLowerCase() !== 'octet') return REFUSALS.mode
  return catalogueName(request.name) ?? REFUSALS.name
}
