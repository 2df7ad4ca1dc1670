/** The fleet as DHCP sees it: the registry, asked through the boot plan. */
import { hostNameFor } from '../answer/for-machine.ts'
import { type DhcpPlan, dhcpPlan, type LoaderNames } from '../boot/plan.ts'
import type { Urls } from '../boot/urls.ts'
import { bootView, expectsAnswer, loaderKindOf, silentReason } from '../boot/view.ts'
import { Alarms } from '../kit/alarms.ts'
import type { Clock, Instant } from '../kit/clock.ts'
import { workedOut } from '../kit/worked-out.ts'
import { loopIn } from '../machine/boot-loop.ts'
import { describeLoop, type MachineId } from '../machine/event.ts'
import { toldOf } from '../machine/facts.ts'
import type { Machine } from '../machine/lifecycle.ts'
import type { Registry } from '../machine/registry.ts'
import { isPlaceholderUuid } from '../site/identity.ts'
import type { Site } from '../site/types.ts'
import type { ClientView, DhcpClient, DhcpFact, DhcpFleet } from './fleet.ts'
import { registryReservations } from './registry-reservations.ts'

export type FleetOptions = {
  registry: Registry
  site: Site
  urls: Urls
  /** Of the certificate that is served, for a machine that is told it now. */
  fingerprint: () => string
  /** What the loader folder holds. */
  loaders: LoaderNames
  clock: Pick<Clock, 'now' | 'elapsed'>
  /** Hears of machines that go in circles. */
  alarms?: Pick<Alarms, 'raise'>
}

/** Facts of a system that renews its lease are worth one line, not one every half hour. */
function isNews(machine: Machine, fact: Extract<DhcpFact, { fact: 'acknowledged' }>): boolean {
  const { stage } = fact.client.boot
  return stage !== 'system' || machine.stage !== stage || machine.address !== fact.address
}

/** Firmware asks anew after 4, 8, 16 and 32 seconds while nobody gives it an address; that is one boot. */
const SAME_BOOT_MS = 60_000

/** Whether what a machine was told to boot is news: said twice in a row within a minute, it asked twice. */
function bootNews(clock: Pick<Clock, 'now' | 'elapsed'>): (machine: Machine, told: string) => boolean {
  const last = new Map<MachineId, { told: string; at: Instant }>()
  return (machine, told) => {
    const now = clock.now()
    const before = last.get(machine.id)
    const isRecent = before !== undefined && now >= before.at && now - before.at < SAME_BOOT_MS
    const isRepeat = isRecent && before.told === told && machine.lastEventAt <= before.at
    if (!isRepeat) last.set(machine.id, { told, at: now })
    return !isRepeat
  }
}

/** Looks at a machine that asks for something to boot: whether it goes in circles, for all to hear (H19). */
function loopWatch({ registry, clock, alarms = new Alarms(clock) }: FleetOptions) {
  return (machine: Machine, { boot: { stage } }: DhcpClient): void => {
    if (machine.loop !== undefined || (stage !== 'firmware' && stage !== 'ipxe')) return
    const loop = loopIn(machine.futile ?? {}, stage, clock.now())
    if (!loop) return
    registry.inBackground(machine.id, registry.record(machine.id, loop, 'dhcp'))
    const title = registry.titleOf(machine)
    const hint = `look at its screen, then \`rackrise machine approve ${title}\` or \`reinstall\` to let it try again`
    alarms.raise({
      code: 'boot-loop',
      subject: title,
      severity: 'alarm',
      message: `${title}: ${describeLoop(loop)}`,
      hint,
    })
  }
}

/** What a machine took or was told goes to its timeline; offers, refusals and silences stay in the log. */
function teller({ registry, clock }: FleetOptions): (fact: DhcpFact) => void {
  const isBootNews = bootNews(clock)
  return fact => {
    if (fact.fact !== 'acknowledged' && fact.fact !== 'boot-told') return
    const machine = registry.byMac(fact.client.mac)
    if (!machine) return
    const { stage } = fact.client.boot
    const loader = fact.plan.do === 'load' ? { loader: fact.plan.loader } : {}
    if (fact.fact === 'boot-told') {
      if (isBootNews(machine, `${stage} ${loader.loader ?? ''}`))
        registry.inBackground(machine.id, registry.record(machine.id, { type: 'boot-told', stage, ...loader }, 'dhcp'))
    } else if (isNews(machine, fact)) {
      registry.inBackground(
        machine.id,
        registry.record(machine.id, { type: 'leased', address: fact.address, stage, ...loader }, 'dhcp'),
      )
    }
  }
}

/** Whoever boots from the network becomes known; a laptop on the VLAN does not. */
function finder({ registry, site }: FleetOptions): (client: DhcpClient) => Machine | undefined {
  // Told at first sight in any case; an event of its own is worth it only where somebody asks.
  const asksFirmware = workedOut(
    () => [site.rules],
    () => site.rules.some(({ when }) => when.some(({ fact }) => fact === 'firmware')),
  )
  return ({ mac, uuid, boot, inspects }) => {
    if (inspects) return undefined
    const known = registry.byMac(mac)
    // An installer that nobody knows asks through the other NIC of a machine, or was booted from a stick: its answer request tells who it is.
    const { stage } = boot
    if (stage === 'system' || (stage === 'installer' && !known) || !registry.admits(mac)) return known
    const firmware = 'architecture' in boot ? boot.architecture : undefined
    const news =
      known === undefined ||
      (uuid !== undefined && uuid !== known.uuid && !isPlaceholderUuid(uuid)) ||
      (firmware !== undefined && asksFirmware() && firmware !== known.told?.['firmware']?.[0])
    if (!news) return known
    const told = firmware ? { told: toldOf({ firmware: [firmware] }) } : {}
    registry.inBackground(mac, registry.sight({ macs: [mac], ...(uuid ? { uuid } : {}), ...told }, 'dhcp'))
    return registry.byMac(mac)
  }
}

export function registryFleet(options: FleetOptions): DhcpFleet {
  const { registry, site, urls, loaders } = options
  const { reservationOf, ownerOf, addresses } = registryReservations(options)
  const watchLoops = loopWatch(options)
  const machineOf = finder(options)

  const planOf = (client: DhcpClient, machine: Machine): DhcpPlan => {
    const silent = silentReason(machine, registry.listing(machine), site.boot.unknown)
    const attempt = site.dhcp.answerOptions ? expectsAnswer(machine) : undefined
    const answer = attempt && {
      url: urls.answer(registry.token(attempt, 'answer')),
      fingerprint: options.fingerprint(),
    }
    const loader = loaderKindOf(machine, registry.listing(machine), site)
    const view = { ...bootView(silent, urls.script(client.mac), answer), loops: machine.loop !== undefined, loader }
    return dhcpPlan(client.boot, view, loaders)
  }

  /** An installer with `fqdn.source = "from-dhcp"` fails without a name, so one that is to install hears that of its answer. */
  const nameFor = (client: DhcpClient, machine: Machine): Pick<ClientView, 'hostName'> => {
    const listing = registry.listing(machine)
    if (listing.name) return { hostName: listing.name }
    const isInstalling = client.boot.stage === 'installer' && expectsAnswer(machine) !== undefined
    return isInstalling ? { hostName: hostNameFor(listing, machine) } : {}
  }

  /** By its MAC, and by nothing that any number of invented MACs could say alike. */
  const isListed = ({ mac }: DhcpClient, machine: Machine | undefined, reservedBy: string | undefined): boolean =>
    reservedBy === `mac ${mac}` ||
    (machine !== undefined && (machine.attempts > 0 || registry.listing(machine).from === 'machine'))

  return {
    view(client): ClientView {
      const machine = machineOf(client)
      const reservation = reservationOf(client, machine)
      const reserved = isListed(client, machine, reservation.reservedBy)
        ? { ...reservation, isListed: true as const }
        : reservation
      // Not remembered, for whatever reason: told to boot the disk like everybody, unless the site ignores strangers.
      if (!machine) {
        const silent = client.boot.stage !== 'system' && site.boot.unknown === 'ignore' ? 'ignored' : undefined
        const view = { ...bootView(silent, urls.script(client.mac)), loader: site.boot.loader }
        return { plan: dhcpPlan(client.boot, view, loaders), ...reserved }
      }
      registry.heard(machine.id)
      watchLoops(machine, client)
      const { options: own } = registry.listing(machine)
      return {
        plan: planOf(client, registry.byMac(machine.id) ?? machine),
        ...reserved,
        ...(own.length > 0 ? { options: own } : {}),
        ...nameFor(client, machine),
      }
    },
    reservedFor: ownerOf,
    reserved: addresses,
    tell: teller(options),
  }
}
