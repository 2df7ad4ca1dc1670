import { describe, expect, test } from 'vitest'
import { gapBetween, gapNow, secondsBetween, telling } from '../../../services/console/page/timeline/gaps.ts'
import { machine } from './machines.ts'
import { entry, iso } from './timelines.ts'

const GIB_1_6 = 1_717_986_918
const WIRE = 'check cable and switch port; if they are well it is the network driver of its loader'
const firmware = { stage: 'firmware' } as const

describe('a silence that is over', () => {
  test.each([
    ['at once', entry(0, 'kernel-sent'), entry(4, 'initrd-started'), undefined],
    [
      'the installer unpacks',
      entry(0, 'initrd-sent', { bytes: GIB_1_6 }),
      entry(74, 'leased', { stage: 'installer' }),
      { seconds: 74, words: 'the kernel starts, and the installer unpacks 1.6 GiB into memory; usual is 20 to 90 s' },
    ],
    [
      'a download, as fast as usual',
      entry(0, 'initrd-started', { bytes: GIB_1_6 }),
      entry(20, 'initrd-sent', { bytes: GIB_1_6 }),
      { seconds: 20, words: 'it loads initrd and ISO 1.6 GiB; usual is 10 s to 5 min' },
    ],
    [
      'a download, slower than usual',
      entry(0, 'initrd-started'),
      entry(301, 'initrd-sent'),
      { seconds: 301, words: 'it loads initrd and ISO; usual is 10 s to 5 min', advice: WIRE },
    ],
    [
      'firmware POSTs again after the installation',
      entry(0, 'reported'),
      entry(190, 'leased', firmware),
      {
        seconds: 190,
        words: 'it restarts: the firmware tests itself (POST), then asks for an address; usual is 20 s to 5 min',
      },
    ],
    [
      'the kernel gave up',
      entry(0, 'initrd-sent'),
      entry(45, 'leased', firmware),
      {
        seconds: 45,
        words: 'no installer was heard, and the firmware boots again: it was reset, or its kernel gave up',
        advice: 'too little memory is the usual cause: compare it with what the ISO needs',
      },
    ],
    [
      'somebody pressed reset while it loaded',
      entry(0, 'initrd-started'),
      entry(40, 'leased', firmware),
      {
        seconds: 40,
        words: 'the download did not end, and the firmware boots again: it was reset, or its loader gave up',
        advice: WIRE,
      },
    ],
    [
      'no link for iPXE',
      entry(0, 'loader-sent'),
      entry(50, 'leased', { stage: 'ipxe' }),
      {
        seconds: 50,
        words: 'the loader starts its network driver and asks for an address; usual is 1 to 30 s',
        advice:
          'the loader sees no link: the switch port forwards too late (spanning tree: make it an edge port), or its driver fails on this NIC',
      },
    ],
    [
      'it was off until somebody switched it on',
      entry(0, 'attempt-started'),
      entry(3600, 'leased', firmware),
      { seconds: 3600, words: 'it was off, or did something else, until it booted' },
    ],
    [
      'it waited for a person',
      entry(0, 'local-disk-told'),
      entry(600, 'attempt-started'),
      { seconds: 600, words: 'until a person decided' },
    ],
    [
      'it fell silent',
      entry(0, 'initrd-sent'),
      entry(900, 'stalled'),
      { seconds: 900, words: 'nothing was heard', advice: 'look at its screen' },
    ],
    [
      'something that a newer appliance writes down',
      entry(0, 'teleported'),
      entry(90, 'reported'),
      { seconds: 90, words: 'nothing was heard' },
    ],
  ])('%s', (_, before, next, gap) => expect(gapBetween(before, next, secondsBetween(before.at, next.at))).toEqual(gap))
})

describe('a silence that lasts', () => {
  const progress = { file: 'initrd', sent: 610, total: 1000, bytesPerSecond: 100 } as const
  test.each([
    [
      'the last packet is 40 s old',
      entry(0, 'initrd-started'),
      machine({ state: 'booting', progress, heardAt: iso(20) }),
      60,
      { seconds: 40, words: 'the last packet came inside of initrd and ISO at 61 %', advice: WIRE },
    ],
    [
      'a download that goes on',
      entry(0, 'initrd-started', { bytes: GIB_1_6 }),
      machine({ state: 'booting', progress, heardAt: iso(20) }),
      21,
      { seconds: 21, words: 'it loads initrd and ISO 1.6 GiB; usual is 10 s to 5 min' },
    ],
    [
      'an installation, in time',
      entry(0, 'answer-served'),
      machine({ state: 'installing' }),
      300,
      { seconds: 300, words: 'the installer writes to the disks; usual is 1 to 15 min' },
    ],
    [
      'an installation, late',
      entry(0, 'answer-served'),
      machine({ state: 'installing' }),
      1000,
      {
        seconds: 1000,
        words: 'the installer writes to the disks; usual is 1 to 15 min',
        advice: 'a report comes at the end of an installation; look at its screen',
      },
    ],
    [
      'an approval that nobody followed by a power button',
      entry(0, 'attempt-started'),
      machine({ state: 'approved' }),
      86_400,
      { seconds: 86_400, words: 'it may install at its next network boot: switch it on, or restart it' },
    ],
    [
      'held, and on its way to the loader',
      entry(0, 'leased', firmware),
      machine(),
      3,
      { seconds: 3, words: 'its firmware fetches the loader; usual is 1 to 15 s' },
    ],
    [
      'held, for days',
      entry(0, 'local-disk-told'),
      machine(),
      86_400,
      { seconds: 86_400, words: 'nothing is expected: it boots its own disk until somebody approves it' },
    ],
    [
      'installed a minute ago',
      entry(0, 'reported'),
      machine({ state: 'installed' }),
      60,
      { seconds: 60, words: 'it restarts: the firmware tests itself (POST); usual is 20 s to 5 min' },
    ],
    [
      'installed, and well',
      entry(0, 'reported'),
      machine({ state: 'installed' }),
      9000,
      { seconds: 9000, words: 'nothing is expected: it is installed' },
    ],
    [
      'stalled: late, however short',
      entry(0, 'kernel-sent'),
      machine({ state: 'stalled' }),
      6,
      { seconds: 6, words: 'it asks for initrd and ISO; usual is 1 to 10 s', advice: WIRE },
    ],
    [
      'blocked',
      entry(0, 'blocked'),
      machine({ state: 'blocked' }),
      60,
      { seconds: 60, words: 'nothing is expected: it is given nothing' },
    ],
  ])('%s', (_, last, view, second, gap) => expect(gapNow(last, view, iso(second))).toEqual(gap))
})

test('a note beside the way does not hide where the machine is', () => {
  const sent = entry(0, 'initrd-sent')
  expect(telling(sent, entry(5, 'sighted'))).toBe(sent)
  expect(telling(sent, entry(5, 'stalled'))).toBe(sent)
  const answered = entry(9, 'answer-served')
  expect(telling(sent, answered)).toBe(answered)
  const first = entry(0, 'sighted')
  expect(telling(undefined, first)).toBe(first)
})
