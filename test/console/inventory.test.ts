import { expect, test } from 'vitest'
import { inventoryOf, renderInventory } from '../../services/console/inventory.ts'
import type { MachineView } from '../../services/console/schema/machine.ts'

const AT = '2026-11-26T08:00:00.000Z'
const ED25519 = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1 root@node1'

function view(partial: Partial<MachineView>): MachineView {
  const mac = partial.macs?.[0] ?? 'bc:24:11:ab:12:21'
  return {
    id: mac,
    name: 'node1',
    macs: [mac],
    state: 'installed',
    listed: 'machine',
    attempts: 1,
    firstSeenAt: AT,
    heardAt: AT,
    installed: { at: AT, inferred: false },
    ...partial,
  }
}

const NODE1 = view({
  fqdn: 'node1.rack.test',
  serial: '7K2QX93',
  uuid: '4c4c4544-004b-3210-8051-b7c04f583933',
  profile: 'pve-zfs',
  address: '10.77.0.150',
  installed: {
    at: AT,
    inferred: false,
    fqdn: 'real1.rack.test',
    address: '10.77.0.11/24',
    product: 'pve 9.2.1',
    hostKeys: [ED25519, 'ssh-rsa AAAAB3'],
  },
})
const NODE2 = view({ name: 'node2', macs: ['bc:24:11:ab:12:22'], installed: { at: AT, inferred: true } })
const NODE10 = view({ name: 'node10', macs: ['bc:24:11:ab:12:30'], address: '10.77.0.20' })

test('finished machines only, in the order of people', () => {
  const views = [
    NODE10,
    NODE2,
    view({ name: 'node3', state: 'booting' }),
    view({ name: 'node4', state: 'held' }),
    NODE1,
  ]
  expect(inventoryOf(views).map(({ name, address, isInferred }) => [name, address, isInferred])).toEqual([
    ['node2', undefined, true],
    ['node10', '10.77.0.20', false],
    ['real1.rack.test', '10.77.0.11', false],
  ])
})

test('Ansible: groups by product and profile', () => {
  expect(renderInventory(inventoryOf([NODE1, NODE2]), 'ansible')).toBe(`---
all:
  hosts:
    "node2":
      ansible_user: "root"
      rackrise_mac: "bc:24:11:ab:12:22"
      rackrise_installed_at: "2026-11-26T08:00:00.000Z"
    "real1.rack.test":
      ansible_host: "10.77.0.11"
      ansible_user: "root"
      rackrise_mac: "bc:24:11:ab:12:21"
      rackrise_serial: !unsafe "7K2QX93"
      rackrise_uuid: !unsafe "4c4c4544-004b-3210-8051-b7c04f583933"
      rackrise_version: !unsafe "9.2.1"
      rackrise_installed_at: "2026-11-26T08:00:00.000Z"
  children:
    profile_pve_zfs:
      hosts:
        "real1.rack.test": {}
    proxmox:
      hosts:
        "node2": {}
    pve:
      hosts:
        "real1.rack.test": {}
`)
  expect(renderInventory([], 'ansible')).toBe('---\nall:\n  hosts: {}\n')
})

test('known_hosts: each key under name and address, none without keys', () => {
  expect(renderInventory(inventoryOf([NODE1, NODE2]), 'known_hosts')).toBe(
    `real1.rack.test,10.77.0.11 ${ED25519}\nreal1.rack.test,10.77.0.11 ssh-rsa AAAAB3\n`,
  )
})

test.each(['*', 'a b', '!node1,*', '{{ x }}', 'a\nb', ''])(
  'the reported name %j is no name: that of the site file stands',
  fqdn => {
    const installed = { at: AT, inferred: false, fqdn, address: 'x,*', hostKeys: [ED25519] }
    expect(renderInventory(inventoryOf([view({ installed })]), 'known_hosts')).toBe(`node1 ${ED25519}\n`)
  },
)

test('json: what a program reads', () => {
  expect(JSON.parse(renderInventory(inventoryOf([NODE1]), 'json'))).toEqual([
    {
      name: 'real1.rack.test',
      address: '10.77.0.11',
      macs: ['bc:24:11:ab:12:21'],
      serial: '7K2QX93',
      uuid: '4c4c4544-004b-3210-8051-b7c04f583933',
      product: 'pve',
      version: '9.2.1',
      profile: 'pve-zfs',
      installedAt: AT,
      isInferred: false,
      hostKeys: [ED25519, 'ssh-rsa AAAAB3'],
    },
  ])
})
