/** `explain`, `answer render`, `machine password`, and what `check` says of rules: without a running appliance, on the state on disk. */
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { explanationText } from '../../services/cli/explanation-text.ts'
import { LAYER } from '../http/rig.ts'
import { NODE1, STRANGER } from '../machine/rig.ts'
import { goodSite, type Ran, rackrise, siteText } from './rig.ts'
import type { Explanation } from '../../services/console/schema/explanation.ts'

// Child processes, on a machine that does other things too.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 })

let folder: string
let file: string
beforeEach(async () => {
  ;({ folder, file } = await goodSite())
})
afterEach(() => rm(folder, { recursive: true }))

const run = (...args: string[]): Promise<Ran> => rackrise(folder, ...args, '--config', file)

const RULES = `[[rule]]
when = { "dmi.baseboard.name" = "X570*" }
profile = "pve"
[[rule]]
when = { mac = "bc:24:11:ab:12:9*" }
profile = "pve"
name = "node10{{index}}"
[[rule]]
when = { mac = "bc:24:11:*" }
profile = "pve"
answers = ["missing"]
`

test('a MAC that nobody has seen, in words', async () => {
  await writeFile(file, siteText(folder) + RULES.replace('["missing"]', '[]'))
  const { status, out, err } = await run('explain', 'BC-24-11-AB-12-99')
  expect([status, err]).toEqual([0, ''])
  expect(out.replaceAll(folder, '@').replaceAll(/ +$/gm, '')).toBe(`node101 (${STRANGER}): never seen; known by a rule

facts
  mac  told at boot  ${STRANGER}

rules, the first that fits counts
  rule 1 (profile pve) is lost at dmi.baseboard.name = "X570*": it has not told that (told with the answer)
  rule 2 (profile pve) takes it
  rule 3 (profile pve) fits, but an earlier rule comes first

next
  boots the disk: nobody has approved it
  would get its answer now: no: ${STRANGER} is not approved; run \`rackrise machine approve ${STRANGER}\`, then power-cycle it (not-approved)
  profile pve, ISO proxmox-ve_9.2-1.iso: rule 2

answer for pve 9.2, installer 9.2.2: layers, later ones over earlier ones
  base  profile pve  @/answers/base.toml

keys
  global.keyboard                             base      "en-us"
  global.country                              base      "at"
  global.timezone                             base      "Europe/Vienna"
  global.mailto                               base      "root@rack.test"
  global.root-password-hashed                 base      "$6$********"
  global.fqdn                                 rackrise  "node101.rack.test"
  network.source                              base      "from-dhcp"
  disk-setup.filesystem                       base      "ext4"
  disk-setup.disk-list                        base      ["sda"]
  post-installation-webhook.url               rackrise  "https://127.0.0.1/********"
  post-installation-webhook.cert-fingerprint  rackrise  "${'0'.repeat(64)}"

notes
  there is no certificate yet; the appliance makes one when it starts
`)
})

test('as JSON, from a system information on a file, with the answer refused', async () => {
  await writeFile(file, siteText(folder) + RULES)
  const posted = { product: { product: 'pve' }, network_interfaces: [{ mac: 'BC:24:11:00:00:07' }] }
  await writeFile(join(folder, 'posted.json'), JSON.stringify(posted))
  const { status, out } = await run('explain', '--system-info', join(folder, 'posted.json'), '--json')
  expect([status, JSON.parse(out)]).toMatchObject([
    1,
    { machine: { id: 'bc:24:11:00:00:07', seen: false }, problems: [{ code: 'layer-unknown' }] },
  ])
})

test('render: an answer file on standard output, secrets only for somebody whose name is kept', async () => {
  const masked = await run('answer', 'render', 'node1')
  expect([masked.status, masked.out.includes('root-password-hashed = "$6$********"')]).toEqual([0, true])
  const revealed = await run('answer', 'render', NODE1, '--reveal', '--json')
  expect(JSON.parse(revealed.out)).toMatchObject({ machine: { name: 'node1' }, product: 'pve' })
  expect(revealed.out).toContain('$6$salt$R4oO3zZ1')
  const { out } = await run('machine', 'timeline', 'node1')
  expect(out).toMatch(/operator {2}showed its answer with all secrets to \S.*\n$/)
  const validated = join(folder, 'rendered.toml')
  await writeFile(validated, (JSON.parse(revealed.out) as { toml: string }).toml)
  expect((await run('answer', 'validate', validated)).status).toBe(0)
})

test.each([
  [['explain'], 2, 'explain needs a machine (any MAC will do), or --system-info FILE'],
  [['explain', 'node1', 'node2'], 2, '"node2" is too much'],
  [['explain', 'node9'], 1, 'no machine "node9"'],
  [['explain', '--system-info', '/nowhere'], 1, "can't read the system information"],
  [['answer', 'render'], 2, 'answer render needs a machine: its name, or any MAC'],
  [['machine', 'password', 'node1'], 1, 'no random root password was installed on node1'],
])('%j', async (args, status, piece) => {
  const ran = await run(...args)
  expect([ran.status, ran.out, ran.err.includes(piece)]).toEqual([status, '', true])
})

test('check: rules of the state that overlap, layers of rules, and files that are named by a MAC', async () => {
  await writeFile(file, siteText(folder) + RULES.replace('name = "node10{{index}}"', 'answers = ["odd"]'))
  await writeFile(join(folder, 'answers', 'odd.toml'), '[global]\nmailto = "{{machine.nmae}}@rack.test"\n')
  expect((await run('machine', 'list')).status).toBe(0)
  const state = await readdir(join(folder, 'state'))
  await mkdir(join(folder, 'answers', 'answers'))
  await writeFile(join(folder, 'answers', 'answers', 'BC-24-11-AB-12-99.toml'), LAYER.replace('"at"', '"xx"'))
  const { status, err } = await run('check')
  expect(status).toBe(1)
  const lines = err.replaceAll(folder, '@').trimEnd().split('\n')
  expect(lines.some(line => line.includes('answer of a machine of rule 3: there is no answer layer "missing"'))).toBe(
    true,
  )
  expect(
    lines.some(
      line => line.includes('answer of a machine of rule 2') && line.includes('unknown placeholder {{machine.nmae}}'),
    ),
  ).toBe(true)
  expect(lines.some(line => line.includes(`answer of ${STRANGER}: global.country`))).toBe(true)
  expect(await readdir(join(folder, 'state'))).toEqual(state)
})

test('what claims another machine’s identity, a rule that excludes, and keys that were left out are told in words', () => {
  const explanation: Explanation = {
    machine: { id: NODE1, name: 'node1', macs: [NODE1], seen: true, state: 'held', reason: 'it claims' },
    conflicts: [{ name: 'node2', id: STRANGER, by: 'uuid', value: 'U' }],
    facts: [],
    listed: 'machine',
    rules: [
      {
        rule: 1,
        profile: 'pve',
        outcome: 'lost',
        lost: { condition: 'mac = "!bc:*"', because: 'excluded', seen: [NODE1], told: 'boot' },
      },
      { rule: 2, profile: 'pve', outcome: 'earlier' },
    ],
    plan: { boots: 'nothing', why: 'a person has blocked it' },
    problems: [{ code: 'x', message: 'wrong', hint: 'mend it', severity: 'error' }],
    notes: [],
  }
  expect(explanationText(explanation)).toBe(`node1 (${NODE1}): held: it claims; known by its own entry in the site file

conflicts
  uuid U is claimed by node2 (${STRANGER}), too

rules, the first that fits counts
  rule 1 (profile pve) is lost at mac = "!bc:*": it told "${NODE1}"
  rule 2 (profile pve) fits, but its entry comes first

next
  boots nothing: a person has blocked it
  would get its answer now: yes

problems
  error: wrong; mend it`)
})

test('on a terminal of 80 columns only what is one word is longer', () => {
  const explanation: Explanation = {
    machine: {
      id: NODE1,
      name: 'node1',
      macs: [NODE1, STRANGER],
      seen: true,
      state: 'held',
      reason: 'nobody approved it',
    },
    conflicts: [],
    facts: [
      { fact: 'dmi.system.name', values: ['PowerEdge R650'], told: 'answer' },
      { fact: 'mac', values: [NODE1, STRANGER], told: 'boot' },
    ],
    listed: 'machine',
    rules: [],
    plan: { boots: 'disk', why: 'nobody has approved it' },
    refusal: {
      reason: 'not-approved',
      message: 'node1 is not approved; run `rackrise machine approve node1`, then power-cycle it',
    },
    answer: {
      product: 'pve',
      release: '9.2',
      installer: '9.2.2',
      layers: [{ name: 'zfs-mirror', why: 'profile pve', file: '/etc/rackrise/answers/zfs-mirror.toml' }],
      keys: [
        { path: 'global.country', value: '"at"', from: 'base', over: [] },
        { path: 'global.root-ssh-keys', value: `["ssh-ed25519 ${'A'.repeat(68)} ops"]`, from: 'base', over: [] },
        {
          path: 'post-installation-webhook.cert-fingerprint',
          value: `"${'0'.repeat(64)}"`,
          from: 'rackrise',
          over: [],
        },
      ],
      leftOut: [],
      toml: '',
    },
    problems: [],
    notes: [],
  }
  expect(explanationText(explanation, 80)).toBe(`node1 (${NODE1}, ${STRANGER}): held: nobody approved it;
    known by its own entry in the site file

facts
  dmi.system.name  told with the answer  PowerEdge R650
  mac              told at boot          ${NODE1}, ${STRANGER}

next
  boots the disk: nobody has approved it
  would get its answer now: no: node1 is not approved; run \`rackrise machine
    approve node1\`, then power-cycle it (not-approved)

answer for pve 9.2, installer 9.2.2: layers, later ones over earlier ones
  zfs-mirror  profile pve  /etc/rackrise/answers/zfs-mirror.toml

keys
  global.country                              base      "at"
  global.root-ssh-keys                        base
      ["ssh-ed25519
      ${'A'.repeat(68)} ops"]
  post-installation-webhook.cert-fingerprint  rackrise
      "${'0'.repeat(64)}"`)
})
