/**
 * dnsmasq as a rival server on the same wire: a machine ends with one lease that both servers agree on, nothing is acknowledged that was chosen
 * elsewhere, and machines of the other server are told no only by a site that says it is the only one.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { startClient, toldTo } from './dhcp-clients.ts'
import { decidedFor, OURS, reasonsFor, startServer } from './dhcp-decisions.ts'
import { type Program, Spaces } from './spaces.ts'

const LIMIT_MS = 60_000
const THEIRS = '10.77.0.9'
const MAC = 'bc:24:11:ab:12:21'
/** What acknowledges or refuses; the rest is offers and silence. */
const VERDICTS = new Set([
  'selected',
  'rebooted',
  'renewed',
  'adopted',
  'repeated',
  'outside-pools',
  'no-record',
  'address-taken',
])

let spaces: Spaces
const programs = new Set<Program>()

beforeAll(() => {
  spaces = new Spaces('rival')
  const plug = { device: 'eth0', wire: 'rack' }
  spaces.host('server', { ...plug, address: `${OURS}/24` })
  spaces.host('rival', { ...plug, address: `${THEIRS}/24` })
  spaces.host('machine', { ...plug, mac: MAC })
}, LIMIT_MS)

afterEach(async () => {
  for (const program of programs) await program.stop()
  programs.clear()
  spaces.ip('machine', 'addr', 'flush', 'dev', 'eth0')
  for (const file of ['rival.leases', 'machine.leases']) rmSync(spaces.path(file), { force: true })
}, LIMIT_MS)
afterAll(() => spaces.close(), LIMIT_MS)

function running(program: Program): Program {
  programs.add(program)
  return program
}

/** Its pool is beside ours, on the same network; option 66 tells its offers from ours. */
async function startRival(authoritative: boolean, ...words: string[]): Promise<Program> {
  const options = [
    '--port=0',
    '--interface=eth0',
    '--bind-interfaces',
    '--user=root',
    '--no-ping',
    '--dhcp-range=10.77.0.200,10.77.0.210,1h',
    '--dhcp-option-force=66,rival',
    `--dhcp-leasefile=${spaces.path('rival.leases')}`,
    `--pid-file=${spaces.path('rival.pid')}`,
    ...(authoritative ? ['--dhcp-authoritative'] : []),
    ...words,
  ]
  const rival = running(spaces.start('rival', ['dnsmasq', '-d', '-C', '/dev/null', ...options]))
  await rival.said(/DHCP, IP range/)
  return rival
}

async function startOurs(authoritative: boolean): Promise<Program> {
  return running(await startServer(spaces, 'server', { authoritative }))
}

function leasedByRival(): string[] {
  const file = spaces.path('rival.leases')
  const lines = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []
  return lines.flatMap(line => (line.includes(MAC) ? [line.split(' ')[2]!] : []))
}

function verdicts(ours: Program): string[] {
  return reasonsFor(ours, MAC).filter(reason => VERDICTS.has(reason))
}

/** A machine that takes no offer without option 66, which only the rival's have. */
function fastidious(): Program {
  const file = spaces.path('fastidious.conf')
  writeFileSync(
    file,
    'require tftp-server-name;\nrequest subnet-mask, routers, tftp-server-name;\nretry 2;\nselect-timeout 2;\n',
  )
  return running(startClient(spaces, 'machine', 'dhclient', '-cf', file))
}

describe.each([
  ['both say they are the only one', true],
  ['neither says it is the only one', false],
])('%s', (_, authoritative) => {
  test(
    'D02 a machine takes the other offer: ours is withdrawn, and nothing is acknowledged',
    async () => {
      const ours = await startOurs(authoritative)
      await startRival(authoritative)
      const told = await toldTo(fastidious())
      expect([told.server, leasedByRival()]).toEqual([THEIRS, [told.address]])
      await ours.said(decidedFor(MAC, 'foreign-server'))
      expect([reasonsFor(ours, MAC).includes('from-pool'), verdicts(ours)]).toEqual([true, []])
    },
    LIMIT_MS,
  )

  test(
    'D01 a machine takes our offer: the other server leases nothing',
    async () => {
      const ours = await startOurs(authoritative)
      await startRival(authoritative, '--dhcp-reply-delay=2')
      const told = await toldTo(running(startClient(spaces, 'machine', 'udhcpc')))
      expect([told, verdicts(ours)]).toEqual([
        { address: '10.77.0.100', server: OURS, router: '10.77.0.254' },
        ['selected'],
      ])
      expect(leasedByRival()).toEqual([])
    },
    LIMIT_MS,
  )

  test(
    'whoever is first: one lease, known to the server that gave it and to no other',
    async () => {
      const ours = await startOurs(authoritative)
      await startRival(authoritative)
      const told = await toldTo(running(startClient(spaces, 'machine', 'dhcpcd')))
      const isOurs = told.server === OURS
      expect([OURS, THEIRS]).toContain(told.server)
      expect([leasedByRival(), verdicts(ours)]).toEqual(isOurs ? [[], ['selected']] : [[told.address], []])
    },
    LIMIT_MS,
  )
})

/** A machine that has a lease of the rival and is switched on again while both serve: INIT-REBOOT with the rival's address. */
async function rebootWithTheirLease(
  authoritative: boolean,
): Promise<{ ours: Program; had: string; has: string; by: string }> {
  await startRival(authoritative)
  const before = fastidious()
  const { address: had } = await toldTo(before)
  await before.said(/bound to/)
  await before.stop()
  const ours = await startOurs(authoritative)
  spaces.ip('machine', 'addr', 'flush', 'dev', 'eth0')
  const after = fastidious()
  const { address: has, server: by } = await toldTo(after)
  await ours.said(new RegExp(`"mac":"${MAC}"`))
  return { ours, had, has, by }
}

test(
  'D06 a machine of the other server comes back: a site that is not the only one says nothing',
  async () => {
    const { ours, had, has, by } = await rebootWithTheirLease(false)
    expect([has, by, leasedByRival()]).toEqual([had, THEIRS, [had]])
    expect(new Set(reasonsFor(ours, MAC))).toEqual(new Set(['unknown-client']))
  },
  LIMIT_MS,
)

test(
  'D06 and a site that says it is the only one says no; the machine ends with one lease all the same',
  async () => {
    const { ours, has, by } = await rebootWithTheirLease(true)
    expect([by, leasedByRival()]).toEqual([THEIRS, [has]])
    expect(reasonsFor(ours, MAC)).toContain('outside-pools')
    expect(verdicts(ours).filter(reason => reason !== 'outside-pools')).toEqual([])
  },
  LIMIT_MS,
)
