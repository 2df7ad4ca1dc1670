/** The served interface is the only one that is heard: what arrives on another NIC, for the same addresses, is not there. */
import { X509Certificate } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ALL_ANSWER, answering, curl, dhclient, dig, tftp, udhcpc } from './appliance-clients.ts'
import {
  LEVEL_ERROR,
  LOADER_BYTES,
  NODE1_ADDRESS,
  NODE1_MAC,
  Rig,
  type Running,
  type Space,
  STRANGER_ADDRESS,
  until,
} from './appliance-rig.ts'

const LIMIT_MS = 30_000
const SERVED = '10.77.0.1'
/** Of the appliance, too, but on the NIC that is not served. */
const OTHER = '10.78.0.1'
const ECHO_PORT = 9999
const SILENCE_MS = 400
const ZONE = 'rack7.example.org'

let rig: Rig
let site: string
let appliance: Running
let canary: Running

beforeAll(async () => {
  rig = await Rig.open('one')
  site = rig.site()
  appliance = await rig.serve(site)
  canary = rig.spawn('appliance', [process.execPath, 'test/interop/appliance-canary.ts'])
  await canary.untilSaid('ready')
}, LIMIT_MS)

afterAll(() => rig.close(), LIMIT_MS)

/** What comes back for a datagram, as `PORT HEX` lines. */
async function ask(
  space: Space,
  address: string,
  port: number,
  datagram: Buffer,
  waitMs = SILENCE_MS,
  ...more: string[]
): Promise<string[]> {
  const words = [
    process.execPath,
    'test/interop/appliance-ask.ts',
    String(waitMs),
    address,
    String(port),
    datagram.toString('hex'),
    ...more,
  ]
  const { stdout } = await rig.run(space, words)
  return stdout.split('\n').filter(line => line !== '')
}

function dnsQuery(name: string): Buffer {
  const labels = name.split('.').flatMap(label => [label.length, ...Buffer.from(label)])
  return Buffer.from([0x77, 0x01, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...labels, 0, 0, 1, 0, 1])
}

function discover(): Buffer {
  const message = Buffer.alloc(300)
  message.set([1, 1, 6, 0, 0x77, 0, 0, 1])
  message.set([0x52, 0x54, 0, 0x77, 0, 0x99], 28)
  message.set([0x63, 0x82, 0x53, 0x63, 53, 1, 1, 255], 236)
  return message
}

const QUERY = dnsQuery(`mirror.${ZONE}`)
const READ_REQUEST = Buffer.from('\0\x01undionly.kpxe\0octet\0')

describe('a NIC that is not served', () => {
  test(
    'DISCOVER is broadcast there, arrives, and is not answered',
    async () => {
      const lease = await udhcpc(rig, 'office', '-t', '2')
      expect(canary.stdout).toContain('octets on eth2')
      expect(lease.variables.size).toBe(0)
    },
    LIMIT_MS,
  )

  test.each([
    ['the served address', SERVED],
    ["that NIC's own address", OTHER],
  ])(
    'datagrams to %s get nothing on the ports of DHCP, DNS and TFTP',
    async (_, address) => {
      const asked = await Promise.all([
        ask('office', address, 67, discover()),
        ask('office', address, 53, QUERY),
        ask('office', address, 69, READ_REQUEST),
      ])
      expect(asked).toEqual([[], [], []])
    },
    LIMIT_MS,
  )

  test(
    'and yet datagrams to the served address do arrive there',
    async () => {
      expect(await ask('office', SERVED, ECHO_PORT, Buffer.from('77', 'hex'))).toEqual([`${ECHO_PORT} 77`])
    },
    LIMIT_MS,
  )

  test(
    'the same datagrams are answered on the served NIC',
    async () => {
      const [name, file] = await Promise.all([
        ask('rack', SERVED, 53, QUERY),
        ask('rack', SERVED, 69, READ_REQUEST, SILENCE_MS, 'once'),
      ])
      expect([name[0]?.slice(0, 11), name[0]?.slice(-8)]).toEqual(['53 77018500', '0a4d0005'])
      expect(file[0]?.split(' ')[1]?.slice(0, 8)).toBe('00030001')
    },
    LIMIT_MS,
  )

  test.each([53, 80, 443])(
    'TCP port %i is closed',
    async port => {
      for (const address of [SERVED, OTHER]) {
        const { status, stderr } = await curl(rig, 'office', `http://${address}:${port}/boot.ipxe`)
        expect([status, stderr]).toEqual([7, expect.stringContaining('Failed to connect')])
      }
    },
    LIMIT_MS,
  )

  test(
    'and yet TCP to the served address does arrive there',
    async () => {
      const { stdout } = await curl(rig, 'office', `http://${SERVED}:${ECHO_PORT}/`, '--http0.9')
      expect(stdout).toBe('echo')
    },
    LIMIT_MS,
  )

  test(
    "a transfer's own port is as deaf there",
    async () => {
      const before = new Set(await ownPorts())
      const waiting = ask('rack', SERVED, 69, READ_REQUEST, 2500, 'once')
      const port = await until('the port of the transfer', async () => (await ownPorts()).find(own => !before.has(own)))
      const acknowledgement = Buffer.from('00040001', 'hex')
      expect(await ask('office', SERVED, port, acknowledgement, SILENCE_MS)).toEqual([])
      // RFC 1350 §4: from a wrong port of the right network it is answered with ERROR 5.
      expect((await ask('rack', SERVED, port, acknowledgement, SILENCE_MS))[0]).toMatch(new RegExp(`^${port} 00050005`))
      await waiting
    },
    LIMIT_MS,
  )

  /** The appliance's own UDP ports, but for the canary's. */
  async function ownPorts(): Promise<number[]> {
    const { stdout } = await rig.run('appliance', ['ss', '-Hlun'])
    return [...stdout.matchAll(/10\.77\.0\.1%eth1:(\d+)/g)].map(([, port]) => Number(port))
  }
})

describe('the served NIC', () => {
  const installerRecords = async (address: string): Promise<string[]> => {
    const words = ['-b', address, 'txt']
    const names = [`proxmox-auto-installer.${ZONE}`, `proxmox-auto-installer-cert-fingerprint.${ZONE}`]
    return Promise.all(names.map(async name => (await dig(rig, 'rack', ...words, name)).stdout.trim()))
  }

  test(
    'an approved machine gets an address and one search domain, and no answer before its boot script',
    async () => {
      const { variables, lease } = await dhclient(rig, 'rack')
      expect(variables.get('new_ip_address')).toBe(NODE1_ADDRESS)
      expect(variables.get('new_domain_search')).toBe(`${ZONE}.`)
      expect(variables.get('new_domain_name')).toBe(ZONE)
      expect(variables.get('new_domain_name_servers')).toBe(SERVED)
      expect(lease).not.toContain('proxmox-auto-installer')
      expect(await installerRecords(NODE1_ADDRESS)).toEqual(['', ''])
    },
    LIMIT_MS,
  )

  test(
    'from its boot script on DHCP and DNS say the same answer URL, to that machine only',
    async () => {
      const script = await curl(rig, 'rack', `/boot.ipxe?mac=${NODE1_MAC}`, '--interface', NODE1_ADDRESS)
      expect(script.stdout).toMatch(/^#!ipxe\n/)
      expect(script.stdout).toMatch(/http:\/\/10\.77\.0\.1\/boot\/[0-9a-f]{8}\/initrd\.img/)
      const { lease } = await dhclient(rig, 'rack')
      const told = ['manifest-url', 'cert-fingerprint'].map(
        name => new RegExp(`proxmox-auto-installer-${name} ("[^"]*");`).exec(lease)?.[1],
      )
      expect(told).toEqual([
        expect.stringMatching(/^"https:\/\/10\.77\.0\.1\/answer\/[\w-]{22,}"$/),
        expect.stringMatching(/^"[0-9A-F]{64}"$/),
      ])
      expect(await installerRecords(NODE1_ADDRESS)).toEqual(told)
      expect(await installerRecords(STRANGER_ADDRESS)).toEqual(['', ''])
    },
    LIMIT_MS,
  )

  test(
    'the fingerprint that machines are told is that of the certificate that is served',
    async () => {
      const { stdout } = await curl(rig, 'rack', 'https://10.77.0.1/answer', '-k', '-o', '/dev/null', '-w', '%{certs}')
      const served = new X509Certificate(stdout).fingerprint256.replaceAll(':', '')
      const [, told] = await installerRecords(NODE1_ADDRESS)
      expect(told).toBe(`"${served}"`)
    },
    LIMIT_MS,
  )

  test(
    'the loader comes whole',
    async () => {
      const expected = Buffer.alloc(LOADER_BYTES, 'undionly.kpxe')
      expect((await tftp(rig, 'rack', 'undionly.kpxe'))?.equals(expected)).toBe(true)
    },
    LIMIT_MS,
  )

  test(
    'every service answers, and nothing went wrong on the way',
    async () => {
      expect(await answering(rig, site)).toEqual(ALL_ANSWER)
      expect(appliance.log().filter(({ level }) => level >= LEVEL_ERROR)).toEqual([])
    },
    LIMIT_MS,
  )
})
