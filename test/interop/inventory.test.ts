/** Inventories as the programs that they are made for read them. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type InventoryHost, renderInventory } from '../../services/console/inventory.ts'

let folder: string
let hosts: InventoryHost[]

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'rackrise-inventory-'))
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'root@node1', '-f', join(folder, 'key')])
  hosts = [
    {
      name: 'node1.rack.test',
      address: '10.77.0.11',
      macs: ['bc:24:11:ab:12:21'],
      serial: 'a "quoted": {{ serial }} # \\ ü',
      product: 'pve',
      profile: 'zfs mirror',
      installedAt: '2026-11-26T08:00:00.000Z',
      isInferred: false,
      hostKeys: [readFileSync(join(folder, 'key.pub'), 'utf8').trim()],
    },
  ]
})

afterAll(() => rmSync(folder, { recursive: true }))

test('ssh-keygen finds the key by name and by address', () => {
  const file = join(folder, 'known_hosts')
  writeFileSync(file, renderInventory(hosts, 'known_hosts'))
  const key = hosts[0]!.hostKeys[0]!.split(' ').slice(0, 2).join(' ')
  for (const name of ['node1.rack.test', '10.77.0.11']) {
    expect(execFileSync('ssh-keygen', ['-F', name, '-f', file], { encoding: 'utf8' })).toContain(key)
  }
  expect(() => execFileSync('ssh-keygen', ['-F', 'node2.rack.test', '-f', file], { stdio: 'pipe' })).toThrow()
})

test('ansible-inventory reads hosts, groups and variables, also odd ones', () => {
  const file = join(folder, 'rack.yml')
  writeFileSync(file, renderInventory(hosts, 'ansible'))
  const out = execFileSync('ansible-inventory', ['-i', file, '--list'], {
    encoding: 'utf8',
    env: { ...process.env, HOME: folder, LC_ALL: 'C.UTF-8', ANSIBLE_LOCALHOST_WARNING: 'false' },
  })
  const read = JSON.parse(out) as Record<string, { hosts: string[] }> & {
    _meta: { hostvars: Record<string, Record<string, unknown>> }
  }
  expect(read['pve']!.hosts).toEqual(['node1.rack.test'])
  expect(read['profile_zfs_mirror']!.hosts).toEqual(['node1.rack.test'])
  expect(read._meta.hostvars['node1.rack.test']).toMatchObject({
    ansible_host: '10.77.0.11',
    rackrise_serial: { __ansible_unsafe: hosts[0]!.serial },
  })
})

test('Ansible runs nothing that a machine reports', () => {
  const proof = join(folder, 'proof')
  const file = join(folder, 'hostile.yml')
  const hostile = { ...hosts[0]!, serial: `{{ lookup("pipe", "touch ${proof}") }}` }
  writeFileSync(file, renderInventory([hostile], 'ansible'))
  const say = ['-i', file, 'all', '-c', 'local', '-m', 'debug', '-a', 'msg={{ rackrise_serial }}']
  const out = execFileSync('ansible', say, {
    encoding: 'utf8',
    env: { ...process.env, HOME: folder, LC_ALL: 'C.UTF-8' },
  })
  expect(out).toContain('lookup(')
  expect(existsSync(proof)).toBe(false)
})
