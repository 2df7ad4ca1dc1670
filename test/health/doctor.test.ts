import { expect, test } from 'vitest'
import { PROBE_LIMIT_MS, type Probe, runDoctor } from '../../services/health/doctor.ts'
import { finding } from '../../services/health/finding.ts'
import { alarmOfFindings } from '../../services/health/self-check.ts'
import { unknownTo } from '../../services/health/probes.ts'
import { Alarms } from '../../services/kit/alarms.ts'
import { FakeClock } from '../fake/clock.ts'
import { HeardLog } from '../machine/rig.ts'

const probe = (name: Probe['name'], run: Probe['run']): Probe => ({ name, title: `the ${name}`, waitsMs: 0, run })
const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

test('the worst first; one that fails and one that hangs keep nobody from the rest', async () => {
  const clock = new FakeClock()
  const began = clock.now()
  const told: unknown[] = []
  const run = runDoctor(
    [
      probe('link', async () => [finding('link-ready'), finding('mtu-small')]),
      probe('ports', async () => {
        throw new Error('no /proc')
      }),
      probe('dns', () => new Promise(() => {})),
      probe('clock', async () => [finding('clock-wrong')]),
    ],
    { clock, onProgress: news => told.push(news) },
  )
  await turn()
  expect([told[0], told.at(-1)]).toEqual([
    { done: 0, total: 4, doing: 'the link, the ports, the dns, the clock', leftMs: 1000 },
    { done: 3, total: 4, doing: 'the dns', leftMs: 1000 },
  ])
  clock.advance(PROBE_LIMIT_MS)
  const { at, tookMs, findings } = await run
  expect([at, tookMs]).toEqual([began, 12_000])
  expect(findings.map(({ code, probe: by, message }) => [code, by, message])).toEqual([
    ['clock-wrong', 'clock', 'the clock is wrong'],
    ['probe-failed', 'ports', 'the ports: no /proc'],
    ['mtu-small', 'link', 'the MTU is smaller than the 1500 bytes that firmware counts on'],
    ['probe-late', 'dns', 'the dns: no result within 12 seconds'],
    ['link-ready', 'link', 'the interface is up, with carrier and its address'],
  ])
  expect([told.at(-1), clock.pendingTimers]).toEqual([{ done: 4, total: 4, doing: '', leftMs: 0 }, 0])
})

test('what is left is what the slowest that still waits may take, and never more than all may', async () => {
  const clock = new FakeClock()
  const left: number[] = []
  const slow = (name: Probe['name'], waitsMs: number): Probe => ({
    ...probe(name, () => new Promise(resolve => clock.after(waitsMs, () => resolve([])))),
    waitsMs,
  })
  const run = runDoctor([slow('pools', 9000), slow('servers', 5500), slow('ports', 60_000)], {
    clock,
    onProgress: ({ leftMs }) => left.push(leftMs),
  })
  await turn()
  for (const pass of [5500, 3500, 3000]) {
    clock.advance(pass)
    await turn()
  }
  await run
  expect(left).toEqual([12_000, 6500, 3000, 0])
})

test('what is looked at once more by somebody with more rights', () => {
  const codes = [finding('watch-deaf'), finding('firewall-unknown'), finding('alone'), finding('firewall-unknown')]
  expect(unknownTo(codes)).toEqual(['servers', 'firewall'])
})

test('what the appliance finds by itself is an alarm until it is mended, and said once', () => {
  const [alarms, log] = [new Alarms(new FakeClock()), new HeardLog()]
  const tell = alarmOfFindings(alarms, log)
  const full = finding('disk-full', 'the disk of /s has 4.0 KiB left')
  tell([full, finding('loaders-old'), finding('loaders-missing'), finding('clock-free-running')])
  tell([full, finding('loaders-missing')])
  const list = () => alarms.list().map(({ code, severity, endedAt }) => [code, severity, endedAt === undefined])
  expect(list()).toEqual([
    ['disk-full', 'alarm', true],
    ['loaders-missing', 'alarm', true],
  ])
  expect(log.lines).toEqual(['warn the disk of /s has 4.0 KiB left', 'warn a loader is missing'])
  tell([finding('clock-synchronised')])
  expect(list().map(([, , lasts]) => lasts)).toEqual([false, false])
})
