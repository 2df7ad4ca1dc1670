/** What a person sees: aligned, glyph and word, the worst first, what to do on a line of its own; as the manual shows it. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'
import { doctorText } from '../../services/cli/doctor-text.ts'
import type { Sighting } from '../../services/dhcp/sighting.ts'
import { type Finding, finding, worstFirst } from '../../services/health/finding.ts'
import { judgeForwarding, judgeLink } from '../../services/health/probe/link.ts'
import { judgePorts } from '../../services/health/probe/ports.ts'
import { judgeServers } from '../../services/health/probe/servers.ts'
import { judgeState } from '../../services/health/probe/state.ts'
import { judgeCertificate, judgeClock } from '../../services/health/probe/time.ts'
import { ip, mac } from '../dhcp/messages.ts'
import { siteOf } from '../machine/rig.ts'
import { ROOT } from '../presubmit/source.ts'

const NOW = Date.UTC(2026, 10, 26, 11, 30)
const OTHER = ip('10.77.0.2')
const site = siteOf()

/** A rack that somebody is about to switch on, with a forgotten server and a dnsmasq beside us. */
function findings(): Finding[] {
  const sighting: Sighting = {
    ...{ by: 'offer', server: OTHER, from: OTHER, machine: mac('02:52:72:77:00:01') },
    ...{ offered: ip('10.77.0.212'), bootFile: 'other.efi', saysBoot: true },
  }
  const macs = new Map([[OTHER, mac('52:54:00:77:00:99')]])
  const dnsmasq = { protocol: 'udp', address: '0.0.0.0', port: 53, pid: 812, program: 'dnsmasq' } as const
  const link = { isUp: true, hasCarrier: true, speedMbit: 1000, duplex: 'full', mtu: 1400, addresses: ['10.77.0.1'] }
  const tree = { version: 2, forwardDelayMs: 15_000, bridge: '00:1c:73:0a:11:02' }
  return worstFirst([
    finding('not-running'),
    ...judgeServers([sighting], site, { isRunning: false, macs }),
    ...judgePorts({ taken: ['udp 10.77.0.1:53'], forbidden: [] }, [dnsmasq], site),
    ...judgeLink(link, site),
    ...judgeForwarding({}, tree, 'eth1'),
    ...judgeClock({ now: NOW, isSynchronised: true }),
    ...judgeCertificate(undefined, [], NOW),
    ...judgeState(undefined, '/var/lib/rackrise'),
  ])
}

test('the manual shows what is printed', () => {
  const manual = readFileSync(join(ROOT, 'docs/doctor.md'), 'utf8')
  const printed = stripVTControlCharacters(doctorText(findings(), 5612, 100))
  expect(manual).toContain(`$ sudo npx rackrise doctor\n${printed}\n`)
})

test.each([
  ['a terminal that is wide', 400],
  ['a narrow one', 80],
])('no line is wider than %s, and every line of a finding begins where its words do', (_, width) => {
  const lines = stripVTControlCharacters(doctorText(findings(), 5612, width))
    .split('\n')
    .slice(0, -2)
  expect(Math.max(...lines.map(line => line.length))).toBeLessThanOrEqual(width)
  for (const line of lines) expect(line).toMatch(/^(([✖▲•✔] (error|warning|info|ok) +)|( {11}))\S/)
})

test('nothing to do is said in one word', () => {
  const printed = stripVTControlCharacters(doctorText([finding('alone')], 5500, 100))
  expect(printed).toBe('✔ ok       no other DHCP server answers\n\nfine; looked for 5.5 s')
})
