/**
 * ISC dhclient and BusyBox udhcpc against the real server, in two network namespaces joined by a veth pair. Their
 * hook scripts only write down what they were told; nothing of the host's network is touched.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ANSWER } from '../dhcp/rig.ts'

const SERVER_SPACE = `rackrise-dhcp-s-${process.pid}`
const CLIENT_SPACE = `rackrise-dhcp-c-${process.pid}`
const CLIENT_MAC = 'bc:24:11:ab:12:21'
const LIMIT_MS = 20_000

const folder = mkdtempSync(join(tmpdir(), 'rackrise-dhcp-'))
const told = join(folder, 'told')
const reasons: string[] = []
let server: ChildProcess

function ip(...args: string[]): void {
  execFileSync('ip', args, { stdio: 'pipe', timeout: LIMIT_MS })
}

function inClientSpace(command: string[], environment: Record<string, string> = {}) {
  const env = { ...process.env, ...environment }
  return spawnSync('ip', ['netns', 'exec', CLIENT_SPACE, ...command], { encoding: 'utf8', timeout: LIMIT_MS, env })
}

/** Waits for a log line; bounded by the test's own time limit. */
async function heard(reason: string): Promise<void> {
  while (!reasons.includes(reason)) await new Promise(resolve => server.stdout!.once('data', resolve))
}

/** A hook that keeps the variables of the event that brings an address, and sets that address. */
function writeHook(name: string, event: string, address: string, prefix: string): string {
  const file = join(folder, name)
  const lines = ['#!/bin/sh', `case "${event}" in`]
  lines.push(`BOUND|bound) env > ${told}; ip addr replace "${address}/${prefix}" dev rr-client;; esac`, 'exit 0', '')
  writeFileSync(file, lines.join('\n'))
  chmodSync(file, 0o755)
  return file
}

function toldVariables(): Map<string, string> {
  const lines = readFileSync(told, 'utf8').split('\n')
  return new Map(lines.map(line => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]))
}

function freshClient(): void {
  ip('-n', CLIENT_SPACE, 'addr', 'flush', 'dev', 'rr-client')
  rmSync(told, { force: true })
}

beforeAll(async () => {
  ip('netns', 'add', SERVER_SPACE)
  ip('netns', 'add', CLIENT_SPACE)
  ip('-n', SERVER_SPACE, 'link', 'add', 'rr-server', 'type', 'veth', 'peer', 'name', 'rr-client', 'netns', CLIENT_SPACE)
  ip('-n', CLIENT_SPACE, 'link', 'set', 'rr-client', 'address', CLIENT_MAC)
  ip('-n', SERVER_SPACE, 'addr', 'add', '10.77.0.1/24', 'dev', 'rr-server')
  ip('-n', SERVER_SPACE, 'link', 'set', 'rr-server', 'up')
  ip('-n', CLIENT_SPACE, 'link', 'set', 'rr-client', 'up')
  const program = join(import.meta.dirname, 'dhcp-server.ts')
  server = spawn('ip', ['netns', 'exec', SERVER_SPACE, process.execPath, program, 'rr-server'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  createInterface({ input: server.stdout! }).on('line', line => {
    reasons.push((JSON.parse(line) as { reason: string }).reason)
  })
  await heard('ready')
}, LIMIT_MS)

afterAll(async () => {
  const ended = server && server.exitCode === null ? new Promise(resolve => server.once('exit', resolve)) : undefined
  server?.stdin?.end()
  await ended
  for (const space of [SERVER_SPACE, CLIENT_SPACE]) spawnSync('ip', ['netns', 'del', space])
  rmSync(folder, { recursive: true, force: true })
}, LIMIT_MS)

const DHCLIENT_CONF = `
option proxmox-auto-installer-manifest-url code 250 = text;
option proxmox-auto-installer-cert-fingerprint code 251 = text;
timeout 15;
request subnet-mask, broadcast-address, routers, domain-name, domain-name-servers, domain-search, host-name, ntp-servers,
  proxmox-auto-installer-manifest-url, proxmox-auto-installer-cert-fingerprint;
`

function dhclient(...args: string[]) {
  const hook = writeHook('dhclient-hook', '$reason', '$new_ip_address', '24')
  const configuration = join(folder, 'dhclient.conf')
  writeFileSync(configuration, DHCLIENT_CONF)
  const files = ['-cf', configuration, '-lf', join(folder, 'leases'), '-pf', join(folder, 'dhclient.pid')]
  return inClientSpace(['dhclient', '-4', ...files, '-sf', hook, ...args, 'rr-client'])
}

function udhcpc(...args: string[]) {
  const hook = writeHook('udhcpc-hook', '$1', '$ip', '$mask')
  return inClientSpace(['udhcpc', '-f', '-n', '-q', '-t', '5', '-T', '1', '-i', 'rr-client', '-s', hook, ...args])
}

describe('dhclient, as the installer runs it', () => {
  test(
    'it gets its address, and the lease file holds the answer URL as the installer reads it',
    () => {
      freshClient()
      const run = dhclient('-1')
      expect(run.status, run.stderr).toBe(0)
      const lease = readFileSync(join(folder, 'leases'), 'utf8')
      expect(lease).toContain(`option proxmox-auto-installer-manifest-url "${ANSWER.url}";`)
      expect(lease).toContain(`option proxmox-auto-installer-cert-fingerprint "${ANSWER.fingerprint}";`)
      const variables = toldVariables()
      expect(variables.get('new_ip_address')).toBe('10.77.0.100')
      expect(variables.get('new_routers')).toBe('10.77.0.254')
      expect(variables.get('new_domain_name_servers')).toBe('10.77.0.1')
      expect(variables.get('new_domain_name')).toBe('rack7.example.org')
      expect(variables.get('new_domain_search')).toBe('rack7.example.org.')
      expect(variables.get('new_dhcp_lease_time')).toBe('3600')
    },
    LIMIT_MS,
  )

  test(
    'it gives its address back by unicast',
    async () => {
      const run = dhclient('-r')
      expect(run.status, run.stderr).toBe(0)
      await heard('released')
    },
    LIMIT_MS,
  )
})

describe('udhcpc', () => {
  test(
    'another client identifier from the same MAC gets the same address',
    async () => {
      freshClient()
      const run = udhcpc('-x', '0x3d:ff00010203')
      expect(run.status, run.stderr).toBe(0)
      expect(toldVariables().get('ip')).toBe('10.77.0.100')
      await heard('previous-lease')
    },
    LIMIT_MS,
  )

  test(
    'what UEFI says about itself brings server and loader, in the fields and in the options',
    () => {
      freshClient()
      const run = udhcpc('-V', 'PXEClient:Arch:00007:UNDI:003000', '-x', '0x5d:0007', '-O', 'tftp', '-O', 'bootfile')
      expect(run.status, run.stderr).toBe(0)
      const variables = toldVariables()
      expect(variables.get('siaddr')).toBe('10.77.0.1')
      expect(variables.get('boot_file')).toBe('snponly.efi')
      expect(variables.get('tftp')).toBe('10.77.0.1')
      expect(variables.get('bootfile')).toBe('snponly.efi')
    },
    LIMIT_MS,
  )
})
