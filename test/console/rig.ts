/** Applications as they stand behind the control socket: with the routes that a test is about, or with all of them over an appliance that is none. */
import type { Passwords } from '../../services/answer/passwords.ts'
import { urlsOf } from '../../services/boot/urls.ts'
import { addProbes } from '../../services/console/appliance-api.ts'
import { buildConsoleApp, type ConsoleApp } from '../../services/console/app.ts'
import { addControl, type ControlContext } from '../../services/console/control.ts'
import { storedLeases } from '../../services/console/leases.ts'
import { socketPrincipal } from '../../services/console/principal.ts'
import type { IsoEntry, LibraryFile } from '../../services/iso/catalogue.ts'
import { Alarms } from '../../services/kit/alarms.ts'
import type { Log } from '../../services/kit/log.ts'
import type { Problem } from '../../services/kit/problem.ts'
import { WorkList } from '../../services/kit/work.ts'
import { promMeter } from '../../services/kit/prom-meter.ts'
import type { Ipv4 } from '../../services/kit/ipv4.ts'
import type { MachineId } from '../../services/machine/event.ts'
import type { MachineChange } from '../../services/machine/fleet-changes.ts'
import type { SiteChange } from '../../services/site/changes.ts'
import type { MachineDocument } from '../../services/store/types.ts'
import { layersOf } from '../answer/samples.ts'
import { MemoryStore } from '../dhcp/rig.ts'
import { FakeReloading } from '../fake/reloading.ts'
import { FakeClock } from '../fake/clock.ts'
import { Fleet, NODE1, siteOf } from '../machine/rig.ts'

const VERSION = '1.2.3'

export async function socketApp(log: Log): Promise<ConsoleApp> {
  const app = await buildConsoleApp({ log, version: VERSION, identify: socketPrincipal })
  addProbes(app, { prove: async () => {}, clock: new FakeClock(), log })
  return app
}

/** A layer that is a whole answer. */
export const LAYER = `[global]
keyboard = "de"
country = "de"
mailto = "ops@example.org"
timezone = "Europe/Berlin"
root-password = "correct horse"
[network]
source = "from-dhcp"
[disk-setup]
filesystem = "ext4"
disk-list = ["sda"]
`

const NO_ISO: Problem = { code: 'no-iso', message: 'no ISO', hint: 'put one there', severity: 'error' }

const MIB = 1024 ** 2
const ENTRY = {
  ...{ file: 'pve.iso', path: '/isos/pve.iso', size: 1536 * MIB, autoInstallCapable: true },
  release: { product: 'pve', productLong: 'Proxmox VE', release: '9.2', isorelease: '1', arch: 'amd64' },
  image: { volumeId: 'PVE', size: 1536 * MIB },
  kernel: { path: 'boot/linux26', offset: 0, length: 14 * MIB },
  initrd: { path: 'boot/initrd.img', offset: 0, length: 60 * MIB },
  baked: {},
} as unknown as IsoEntry
const LIBRARY_FILE: LibraryFile = {
  ...{ file: 'pve.iso', path: '/isos/pve.iso', size: 1536 * MIB, result: ENTRY, problems: [], entry: ENTRY },
}
const CHANGES: SiteChange[] = [
  {
    ...{ what: 'setting', name: 'log.level', change: 'changed' },
    keys: [{ key: 'log.level', before: 'info', after: 'debug' }],
  },
]
const MACHINES: MachineChange[] = [
  {
    ...{ id: NODE1 as MachineId, name: 'node1', macs: [NODE1], serial: '7K2QX93', change: 'removed' },
    ...{ keys: [], starts: true },
  },
]

function documentOf(machine: string, kind: MachineDocument['kind']): MachineDocument {
  const posted = { product: { product: 'pve' }, network_interfaces: [{ mac: NODE1, address: '10.77.0.11' }] }
  return { machine, kind, at: 0, body: JSON.stringify(posted) }
}

export type FakeAppliance = {
  rig: Fleet
  app: ConsoleApp
  context: ControlContext
  leases: MemoryStore
  reloading: FakeReloading
  alarms: Alarms
}

/** One machine, `node1`, that has posted; one lease of its; one webhook; one alarm; no ISO. */
export async function fakeAppliance({ password = '', file = 'site.toml' } = {}): Promise<FakeAppliance> {
  const rig = await Fleet.open({ ...siteOf(), file })
  const { registry, site, clock, log } = rig
  const alarms = new Alarms(clock)
  alarms.raise({ code: 'hot', severity: 'warning', message: 'it is hot', hint: 'open a window' })
  const leases = new MemoryStore()
  const times = { boundAt: clock.now(), expiresAt: clock.now() + 3_600_000 }
  await leases.put({ address: '10.77.0.11' as Ipv4, mac: NODE1, state: 'bound', ...times })
  const target = { number: 1, url: 'https://a.example.org/…', events: ['failed'], pending: 0, givenUp: 0, tries: 0 }
  const reloading = new FakeReloading(site, clock)
  // It changes this and that, and is refused all the same.
  reloading.next = { refused: true, problems: [NO_ISO] }
  const { sha256 } = site
  reloading.preview = async () => ({ reloaded: false, sha256, changes: CHANGES, machines: MACHINES, warnings: [] })
  const context = {
    ...{
      registry,
      site,
      clock,
      log,
      alarms,
      work: new WorkList(clock),
      version: VERSION,
      startedAt: clock.now(),
      meter: promMeter(),
    },
    ...{ urls: urlsOf(site), fingerprint: () => 'ab'.repeat(32), layers: async () => layersOf({ default: LAYER }) },
    store: {
      documents: { get: async (machine: string, kind: MachineDocument['kind']) => documentOf(machine, kind) },
      passwords: { get: async () => undefined },
      events: rig.store,
      prove: async () => {},
      waiting: 0,
    },
    catalogue: {
      ...{ folder: '/isos', files: () => [LIBRARY_FILE], folderProblems: () => [NO_ISO] },
      ...{ rescan: async () => {}, find: () => NO_ISO },
      verify: () => new Promise(() => {}),
    },
    reloading,
    health: {
      check: async () => ({ at: 0, tookMs: 1, problems: [NO_ISO] }),
      examine: async () => ({ at: 0, tookMs: 1, findings: [] }),
      lastExamination: () => undefined,
    },
    passwords: {
      take: async () => ({ attempt: rig.registry.byMac(NODE1)!.attempt!.id, password }),
    } as unknown as Passwords,
    leases: storedLeases(leases, clock),
    outbox: { views: async () => [target], retry: async (number?: number) => number === undefined || number === 1 },
  } as unknown as ControlContext
  const app = await buildConsoleApp({ log, version: VERSION, identify: socketPrincipal })
  addControl(app, context)
  return { rig, app, context, leases, reloading, alarms }
}
