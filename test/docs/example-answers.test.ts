/** The answers that come of the examples: what a machine of each would really be sent. */
import { appendFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { rackrise } from '../cli/rig.ts'
import { removeLibrary, unpackExample } from './example-site.ts'

afterAll(removeLibrary)

test.each<[use: string, machine: string, lines: string[]]>([
  [
    'static-addresses',
    'node1',
    ['source = "from-answer"', 'cidr = "10.77.0.11/24"', 'ID_NET_NAME_MAC = "*bc2411ab1221"'],
  ],
  ['random-passwords', 'node1', ['fqdn = "node1.rack7.example.org"', 'root-password-hashed = "{{password.random}}"']],
  ['wiki-server', 'node1', ['fqdn = "pve.rack7.example.org"', 'disk-list = [ "sda" ]']],
  ['wiki-server', 'node2', ['fqdn = "node2.rack7.example.org"', 'disk-list = [ "nvme0n1" ]']],
  ['products', 'pbs1', ['filesystem = "zfs"', 'disk-list = [ "sda", "sdb" ]']],
])('%s: %s', { timeout: 60_000 }, async (use, machine, lines) => {
  const folder = await unpackExample(use)
  try {
    await appendFile(join(folder, 'site.toml'), '\n[paths]\nstate = "state"\n')
    const { status, out } = await rackrise(folder, 'answer', 'render', machine, '--config', 'site.toml')
    expect(status).toBe(0)
    expect(out.split('\n').map(line => line.trim())).toEqual(expect.arrayContaining(lines))
  } finally {
    await rm(folder, { recursive: true })
  }
})
