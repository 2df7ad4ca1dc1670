/** What HTTP refuses, and what it decides: one word for the log, the metric and the manual. */
import { readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { REASONS } from '../../services/http/reasons.ts'
import type { Mac } from '../../services/kit/mac.ts'
import { NODE1 } from '../machine/rig.ts'
import { type Ask, ELSEWHERE, Rig } from './rig.ts'

const README = readFileSync(new URL('../../services/http/README.md', import.meta.url), 'utf8')

test('the manual and the code list the same reasons, in the same words', () => {
  const listed = README.split('\n').filter(line => /^\| `[a-z-]+` \| [a-z, -]+ \|/.test(line))
  const known = Object.entries(REASONS).map(
    ([code, { routes, message, action, severity }]) =>
      `| \`${code}\` | ${routes.join(', ')} | ${message} | ${action} | ${severity} |`,
  )
  expect(listed).toEqual(known)
})

test('whoever must act is told how', () => {
  const silent = Object.entries(REASONS).filter(
    ([, { action, severity }]) => severity !== 'info' && action.startsWith('nothing:'),
  )
  expect(silent).toEqual([])
})

describe('counted and written down once', () => {
  let rig: Rig
  beforeEach(async () => {
    rig = await Rig.start()
  })
  afterEach(() => rig.close())

  const from = { from: ELSEWHERE }
  const STRANGER = '52:54:00:00:00:99' as Mac
  type Case = [route: string, reason: string, ask: (rig: Rig) => Promise<unknown>, line: string[]]
  const tls =
    (path: string, how: Ask = {}) =>
    (to: Rig) =>
      to.tls(path, how)
  const plain =
    (path: string, how: Ask = {}) =>
    (to: Rig) =>
      to.plain(path, how)

  test.each<Case>([
    ['script', 'address-mismatch', plain(`/boot.ipxe?mac=${NODE1}`, from), ['warn refused a boot script']],
    [
      'script',
      'no-ethernet-address',
      plain('/boot.ipxe?mac=80:00:02:08:fe:80:00:00:00:00:00:00:00:00:00:00:00:00:00:01', from),
      ['info refused a boot script'],
    ],
    ['file', 'no-such-attempt', plain('/boot/00000000/vmlinuz'), ['info refused a boot file']],
    ['file', 'no-such-file', plain('/loaders/none.efi'), ['info refused a boot file']],
    ['file', 'no-such-file', plain('/isos/none/vmlinuz'), ['info refused a boot file']],
    ['answer', 'unreadable-information', tls('/answer', { method: 'POST', body: '{' }), ['warn refused an answer']],
    [
      'answer',
      'unknown-machine',
      tls('/answer', { method: 'POST', body: `{"network_interfaces":[{"mac":"${STRANGER}"}]}`, ...from }),
      ['warn refused an answer'],
    ],
    [
      'answer',
      'not-approved',
      tls('/answer', { method: 'POST', body: `{"network_interfaces":[{"mac":"${NODE1}"}]}` }),
      ['warn refused an answer to 127.0.0.11: not-approved'],
    ],
    ['report', 'unknown-token', tls('/webhook/none', { method: 'POST', body: '{}' }), ['warn refused a report']],
    ['first-boot', 'unknown-token', tls('/first-boot/none'), ['warn refused a first-boot script']],
  ])('%s %s', async (route, reason, ask, lines) => {
    await ask(rig)
    const series = `rackrise_http_decisions_total{route="${route}",outcome="refused",reason="${reason}"}`
    expect(rig.meter.read('rackrise_http_decisions_total')).toEqual({ [series]: 1 })
    const { message } = REASONS[reason as keyof typeof REASONS]
    const said = rig.log.lines.filter(line => line.includes('refused'))
    expect(said).toEqual(lines.map(line => (line.includes(': ') ? line : `${line}: ${message}`)))
  })

  test('an ISO that is gone refuses the attempt’s files', async () => {
    await rig.bring('booting')
    await rm(join(rig.folder, 'isos'), { recursive: true })
    await rig.plain(`/boot/${rig.node1.attempt!.id}/vmlinuz`)
    expect(rig.meter.read('rackrise_http_decisions_total{route="file"')).toEqual({
      'rackrise_http_decisions_total{route="file",outcome="refused",reason="file-changed"}': 1,
    })
  })

  test('what is served is counted, by bytes and by how it ended', async () => {
    await rig.plain(`/boot.ipxe?mac=${NODE1}`)
    await rig.bring('booting')
    const path = `/boot/${rig.node1.attempt!.id}/vmlinuz`
    const whole = await rig.plain(path)
    await rig.plain(path, { headers: { range: 'bytes=0-99' } })
    await rig.plain(path, { method: 'HEAD' })
    await rig.plain(path, { headers: { 'if-none-match': String(whole.headers.etag) } })
    await rig.plain(path, { headers: { range: 'bytes=999999999-' } })
    // The client has its last octet before the sender has said so.
    await expect
      .poll(() => rig.meter.read('rackrise_http'))
      .toEqual({
        'rackrise_http_decisions_total{route="script",outcome="local-disk",reason="held"}': 1,
        'rackrise_http_files_total{part="kernel",outcome="whole"}': 1,
        'rackrise_http_files_total{part="kernel",outcome="range"}': 1,
        'rackrise_http_files_total{part="kernel",outcome="head"}': 1,
        'rackrise_http_files_total{part="kernel",outcome="unchanged"}': 1,
        'rackrise_http_files_total{part="kernel",outcome="no-such-range"}': 1,
        'rackrise_http_file_bytes_total{part="kernel"}': whole.body.length + 100,
      })
  })
})
