/** The TFTP server: read requests on the well-known port, every transfer on a port of its own (RFC 1350 §4). */
import type { Clock } from '../kit/clock.ts'
import type { Datagram, DatagramPort, Endpoint } from '../kit/datagram-port.ts'
import type { Ipv4 } from '../kit/ipv4.ts'
import type { Log } from '../kit/log.ts'
import { catalogueName } from './catalogue.ts'
import type { TftpFact, TftpFile } from './file.ts'
import { negotiate } from './options.ts'
import { decodePacket, encodePacket, ERROR, type TftpRequest } from './packet.ts'
import { type Session, startSession } from './session.ts'

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
const WARNING_PAUSE_MS = 60_000

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
  const running = new Map<string, Running>()
  const most = options.maxTransfers ?? DEFAULT_MAX_TRANSFERS
  let closed = false
  let warnedAt = Number.NEGATIVE_INFINITY

  const refuse = (client: Endpoint, name: string, refusal: Refusal): void => {
    // Loaders ask for several files that nobody has: at debug level only, and answered at once.
    options.log.debug({ client, name, code: refusal.code }, `tftp: ${refusal.text}`)
    options.port.send(encodePacket({ op: 'error', ...refusal }), client)
  }
  const accept = (request: TftpRequest, client: Endpoint): void => {
    const checked = checkRequest(request)
    if (typeof checked !== 'string') return refuse(client, request.name, checked)
    const key = `${client.address}:${client.port}`
    const before = running.get(key)
    // The same request again is a duplicate or an impatient client: the transfer's own timer serves it (K21).
    if (before?.name === checked) return
    if (before) {
      // Old ROMs ask for the next file from the same port after giving up the first one without a word.
      before.cancelled = true
      void before.session?.stop('superseded')
      running.delete(key)
    }
    if (running.size >= most || countOf(running, client.address) >= MAX_TRANSFERS_PER_ADDRESS) {
      // Silence: the client asks again, and by then there may be room (K20).
      const now = options.clock.now()
      const level = now - warnedAt < WARNING_PAUSE_MS ? 'debug' : 'warn'
      if (level === 'warn') warnedAt = now
      options.log[level]({ client, transfers: running.size }, 'tftp: too many transfers, a request was dropped')
      return
    }
    const entry: Running = { client, name: checked, cancelled: false, finished: Promise.resolve() }
    running.set(key, entry)
    const ended = (): void => {
      if (running.get(key) === entry) running.delete(key)
    }
    entry.finished = openTransfer(options, request, entry, refuse, ended).catch((error: unknown) => {
      ended()
      options.log.error({ client, name: checked, error: String(error) }, 'tftp could not start a transfer')
    })
  }

  options.port.onDatagram(({ bytes, from }: Datagram) => {
    if (closed || from.port === 0) return
    const packet = decodePacket(bytes)
    // Anything else on this port belongs to no transfer; silence is safer than an error to a borrowed address.
    if (packet?.op === 'rrq' || packet?.op === 'wrq') accept(packet, from)
  })
  return {
    get transfers() {
      return running.size
    },
    async close() {
      closed = true
      const entries = [...running.values()]
      for (const entry of entries) entry.cancelled = true
      await Promise.all(
        entries.map(async entry => {
          await entry.finished
          await entry.session?.stop('stopped')
        }),
      )
      await options.port.close()
    },
  }
}

/** The catalogue name, or why not. */
function checkRequest(request: TftpRequest): string | Refusal {
  if (request.op === 'wrq') return REFUSALS.write
  // `netascii` would change a loader's bytes and `mail` is dead (RFC 1123 §4.2.3.3, K08).
  if (request.mode.toLowerCase() !== 'octet') return REFUSALS.mode
  return catalogueName(request.name) ?? REFUSALS.name
}

function countOf(running: Map<string, Running>, address: Ipv4): number {
  return [...running.values()].filter(entry => entry.client.address === address).length
}

async function openTransfer(
  options: TftpOptions,
  request: TftpRequest,
  entry: Running,
  refuse: (client: Endpoint, name: string, refusal: Refusal) => void,
  ended: () => void,
): Promise<void> {
  const { client, name } = entry
  const file = await options.find(name, client)
  if (!file) {
    ended()
    if (!entry.cancelled) refuse(client, name, REFUSALS.missing)
    return
  }
  const port = entry.cancelled ? undefined : await options.openTransferPort().catch(() => undefined)
  if (!port || entry.cancelled) {
    ended()
    await Promise.allSettled([file.close(), port?.close()])
    return
  }
  const terms = negotiate(request.options, options.mtu, file.size)
  const { clock, log, tell } = options
  entry.session = startSession({ port, client, name, file, terms, clock, log, tell, ended })
}
