/** A TFTP server on a fake LAN with machines beside it. */
import type { DatagramPort } from '../../services/kit/datagram-port.ts'
import type { Ipv4 } from '../../services/kit/ipv4.ts'
import type { TftpFact, TftpFile } from '../../services/tftp/file.ts'
import { decodePacket } from '../../services/tftp/packet.ts'
import { startTftp } from '../../services/tftp/server.ts'
import { recordingLog } from '../dns/rig.ts'
import { FakeClock } from '../fake/clock.ts'
import { FakeLan, type Frame } from '../fake/lan.ts'
import { FakeMeter } from '../fake/meter.ts'
import { type Badness, BadWire } from './bad-wire.ts'
import type { Download } from './client.ts'

export const SERVER = { address: '10.77.0.1' as Ipv4, port: 69 }
export const LOADER = Uint8Array.from({ length: 5000 }, (_, index) => index * 7)

export function memoryFile(bytes: Uint8Array, closed: () => void = () => {}): TftpFile {
  return {
    size: bytes.length,
    read: (offset, length) => bytes.subarray(offset, offset + length),
    close: async () => closed(),
  }
}

export async function rack(
  change: {
    files?: Record<string, Uint8Array>
    find?: (name: string) => Promise<TftpFile | undefined>
    maxTransfers?: number
    badness?: Badness
  } = {},
) {
  const machines = Array.from({ length: 40 }, (_, index) => [`m${index + 1}`, `10.77.1.${index + 1}`])
  const lan = new FakeLan({
    lan0: SERVER.address,
    one: '10.77.0.11',
    two: '10.77.0.12',
    ...(Object.fromEntries(machines) as Record<string, string>),
  })
  const clock = new FakeClock()
  const wire = new BadWire(clock, change.badness ?? {})
  const meter = new FakeMeter()
  const log = recordingLog()
  const facts: TftpFact[] = []
  const files: Record<string, Uint8Array> = change.files ?? { 'snponly.efi': LOADER }
  let open = 0
  const find =
    change.find ??
    (async (name: string) => {
      const bytes = files[name]
      if (!bytes) return undefined
      open += 1
      return memoryFile(bytes, () => {
        open -= 1
      })
    })
  const server = await startTftp({
    port: wire.worsen(await lan.open({ device: 'lan0', ...SERVER })),
    openTransferPort: async () => wire.worsen(await lan.open({ device: 'lan0', address: SERVER.address, port: 0 })),
    mtu: () => 1500,
    find,
    tell: fact => facts.push(fact),
    clock,
    log,
    meter,
    ...(change.maxTransfers ? { maxTransfers: change.maxTransfers } : {}),
  })
  let nextPort = 2070
  const dial = async (device = 'one', port = nextPort++): Promise<DatagramPort> =>
    wire.worsen(await lan.open({ device, address: lan.addressOf(device), port }))
  /** Lets time pass until nothing is under way, a client that hears nothing retries every two seconds. */
  const pass = async (seconds: number, retry: () => void = () => {}): Promise<void> => {
    for (let tick = 0; tick < seconds * 4; tick += 1) {
      await lan.settle()
      clock.advance(250)
      if (tick % 8 === 7) retry()
    }
    await lan.settle()
  }
  /**
   * Lets time pass, a millisecond at a time, until every download is done or has failed; whoever hears nothing for a second asks again. Returns how
   * many seconds that took; throws after two minutes.
   */
  const untilDone = async (downloads: readonly Download[]): Promise<number> => {
    const heard = downloads.map(() => ({ blocks: 0, at: clock.now() }))
    const start = clock.now()
    for (const end = start + 120_000; clock.now() < end; clock.advance(1)) {
      await lan.settle()
      if (downloads.every(({ done, error }) => done || error) && server.transfers === 0)
        return (clock.now() - start) / 1000
      for (const [index, got] of downloads.entries()) {
        const before = heard[index]!
        if (!got.done && before.blocks === got.blocksHeard && clock.now() - before.at < 1000) continue
        if (!got.done && before.blocks === got.blocksHeard) got.retry()
        heard[index] = { blocks: got.blocksHeard, at: clock.now() }
      }
    }
    throw new Error('the downloads never end')
  }
  return { lan, clock, log, facts, meter, server, dial, pass, untilDone, openFiles: () => open }
}

/** What a frame carries, in short: `data 3`, `ack 3`, `oack`, `error 5`. */
export function inShort(frame: Frame): string {
  const packet = decodePacket(frame.bytes)
  if (packet?.op === 'data' || packet?.op === 'ack') return `${packet.op} ${packet.block}`
  return packet?.op === 'error' ? `error ${packet.code}` : (packet?.op ?? 'runt')
}
