/** What the API tells beside machines, on an evening when not everything is well. `Q` stands where a machine or a file has its say. */
import type { AlarmView } from '../../../services/console/schema/alarm.ts'
import type { DevicesView } from '../../../services/console/schema/document.ts'
import type { Explanation } from '../../../services/console/schema/explanation.ts'
import type { CheckView, DoctorView, LayersView, RulesView } from '../../../services/console/schema/health.ts'
import type { LibraryView } from '../../../services/console/schema/iso.ts'
import type { ReloadOutcome } from '../../../services/console/reload-api.ts'
import type { LeaseView } from '../../../services/console/schema/lease.ts'
import type { MachineId } from '../../../services/machine/event.ts'
import type { WebhookView } from '../../../services/console/schema/webhook.ts'

const ago = (seconds: number): string => new Date(Date.now() - seconds * 1000).toISOString()

export const TOML = `[global]
keyboard = "de"
fqdn = "node1.rack7.example.org"
root-password-hashed = "***"

[disk-setup]
filesystem = "zfs"
filter.ID_MODEL = "Micron*"
`
export const SECRET = '$6$salt$hash'

export const alarms = (q = ''): AlarmView[] => [
  {
    ...{ code: 'pool-low', subject: '10.77.0.0/24', severity: 'warning', details: {}, count: 3 },
    ...{ message: '6 addresses of 10.77.0.0/24 are free', action: 'enlarge the pool, or see `rackrise lease list`' },
    ...{ firstSeenAt: ago(900), lastSeenAt: ago(12) },
  },
  {
    ...{ code: 'other-server', subject: '10.77.0.3', severity: 'alarm', count: 37 },
    ...{ message: `another DHCP server answers: 10.77.0.3${q}`, action: 'find 52:54:00:aa:bb:cc on the switch' },
    ...{
      details: { mac: '52:54:00:aa:bb:cc', offered: `10.77.0.144${q}` },
      firstSeenAt: ago(7200),
      lastSeenAt: ago(40),
    },
  },
  {
    ...{ code: 'clock-behind', severity: 'warning', message: 'the clock was behind', action: 'nothing', details: {} },
    ...{ firstSeenAt: ago(9000), lastSeenAt: ago(8000), endedAt: ago(7900), count: 1 },
  },
]

export const library = (q = ''): LibraryView => ({
  folder: '/var/lib/rackrise/isos',
  problems: [],
  isos: [
    {
      ...{ file: 'proxmox-ve_9.2-1.iso', path: '/var/lib/rackrise/isos/proxmox-ve_9.2-1.iso', bytes: 1_734_000_000 },
      ...{ state: 'usable', profiles: ['pve'], problems: [] },
      checksum: {
        ...{ outcome: 'good', sha256: 'ab'.repeat(32), lists: ['SHA256SUMS'], signature: 'good', at: ago(86_400) },
      },
      facts: {
        ...{ product: 'pve', productLong: `Proxmox VE${q}`, release: '9.2', spin: '1', architecture: 'amd64' },
        ...{ volume: 'PVE', autoInstall: true, memoryBytes: 6_200_000_000 },
        kernel: { path: '/boot/linux26', bytes: 15_000_000 },
        initrd: { path: '/boot/initrd.img', bytes: 60_000_000, unpackedBytes: 250_000_000 },
      },
    },
    {
      ...{ file: `old${q}.iso`, path: `/var/lib/rackrise/isos/old${q}.iso`, bytes: 1_710_000_000, state: 'unusable' },
      profiles: [],
      problems: [
        {
          ...{ code: 'iso-checksum-failed', severity: 'error', message: `old${q}.iso is not what was published` },
          ...{ hint: 'download it again, then `rackrise iso verify`', place: { file: 'old.iso' } },
        },
      ],
    },
  ],
})

export const leases = (q = ''): LeaseView[] => [
  {
    address: '10.77.0.0',
    mac: 'bc:24:11:7a:00:00',
    name: 'node1',
    state: 'bound',
    boundAt: ago(400),
    expiresAt: ago(-1400),
  },
  {
    address: '10.77.0.1',
    mac: 'bc:24:11:7a:00:01',
    name: 'node2',
    state: 'reserved',
    boundAt: ago(4000),
    expiresAt: ago(400),
  },
  {
    address: '10.77.0.101',
    mac: '52:54:00:12:34:56',
    name: `guest${q}`,
    state: 'quarantine',
    boundAt: ago(100),
    expiresAt: ago(-500),
  },
  { address: '10.77.0.102', mac: '52:54:00:12:34:57', state: 'released', boundAt: ago(9000), expiresAt: ago(6500) },
]

export const metrics = [
  {
    ...{ name: 'rackrise_dhcp_pool_addresses', help: 'Addresses of the pools', type: 'gauge', aggregator: 'sum' },
    values: [
      { labels: { subnet: '10.77.0.0/24', state: 'free' }, value: 6 },
      { labels: { subnet: '10.77.0.0/24', state: 'taken' }, value: 94 },
    ],
  },
]

export const rules = (q = ''): RulesView => ({
  unlisted: 3,
  rules: [
    {
      ...{ rule: 1, when: ['dmi.system.name = "AS-1114S*"'], profile: 'pbs', name: 'backup{{index}}' },
      ...{ answers: ['big-disks'], approve: false, machines: [{ id: 'bc:24:11:7a:00:03', name: `node4${q}` }] },
    },
    { rule: 2, when: ['serial = "7K2QX*"'], profile: 'pve', answers: ['zfs-mirror'], approve: true, machines: [] },
  ],
})

const misspelt = {
  ...{ code: 'unknown-key', message: 'unknown key "pining" (did you mean "pinning"?)', hint: 'correct it' },
  ...{ severity: 'warning' as const, place: { file: '/etc/rackrise/answers/base.toml', line: 14, column: 1 } },
}

export const layers: LayersView = {
  layers: [
    { name: 'base', file: '/etc/rackrise/answers/base.toml', usedBy: ['profile pve'], keys: 14, problems: [misspelt] },
    { name: 'zfs-mirror', file: '/etc/rackrise/answers/zfs-mirror.toml', usedBy: ['rule 2'], keys: 3, problems: [] },
  ],
}

export const check = (): CheckView => ({ at: ago(300), tookMs: 812, problems: [misspelt] })

export const doctor = (q = ''): DoctorView => ({
  at: ago(0),
  tookMs: 3012,
  findings: [
    {
      ...{ code: 'other-server', subject: `10.77.0.3${q}`, severity: 'error' },
      ...{ message: 'another DHCP server answers', hint: 'leave one of them on this network' },
    },
    { code: 'clock-fine', severity: 'ok', message: 'the clock agrees with its time server', hint: 'nothing' },
    { code: 'certificate-fine', severity: 'ok', message: 'the certificate is valid until 2027-11-26', hint: 'nothing' },
  ],
})

export const webhooks = (q = ''): WebhookView[] => [
  {
    ...{ number: 1, url: 'https://hooks.example.org/…', events: ['installed', 'failed'], pending: 2, givenUp: 0 },
    ...{ oldestAt: ago(700), tries: 4, error: `connect ECONNREFUSED 192.0.2.7:443${q}` },
  },
  { number: 2, url: 'http://10.0.0.5/…', events: ['installed'], pending: 0, givenUp: 0, tries: 0 },
]

export const devices = (q = ''): DevicesView => ({
  at: ago(600),
  disks: {
    nvme0n1: { ID_MODEL: 'Micron_7450', ID_SERIAL_SHORT: `2231AB${q}`, ID_PATH: 'pci-0000:41:00.0-nvme-1' },
    sda: { ID_MODEL: `Samsung_SSD_870${q}`, ID_SERIAL_SHORT: 'S6CK1', ID_BUS: 'ata', [`ODD${q}`]: q },
  },
  nics: { eno1: { ID_MODEL_FROM_DATABASE: 'BCM57414', ID_NET_DRIVER: 'bnxt_en' } },
  used: ['nvme0n1'],
})

export const explanation = (q = '', toml = TOML): Explanation => ({
  machine: { id: 'bc:24:11:7a:00:00', name: 'node1', macs: ['bc:24:11:7a:00:00'], seen: true, state: 'installed' },
  conflicts: [],
  facts: [{ fact: 'dmi.system.name', values: [`PowerEdge R6515${q}`], told: 'answer' }],
  listed: 'rule',
  rules: [
    {
      ...{ rule: 1, profile: 'pbs', outcome: 'lost' },
      lost: {
        ...{ condition: 'dmi.system.name = "AS-1114S*"', because: 'differs', told: 'answer' },
        seen: [`PowerEdge R6515${q}`],
      },
    },
    { rule: 2, profile: 'pve', outcome: 'taken' },
  ],
  plan: { boots: 'disk', why: 'it is installed' },
  refusal: { reason: 'not-expected', message: 'no attempt is open' },
  profile: { name: 'pve', why: 'rule 2 names it', iso: 'proxmox-ve_9.2-1.iso' },
  answer: {
    ...{ product: 'pve', release: '9.2', installer: '9.2', leftOut: ['network.pinning'], toml },
    layers: [{ name: 'base', file: '/etc/rackrise/answers/base.toml', why: 'of profile pve' }],
    keys: [{ path: 'disk-setup.filesystem', value: '"zfs"', from: 'zfs-mirror', over: ['base'] }],
  },
  rehearsal: {
    ...{ at: ago(600), erases: [`nvme0n1 (Micron 7450${q})`], leaves: ['sda (Samsung SSD 870)'], nic: 'eno1' },
    doubts: [
      { code: 'disk-count', message: 'a mirror needs two disks, and one fits', hint: 'widen disk-setup.filter' },
    ],
  },
  problems: [misspelt],
  notes: ['its address is counted on as 10.77.0.11'],
})

export const NEXT_SHA256 = '5e'.repeat(32)

const [NODE1, SEVENTH] = ['bc:24:11:7a:00:00' as MachineId, 'bc:24:11:7a:00:06' as MachineId]

/** A site file that changes a profile, and lists a machine that is installed at once. */
export const nextSite = (q = ''): ReloadOutcome => ({
  ...{ reloaded: true, sha256: NEXT_SHA256, warnings: [{ ...misspelt, message: `${misspelt.message}${q}` }] },
  changes: [
    {
      ...{ what: 'profile', name: 'pve', change: 'changed' },
      keys: [{ key: 'kernel-args', before: 'quiet', after: `quiet console=ttyS0${q}` }],
    },
    { what: 'record', name: `mirror A 10.77.0.5${q}`, change: 'added', keys: [] },
  ],
  machines: [
    {
      ...{ id: SEVENTH, name: `node7${q}`, macs: [SEVENTH], serial: `7K2QX0222${q}` },
      ...{ change: 'added', keys: [], starts: true },
    },
    {
      ...{ id: NODE1, name: 'node1', macs: [NODE1], change: 'changed', starts: false },
      keys: [{ key: 'kernel-args', before: 'quiet', after: 'quiet console=ttyS0' }],
    },
  ],
})

export const refusedSite = (q = ''): ReloadOutcome => ({
  refused: true,
  problems: [
    {
      ...{ code: 'needs-restart', severity: 'error', place: { file: '/etc/rackrise/site.toml', line: 5, column: 1 } },
      message: `network.address can't change while the appliance runs: it is 10.77.0.1/24, and would be 10.77.0.2/24${q}`,
      hint: 'restart the appliance, or put the old value back',
    },
    misspelt,
  ],
})
