/** What the examples of the manual do: each over the real policy and the real registry of its own site file. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { scriptPlan } from '../../services/boot/plan.ts'
import { respondAsProxy } from '../../services/dhcp/proxy.ts'
import type { Mac } from '../../services/kit/mac.ts'
import { signatureOf } from '../../services/webhook/sign.ts'
import { BIOS, dhcp, IPXE, mac, type Said, text, UEFI, UEFI_HTTP } from '../dhcp/messages.ts'
import { server, TestFleet } from '../dhcp/rig.ts'
import { SiteBench } from '../dhcp/site-bench.ts'
import { siteOfExample } from './example-site.ts'
import { PAGES } from './manual.ts'

const NODE1 = mac('bc:24:11:ab:12:21')
const STRANGER = mac('bc:24:11:ab:12:99')

const open = async (use: string): Promise<SiteBench> => SiteBench.open(await siteOfExample(use))

/** Firmware, then iPXE, which asks for its script: its title there, and what that says. */
async function powerOn(bench: SiteBench, who: Mac, firmware: Said, product?: string): Promise<string> {
  const { registry, clock } = bench.rig
  clock.advance(60_000)
  bench.boot({ ...firmware, mac: who })
  const { architecture, giaddr } = firmware
  bench.boot({ ...IPXE, mac: who, ...(architecture ? { architecture } : {}), ...(giaddr ? { giaddr } : {}) })
  const machine = await registry.sight({ macs: [who], ...(product ? { product } : {}) }, 'http')
  const plan = scriptPlan(machine, clock.now(), false)
  return `${registry.titleOf(machine)} ${plan.do === 'install' ? `installs ${plan.profile}` : 'boots its disk'}`
}

test('one-rack: a listed machine has its address, a stranger one of the pool; nobody installs before the word of a person', async () => {
  const bench = await open('one-rack')
  expect([
    bench.boot({ ...UEFI, mac: NODE1 }),
    bench.boot({ ...UEFI, mac: STRANGER }),
    await powerOn(bench, NODE1, UEFI),
  ]).toEqual(['ack reservation 10.77.0.11', 'ack from-pool 10.77.0.100', 'node1 boots its disk'])
  await bench.rig.registry.startAttempt(bench.rig.machine(NODE1), { by: 'operator', again: false })
  expect([await powerOn(bench, NODE1, UEFI), await powerOn(bench, STRANGER, UEFI)]).toEqual([
    'node1 installs pve',
    `${STRANGER} boots its disk`,
  ])
})

test('proxy: it says what to boot and never gives an address', async () => {
  const { dhcp: settings, network, domain } = await siteOfExample('proxy')
  expect([settings.mode, settings.otherServers]).toEqual(['proxy', ['10.77.0.2']])
  const view = {
    server: server({ address: network.address, domain, subnets: settings.subnets }),
    fleet: new TestFleet(),
  }
  const answers = [BIOS, UEFI, UEFI_HTTP, {}].map(said => {
    const decision = respondAsProxy(dhcp('discover', said), view)
    return decision.do === 'reply' ? [decision.reason, decision.message.yiaddr, decision.message.file] : decision.reason
  })
  expect(answers).toEqual([
    ['boot-offered', '0.0.0.0', 'undionly.kpxe'],
    ['boot-server-offered', '0.0.0.0', ''],
    ['boot-offered', '0.0.0.0', 'http://10.77.0.1/loaders/snponly.efi'],
    'not-booting',
  ])
})

test('relay: machines behind the router of the site are served, and those behind another one are not', async () => {
  const bench = await open('relay')
  expect([
    bench.boot({ ...UEFI, mac: NODE1, giaddr: '10.78.0.1' }),
    bench.boot({ ...UEFI, mac: STRANGER, giaddr: '10.78.0.1' }),
    bench.boot({ ...UEFI, mac: STRANGER, giaddr: '10.79.0.1' }),
    bench.boot({ ...UEFI, mac: mac('bc:24:11:ab:12:98') }),
  ]).toEqual([
    'ack reservation 10.78.0.11',
    'ack from-pool 10.78.0.100',
    'silence unknown-relay',
    'silence pool-exhausted',
  ])
})

test('http-boot: firmware hears HTTPClient and a URL', async () => {
  const bench = await open('http-boot')
  const decision = bench.decide(dhcp('discover', { ...UEFI_HTTP, mac: NODE1 }))
  expect(decision.do === 'reply' && [text(decision.message, 60), decision.message.file]).toEqual([
    'HTTPClient',
    'http://10.77.0.1/loaders/snponly.efi',
  ])
  expect(await powerOn(bench, NODE1, UEFI_HTTP)).toBe('node1 boots its disk')
})

test('many-racks: each rack has its subnet, its names and its numbers', async () => {
  const bench = await open('many-racks')
  const nodes = [1, 2, 3, 4].map(last => mac(`bc:24:11:00:00:0${last}`))
  const titles = []
  for (const [at, giaddr] of ['10.71.0.1', '10.72.0.1', '10.72.0.1', '10.73.0.1'].entries())
    titles.push(await powerOn(bench, nodes[at]!, { ...UEFI, giaddr }))
  expect(titles.map(title => title.split(' ')[0])).toEqual(['r1-node1', 'r2-node1', 'r2-node2', 'r3-node1'])
  expect(nodes.map(node => bench.addressOf(node))).toEqual(['10.71.0.100', '10.72.0.100', '10.72.0.101', '10.73.0.100'])
})

test('rules: the entry first, then the first rule that fits', async () => {
  const bench = await open('rules')
  const machines: [mac: string, product: string][] = [
    ['b0:7b:25:00:00:99', 'PowerEdge R750xd'],
    ['b0:7b:25:00:00:01', 'PowerEdge R750xd2'],
    ['b0:7b:25:ff:00:01', 'PowerEdge R750xd'],
    ['b0:7b:25:00:00:02', 'PowerEdge R650'],
    ['3c:ec:ef:00:00:01', 'SYS-620U-TNR'],
  ]
  const titles = []
  for (const [who, product] of machines) titles.push(await powerOn(bench, mac(who), UEFI, product))
  expect(titles.map(title => title.split(' ')[0])).toEqual(['bench', 'store1', 'b0:7b:25:ff:00:01', 'node1', 'sm1'])
})

test('secure-boot: who is listed for it loads shim, the others iPXE', async () => {
  const { machines } = await siteOfExample('secure-boot')
  expect(machines.map(({ name, loader }) => [name, loader])).toEqual([
    ['node1', 'grub'],
    ['node2', undefined],
  ])
})

test('hand-over: the receiver of the manual believes the appliance, and nobody else', () => {
  const page = PAGES.find(({ path }) => path === 'docs/how-to/hand-over.md')!
  const receiver = page.fences.find(({ language }) => language === 'python')!
  const folder = mkdtempSync(join(tmpdir(), 'rackrise-receiver-'))
  try {
    writeFileSync(join(folder, 'receiver.py'), receiver.text)
    const body = '{"schema":"1.0","event":"installed"}'
    const check = `import receiver, sys\nprint(receiver.is_from_rackrise(sys.argv[1].encode(), sys.argv[2], b"key"))`
    const ask = (signature: string): string =>
      execFileSync('/usr/bin/python3', ['-c', check, body, signature], {
        cwd: folder,
        encoding: 'utf8',
        env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' },
      }).trim()
    expect([ask(signatureOf(body, 'key')), ask(signatureOf(body, 'other')), ask('')]).toEqual([
      'True',
      'False',
      'False',
    ])
    expect(readFileSync(join(folder, 'receiver.py'), 'utf8')).toContain('idempotency-key')
  } finally {
    rmSync(folder, { recursive: true })
  }
})
