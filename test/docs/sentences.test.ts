/** What the manual says that machines and timelines say is what they say. */
import { expect, test } from 'vitest'
import { unfitFor } from '../../services/boot/fitness.ts'
import { LOCAL_DISK_CAUSES, localDiskScript } from '../../services/boot/script.ts'
import { changeLine, newLabState, observe, summary } from '../../services/lab/display.ts'
import type { Stage } from '../../services/lab/stage.ts'
import { BOOTS_MOST } from '../../services/machine/boot-loop.ts'
import { describeFact, describeLoop, type Fact, type AttemptId } from '../../services/machine/event.ts'
import type { Ipv4 } from '../../services/kit/ipv4.ts'
import { inlineCode, PAGES, type Page } from './manual.ts'

const page = (path: string): Page => PAGES.find(candidate => candidate.path === path)!
const BOOTING = page('docs/troubleshooting/booting.md')
const TUTORIAL = page('docs/tutorial.md')

const attempt = '3f9c21aa' as AttemptId
const address = '10.77.0.11' as Ipv4
const FACTS: Fact[] = [
  { type: 'leased', address, stage: 'firmware', loader: 'snponly.efi' },
  { type: 'leased', address, stage: 'installer' },
  { type: 'boot-told', stage: 'firmware', loader: 'snponly.efi' },
  { type: 'loader-sent', file: 'snponly.efi', bytes: 173_792 },
  { type: 'load-failed', attempt, part: 'initrd', error: '0x1' },
  { type: 'gave-up', attempt, reason: '' },
  { type: 'initrd-sent', attempt, bytes: 1 },
  {
    type: 'answer-served',
    attempt,
    address: '10.77.0.11',
    layers: ['base', 'ext4'],
    sha256: '',
    leftOut: [],
    withToken: false,
  },
  { type: 'answer-refused', reason: 'not-approved', address: '10.77.0.11' },
  { type: 'answer-failed', attempt, reason: '' },
  { type: 'stalled', attempt, silentSeconds: 1200, stage: 'booting' },
  { type: 'local-disk-told', attempt },
  { type: 'sighted', macs: [] },
]
const SAYINGS = [
  ...FACTS.map(describeFact),
  ...Object.values(LOCAL_DISK_CAUSES),
  unfitFor({ file: 'pve.iso', architecture: 'amd64', memoryBytes: 2 }, { memoryBytes: 1 })!,
  unfitFor({ file: 'pve.iso', architecture: 'amd64', memoryBytes: 2 }, { architecture: 'arm64' })!,
].join('\n')

/** Of what the appliance itself tells, by how it begins. */
const OURS =
  /^(gave |told |sent |served |refused |could not |nothing heard|no valid answer|this machine |NOT APPROVED|installed|the installation |the answer was |without a token)/

test('timelines and screens that are quoted are in the words of the program', () => {
  const quoted = [
    ...PAGES.filter(({ path }) => path.startsWith('docs/') && path !== 'docs/terminal-session.md'),
  ].flatMap(one =>
    inlineCode(one).flatMap(({ line, code }) =>
      OURS.test(code) && code.includes(' ') ? [{ at: `${one.path}:${line}`, code }] : [],
    ),
  )
  expect(quoted.length).toBeGreaterThan(15)
  // What is left out, or is a word for what stands there, parts a quotation.
  const isSaid = (code: string): boolean =>
    code.split(/…|: REASON|10\.77\.0\.11/).every(piece => SAYINGS.includes(piece.trim().replace(/,$/, '')))
  expect(quoted.filter(({ code }) => !isSaid(code))).toEqual([])
})

test('every reason to boot the disk is in the table', () => {
  const { chosen: _, blocked: __, ...causes } = LOCAL_DISK_CAUSES
  const told = new Set(inlineCode(BOOTING).map(({ code }) => code))
  expect(Object.values(causes).filter(cause => !told.has(cause))).toEqual([])
})

test('a boot loop is told like that', () => {
  const line = describeLoop({ type: 'boot-looped', stage: 'firmware', boots: BOOTS_MOST, seconds: 720 })
  expect(BOOTING.fences.map(({ text }) => text.trim())).toContain(line)
})

test('a machine that is held shows on its screen what the tutorial shows', () => {
  const script = localDiskScript({
    because: 'held',
    title: 'node1',
    advice: ['Approve it: rackrise machine approve node1'],
    diskFailedUrl: 'http://10.77.0.1/x',
    diskFailed: false,
    menuUrl: 'http://10.77.0.1/y',
  })
  const shown = script
    .split('\n')
    .flatMap(line => /^(?:echo|prompt --key m --timeout \d+) (.*?)(?: && .*)?$/.exec(line)?.[1] ?? [])
    .map(line =>
      line
        .replace('${netX/mac}', '52:54:00:7a:00:01')
        .replace('${serial}', 'LAB-1')
        .replace('${uuid}', '77000000-0000-4000-8000-000000000001'),
    )
  expect(TUTORIAL.fences.map(({ text }) => text.trimEnd().split('\n'))).toContainEqual(shown)
})

test('the lab tells of a machine what the tutorial shows', () => {
  const machines = [1, 2, 3, 4].map(at => ({ name: `node${at}`, firmware: 'bios' as const, mac: '' }))
  const steps: [stage: Stage, ms: number][] = [
    [{ at: 'power-on' }, 0],
    [{ at: 'loader' }, 300],
    [{ at: 'script' }, 500],
    [{ at: 'iso', received: 0, total: 131_072_000 }, 1000],
    [{ at: 'iso', received: 32_768_000, total: 131_072_000 }, 1999],
    [{ at: 'answer' }, 1999],
    [{ at: 'installing' }, 2000],
    [{ at: 'reboot' }, 4000],
    [{ at: 'installed' }, 5000],
  ]
  let state = newLabState('', machines, 0)
  const lines: string[] = []
  for (const [stage, at] of steps) {
    for (const { name } of machines)
      state = observe(state, name, stage, at, stage.at === 'power-on' ? undefined : '10.77.1.1')
    if (stage.at !== 'iso' || stage.received > 0) lines.push(changeLine(state.rows[0]!, at))
  }
  const [last] = summary(state, 5000, { width: 80, height: 25, colour: false })
  expect(TUTORIAL.fences.map(({ text }) => text.trimEnd())).toContain([...lines, last].join('\n'))
})
