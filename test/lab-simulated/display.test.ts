import { describe, expect, test } from 'vitest'
import {
  changeLine,
  formatElapsed,
  newLabState,
  observe,
  render,
  summary,
  type LabState,
} from '../../services/lab/display.ts'
import { LiveDisplay } from '../../services/lab/live-display.ts'
import type { Stage } from '../../services/lab/stage.ts'
import { FakeClock } from '../fake/clock.ts'

const STAGES: [Stage, string?][] = [
  [{ at: 'off' }],
  [{ at: 'dhcp' }],
  [{ at: 'loader' }, '10.77.1.22'],
  [{ at: 'iso', received: 610_000_000, total: 1_000_000_000 }, '10.77.1.23'],
  [{ at: 'installing' }, '10.77.1.24'],
  [{ at: 'installed' }, '10.77.1.25'],
  [{ at: 'held' }, '10.77.1.26'],
  [
    { at: 'failed', why: 'answer: http error: 404: no profile\nmatches \u001b[31mSIM-7; see `rackrise machine list`' },
    '10.77.1.27',
  ],
]

/** One machine for each stage; every one is switched on at second 0 and gets there one second after the one before it. */
function rack(count: number): LabState {
  const machines = Array.from({ length: count }, (_, index) => ({
    name: `node${index + 1}`,
    firmware: index % 2 ? ('uefi' as const) : ('bios' as const),
    mac: `bc:24:11:00:00:0${index % 8}`,
  }))
  let state = newLabState('Rackrise lab', machines, 0)
  for (let index = 0; index < count; index++) {
    const [stage, address] = STAGES[index % STAGES.length]!
    if (stage.at !== 'off') state = observe(state, `node${index + 1}`, { at: 'power-on' }, 0)
    state = observe(state, `node${index + 1}`, stage, 1000 * index, address)
  }
  return state
}

const screen = (width: number, height = 30) => ({ width, height, colour: false })

describe('the table', () => {
  test('80 columns', () => {
    expect(render(rack(8), 53_000, screen(80))).toEqual([
      'Rackrise lab: 8 machines, 3 done, 1 failed                                  0:53',
      'name   fw    mac                address     stage                        elapsed',
      'node1  BIOS  bc:24:11:00:00:00  -           off                                 ',
      'node2  UEFI  bc:24:11:00:00:01  -           dhcp                            0:53',
      'node3  BIOS  bc:24:11:00:00:02  10.77.1.22  loader                          0:53',
      'node4  UEFI  bc:24:11:00:00:03  10.77.1.23  iso 61 % 12.2 MB/s              0:53',
      'node5  BIOS  bc:24:11:00:00:04  10.77.1.24  installing                      0:53',
      'node6  UEFI  bc:24:11:00:00:05  10.77.1.25  installed                       0:05',
      'node7  BIOS  bc:24:11:00:00:06  10.77.1.26  held                            0:06',
      'node8  UEFI  bc:24:11:00:00:07  10.77.1.27  failed: answer: http error…     0:07',
    ])
  })

  test('120 columns have room for a bar and a longer reason', () => {
    const lines = render(rack(8), 53_000, screen(120))
    expect([lines[5], lines[9]]).toEqual([
      'node4  UEFI  bc:24:11:00:00:03  10.77.1.23  iso ███████░░░░░ 61 % 12.2 MB/s                                         0:53',
      'node8  UEFI  bc:24:11:00:00:07  10.77.1.27  failed: answer: http error: 404: no profile matches [31mSIM-7; see…     0:07',
    ])
  })

  test('a narrow terminal goes without the MAC', () => {
    expect(render(rack(8), 53_000, screen(60))[5]).toBe('node4  UEFI  10.77.1.23  iso 61 % 12.2 MB/s             0:53')
  })

  test.each([40, 60, 80, 120, 200])('no line is wider than %i columns', width => {
    for (const height of [10, 30])
      expect(render(rack(8), 53_000, screen(width, height)).filter(line => line.length > width)).toEqual([])
  })

  test('colours only where they are asked for', () => {
    expect(render(rack(8), 53_000, { ...screen(80), colour: true })[7]).toBe(
      'node6  UEFI  bc:24:11:00:00:05  10.77.1.25  \u001b[32minstalled                  \u001b[39m     0:05',
    )
  })
})

test('200 machines are counts, and those that move or fail', () => {
  expect(render(rack(200), 253_000, screen(80, 14))).toEqual([
    'Rackrise lab: 200 machines, 75 done, 25 failed                              4:13',
    'off 25   dhcp 25   loader 25   iso 25   installing 25   installed 25   held 25',
    'failed 25',
    '',
    'name     fw    mac                address     stage                      elapsed',
    'node200  UEFI  bc:24:11:00:00:07  10.77.1.27  failed: answer: http err…     3:19',
    'node192  UEFI  bc:24:11:00:00:07  10.77.1.27  failed: answer: http err…     3:11',
    'node184  UEFI  bc:24:11:00:00:07  10.77.1.27  failed: answer: http err…     3:03',
    'node176  UEFI  bc:24:11:00:00:07  10.77.1.27  failed: answer: http err…     2:55',
    'node197  BIOS  bc:24:11:00:00:04  10.77.1.24  installing                    4:13',
    'node196  UEFI  bc:24:11:00:00:03  10.77.1.23  iso 61 % 10.5 MB/s            4:13',
    'node195  BIOS  bc:24:11:00:00:02  10.77.1.22  loader                        4:13',
    'node194  UEFI  bc:24:11:00:00:01  -           dhcp                          4:13',
    'and 117 more that move or failed',
  ])
})

test('the summary says how many, the slowest, and every reason whole', () => {
  expect(summary(rack(8), 53_000, screen(80))).toEqual([
    '1 of 8 installed, 1 held, 1 failed, 5 unfinished, total 0:53',
    'slowest: node7, 0:06',
    'node8: failed: answer: http error: 404: no profile matches [31mSIM-7; see `rackrise machine list`',
  ])
})

test.each([
  [0, '0:00'],
  [7_900, '0:07'],
  [723_000, '12:03'],
  [3_723_000, '1:02:03'],
  [-5, '0:00'],
])('%i ms are %s', (ms, text) => {
  expect(formatElapsed(ms)).toBe(text)
})

test('a change on one line', () => {
  expect(changeLine(rack(8).rows[3]!, 53_000)).toBe('   0:53  node4  10.77.1.23  iso 61 % 12.2 MB/s')
})

/** A terminal that remembers. */
function terminal(isTTY: boolean) {
  const written: string[] = []
  return { isTTY, columns: 80, rows: 24, write: (text: string) => void written.push(text), written }
}

const ONE = [{ name: 'node1', firmware: 'uefi' as const, mac: 'bc:24:11:00:00:01' }]

describe('writing', () => {
  test('a pipe gets a line for every change and every quarter of the download', () => {
    const clock = new FakeClock(0)
    const out = terminal(false)
    const display = new LiveDisplay('Lab', ONE, out, clock)
    display.show('node1', { at: 'power-on' })
    for (const percent of [0, 10, 30, 40, 100]) {
      clock.advance(1000)
      display.show('node1', { at: 'iso', received: percent * 1e6, total: 1e8 }, '10.77.1.2')
    }
    display.show('stranger', { at: 'held' })
    display.show('node1', { at: 'installed' })
    display.close()
    expect(out.written.join('')).toBe(
      [
        '   0:00  node1  -  power-on',
        '   0:01  node1  10.77.1.2  iso 0 %',
        '   0:03  node1  10.77.1.2  iso 30 % 15.0 MB/s',
        '   0:05  node1  10.77.1.2  iso 100 % 25.0 MB/s',
        '   0:05  node1  10.77.1.2  installed',
        '1 of 1 installed, total 0:05',
        'slowest: node1, 0:05',
        '',
      ].join('\n'),
    )
  })

  test('a terminal that says it is 0 by 0 gets 80 columns', () => {
    const out = { ...terminal(true), columns: 0, rows: 0 }
    new LiveDisplay('Lab', ONE, out, new FakeClock(0)).close()
    expect(out.written[1]).toContain('name   fw    mac                address  stage                           elapsed')
  })

  test('a terminal is redrawn in place, and left with its cursor', () => {
    const clock = new FakeClock(0)
    const out = terminal(true)
    const display = new LiveDisplay('Lab', ONE, out, clock)
    expect(out.written[0]).toBe('\u001b[?25l')
    expect(out.written[1]!.startsWith('\r\u001b[J')).toBe(true)
    display.show('node1', { at: 'dhcp' })
    clock.advance(200)
    expect(out.written.at(-1)!.startsWith('\u001b[3A\r\u001b[J')).toBe(true)
    expect(out.written.at(-1)).toContain('dhcp')
    display.say('console: http://127.0.0.1:8300')
    expect(out.written.at(-2)).toBe('\u001b[3A\r\u001b[Jconsole: http://127.0.0.1:8300\n')
    display.close()
    expect(out.written.at(-2)).toBe('\u001b[?25h')
    expect(clock.pendingTimers).toBe(0)
  })
})
