/** A transfer as its port sees it: datagrams of the client one after the other, each with its length before it; a length of 0 is silence. */
import type { Terms } from '../../../services/tftp/options.ts'
import { decodePacket } from '../../../services/tftp/packet.ts'
import {
  acknowledgedBytes,
  advance,
  begin,
  blockCount,
  type Step,
  type Transfer,
  type TransferEvent,
} from '../../../services/tftp/transfer.ts'
import { hold, type Target } from '../target.ts'

const ack = (block: number) => [4, 0, 4, block >> 8, block & 255]
const silence = [0]
const error = (code: number) => [5, 0, 5, 0, code, 0]

/** The first octet chooses: window, rollover, options, and how large the file is. */
function termsOf(choice: number): { terms: Terms; size: number } {
  const windowSize = [1, 4, 16, 64][choice & 3]!
  const offered: Terms['offered'] = choice & 4 ? [['windowsize', String(windowSize)]] : []
  const terms: Terms = { blockSize: 8, windowSize, rollTo: choice & 8 ? 1 : 0, offered }
  return { terms: choice & 16 ? { ...terms, retransmitMs: 1000 } : terms, size: [0, 20, 800, 600_000][choice >> 6]! }
}

function* eventsOf(bytes: Uint8Array): Generator<TransferEvent> {
  for (let at = 1; at < bytes.length; ) {
    const length = bytes[at]!
    const packet = decodePacket(bytes.subarray(at + 1, at + 1 + length))
    at += 1 + length
    if (length === 0) yield { event: 'timeout' }
    if (packet?.op === 'ack') yield { event: 'ack', block: packet.block }
    if (packet?.op === 'error') yield { event: 'error', code: packet.code }
  }
}

function holdsForStep(before: Transfer, { state, effects }: Step): void {
  hold('what is acknowledged only grows', state.acknowledged >= before.acknowledged)
  hold('nothing is acknowledged that was not sent', state.acknowledged <= state.sent)
  hold('the octets are those of the file', acknowledgedBytes(state) <= state.size)
  const last = blockCount(state.size, state.terms.blockSize)
  for (const effect of effects) {
    if (effect.do === 'send-blocks') {
      hold(
        'blocks follow what was acknowledged',
        effect.first === state.acknowledged + 1 && effect.first <= effect.last,
      )
      hold(
        'blocks are of the window and of the file',
        effect.last <= Math.min(state.acknowledged + state.terms.windowSize, last),
      )
    }
    if (effect.do === 'await-ack') hold('a wait is bounded', effect.forMs >= 100 && effect.forMs <= 8000)
    if (effect.do === 'finish' && effect.outcome === 'sent') hold('sent is acknowledged', state.acknowledged === last)
  }
  const waits = effects.filter(effect => effect.do === 'await-ack').length
  const sends = effects.some(effect => effect.do === 'send-blocks' || effect.do === 'send-oack')
  hold('whoever sends waits', waits === (sends ? 1 : 0))
  hold('what has ended says nothing', before.phase !== 'finished' || effects.length === 0)
}

export const tftpTransferTarget: Target = {
  name: 'tftp-transfer',
  seeds: () => [
    Uint8Array.from([0x40, ...ack(1), ...ack(2), ...ack(3)]),
    Uint8Array.from([0x45, ...ack(0), ...ack(3)]),
    Uint8Array.from([0x86, ...ack(0), ...ack(9), ...ack(9), ...silence, ...ack(16), ...ack(30), ...ack(46)]),
    Uint8Array.from([0xc7, ...ack(0), ...Array.from({ length: 200 }, (_, index) => ack((index + 1) * 64)).flat()]),
    Uint8Array.from([0xcf, ...ack(0), ...Array.from({ length: 200 }, (_, index) => ack((index + 1) * 64)).flat()]),
    Uint8Array.from([0x44, ...error(8)]),
    Uint8Array.from([0x80, ...ack(1), ...error(3)]),
    Uint8Array.from([0x90, ...Array<number[]>(13).fill(silence).flat()]),
  ],
  words: [...[0, 1, 2, 4, 64, 65_535].map(ack), silence, error(0), [3, 0, 4, 0], [255]].map(one =>
    Uint8Array.from(one),
  ),
  maxBytes: 1472,
  run(bytes) {
    const { terms, size } = termsOf(bytes[0] ?? 0)
    let step = begin(terms, size, 0)
    let repeated = 0
    let now = 0
    for (const event of eventsOf(bytes)) {
      now += event.event === 'timeout' ? 1000 : 1
      const before = step.state
      step = advance(before, event, now)
      holdsForStep(before, step)
      if (event.event === 'timeout' && step.effects.length > 0) repeated += 1
    }
    const { phase, acknowledged, sent } = step.state
    const end = step.effects.find(effect => effect.do === 'finish')
    const told = end?.outcome === 'failed' ? end.reason : (end?.outcome ?? phase)
    return [told, Math.min(acknowledged, 6), Math.min(sent - acknowledged, 3), Math.min(repeated, 3)].join(' ')
  },
}
