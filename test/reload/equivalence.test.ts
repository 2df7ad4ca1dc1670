/** A reload and a restart with the same file end in the same state, whatever the files and the history are. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { DhcpMessage } from '../../services/dhcp/message.ts'
import type { Mac } from '../../services/kit/mac.ts'
import type { Machine } from '../../services/machine/lifecycle.ts'
import { brokenPromises } from '../../services/machine/promises.ts'
import { parseSite } from '../../services/site/parse.ts'
import type { Site } from '../../services/site/types.ts'
import { BIOS, dhcp, IPXE, mac } from '../dhcp/messages.ts'
import { read } from '../dns/rig.ts'
import { NO_INTERFACES } from '../site/sites.ts'
import { Rack } from './rack.ts'

const MACS = [1, 2, 3, 4, 5].map(number => mac(`bc:24:11:00:00:0${number}`))
const SERIALS = MACS.map((_, at) => `S${at}`)
const ADDRESSES = ['10.77.0.11', '10.77.0.12', '10.77.0.101', '10.77.0.150']

const line = (key: string, value: string | undefined): string => (value === undefined ? '' : `${key} = ${value}\n`)
const quoted = (value: string | undefined): string | undefined => (value === undefined ? undefined : `"${value}"`)
const optional = <T>(from: fc.Arbitrary<T>) => fc.option(from, { nil: undefined })

const machines = fc
  .array(
    fc.record({
      address: optional(fc.constantFrom(...ADDRESSES)),
      profile: fc.constantFrom('pve', 'pbs'),
      approve: fc.boolean(),
      hasSerial: fc.boolean(),
      name: fc.constantFrom('node', 'srv'),
    }),
    { maxLength: 3 },
  )
  .map(entries =>
    entries
      .map(({ address, profile, approve, hasSerial, name }, at) =>
        [
          `[[machine]]\nname = "${name}${at}"\nmac = ["${MACS[at]}"]\nprofile = "${profile}"\n`,
          `${line('address', quoted(address))}approve = ${approve}\n${line('serial', hasSerial ? `"${SERIALS[at]}"` : undefined)}`,
        ].join(''),
      )
      .join(''),
  )

const rules = fc
  .shuffledSubarray([
    `[[rule]]\nwhen = { mac = "*:04" }\nprofile = "pve"\nname = "r{{index}}"\n`,
    `[[rule]]\nwhen = { mac = "*:0[45]" }\nprofile = "pbs"\napprove = true\n`,
    `[[rule]]\nwhen = { mac = "*:05" }\nprofile = "pve"\nname = "q{{index}}"\nanswers = ["x"]\n`,
  ])
  .map(some => some.join(''))

const sites: fc.Arbitrary<Site> = fc
  .record({
    pools: fc.constantFrom('10.77.0.100-10.77.0.103', '10.77.0.101-10.77.0.150', '10.77.0.140-10.77.0.199'),
    router: optional(fc.constantFrom('10.77.0.254', '10.77.0.253')),
    lease: fc.constantFrom('30m', '1h'),
    authoritative: fc.boolean(),
    reservation: optional(fc.constantFrom(...MACS)),
    record: optional(fc.constantFrom('10.77.0.5', '10.77.0.6')),
    unknown: fc.constantFrom('hold', 'ignore', 'install'),
    machines,
    rules,
  })
  .map(({ pools, router, lease, authoritative, reservation, record, unknown, machines, rules }) =>
    [
      `[site]\ndomain = "rack.test"\n[network]\ninterface = "eth1"\naddress = "10.77.0.1/24"\n`,
      `[dhcp]\nlease-time = "${lease}"\nauthoritative = ${authoritative}\nprobe = false\n`,
      `[[dhcp.subnet]]\nprefix = "10.77.0.0/24"\npools = ["${pools}"]\n${line('router', quoted(router))}`,
      reservation ? `[[dhcp.reservation]]\nmac = "${reservation}"\naddress = "10.77.0.20"\nname = "ups"\n` : '',
      record ? `[[dns.record]]\nname = "mirror"\ntype = "A"\nvalue = "${record}"\n` : '',
      `[boot]\nunknown = "${unknown}"\n[[profile]]\nname = "pve"\niso = "pve:latest"\n[[profile]]\nname = "pbs"\niso = "pbs:latest"\n`,
      `${machines}${rules}`,
    ].join(''),
  )
  .map(source => parseSite(source, 'site.toml', NO_INTERFACES))
  .filter(outcome => 'site' in outcome)
  .map(outcome => (outcome as { site: Site }).site)

type Step = { do: 'boot' | 'ipxe' | 'tells' | 'approve' | 'script' | 'answer' | 'report' | 'block'; who: Mac }

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    do: fc.constantFrom('boot', 'ipxe', 'tells', 'approve', 'script', 'answer', 'report', 'block'),
    who: fc.constantFrom(...MACS),
  }),
  { maxLength: 12 },
)

async function boot(rack: Rack, who: Mac, firmware: typeof BIOS | typeof IPXE): Promise<DhcpMessage[]> {
  const [offer] = await rack.tell(dhcp('discover', { mac: who, ...firmware }))
  if (!offer) return []
  const request = dhcp('request', { mac: who, ...firmware, wants: offer.yiaddr, server: '10.77.0.1' })
  return [offer, ...(await rack.tell(request))]
}

async function take(rack: Rack, { do: what, who }: Step): Promise<void> {
  const { registry } = rack
  rack.clock.advance(1000)
  const machine = registry.byMac(who)
  const attempt = machine?.attempt?.id
  if (what === 'boot') await boot(rack, who, BIOS)
  else if (what === 'ipxe') await boot(rack, who, IPXE)
  else if (what === 'tells') await registry.sight({ macs: [who], serial: SERIALS[MACS.indexOf(who)]! }, 'http')
  else if (!machine) return
  else if (what === 'approve') await registry.startAttempt(machine, { by: 'operator', again: true })
  else if (what === 'block') await registry.record(who as never, { type: 'blocked' }, 'operator')
  else if (!attempt) return
  else if (what === 'script')
    await registry.record(
      who as never,
      { type: 'script-served', attempt, address: '10.77.0.101' as never, resumed: false },
      'http',
    )
  else if (what === 'answer') {
    const answered = { attempt, address: '10.77.0.101', layers: [], sha256: '', leftOut: [], withToken: true }
    await registry.record(who as never, { type: 'answer-served', ...answered }, 'answer')
  } else await registry.record(who as never, { type: 'reported', attempt, installed: { hostKeys: [] } }, 'webhook')
}

/** Attempts that begin only now have names of their own in each. */
function plain(machine: Machine, known: ReadonlySet<string>): unknown {
  const { attempt, ...rest } = machine
  return { ...rest, attempt: attempt && { ...attempt, id: known.has(attempt.id) ? attempt.id : 'new' } }
}

async function stateOf(rack: Rack, known: ReadonlySet<string>): Promise<unknown> {
  const { registry } = rack
  const machines = registry.machines().map(machine => ({
    machine: plain(machine, known),
    listing: registry.listing(machine),
    found: registry.find(registry.titleOf(machine)).map(({ id }) => id),
  }))
  const events = rack.events.rows.map(({ machine, type, source }) => `${machine} ${type} ${source}`)
  const heard: DhcpMessage[] = []
  for (const who of MACS) {
    heard.push(...(await rack.tell(dhcp('request', { mac: who, ciaddr: '10.77.0.101' }))))
    heard.push(...(await boot(rack, who, BIOS)), ...(await boot(rack, who, IPXE)))
  }
  const names = ['node0', 'node1', 'srv0', 'srv1', 'r1', 'r2', 'q1', 'ups', 'mirror', 'ns'].map(
    name => `${name}.rack.test`,
  )
  const reverse = [...ADDRESSES, '10.77.0.20', '10.77.0.5'].map(
    address => `${address.split('.').reverse().join('.')}.in-addr.arpa`,
  )
  // The serial number of a zone grows only when the zone is another one.
  const told: unknown[] = []
  const keep = (replies: readonly Uint8Array[]): void => {
    for (const { rcode, answers } of replies.map(read)) told.push([rcode, answers])
  }
  for (const name of names) keep(await rack.lookUp(name, 1))
  for (const name of reverse) keep(await rack.lookUp(name, 12))
  const leases = rack.dhcp.leases().toSorted((a, b) => a.address.localeCompare(b.address))
  return { machines, events, heard, told, leases }
}

test('M04 a reload ends in the state of a restart with that file, over random files and histories', {
  timeout: 120_000,
}, async () => {
  let compared = 0
  await fc.assert(
    fc.asyncProperty(sites, sites, steps, async (before, after, history) => {
      const rack = await Rack.start(before)
      for (const step of history) await take(rack, step)
      // Whatever was asked is in memory, prepared to be said again.
      const known = new Set(rack.registry.machines().flatMap(({ attempt }) => attempt?.id ?? []))
      await stateOf(rack, known)
      // Offers that are held last a minute, and no restart knows of them.
      rack.clock.advance(61_000)
      // A reload that would break a promise is refused.
      if (brokenPromises(before, after, rack.registry.machines()).length > 0) return
      compared += 1
      const other = await rack.restartedWith(after)
      await rack.reload(after)
      expect(await stateOf(rack, known)).toEqual(await stateOf(other, known))
    }),
    { numRuns: 100 },
  )
  expect(compared).toBeGreaterThan(30)
})
