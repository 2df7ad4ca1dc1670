/** dnsmasq's relay agent between a machine and the real server: three hosts in a row, machine - relay agent - appliance. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { startClient, type Told, toldTo } from './dhcp-clients.ts'
import { decidedFor, OURS, startServer } from './dhcp-decisions.ts'
import { type Program, Spaces } from './spaces.ts'

const LIMIT_MS = 60_000
const MAC = 'bc:24:11:ab:12:21'
/** The relay agent on the machines' link, and on ours. */
const DOWN = '10.78.0.1'
const UP = '10.77.0.2'
const SITE = {
  subnets: [
    { prefix: '10.77.0.0/24', pools: ['10.77.0.100-10.77.0.103'], router: '10.77.0.254' },
    { prefix: '10.78.0.0/24', pools: ['10.78.0.100-10.78.0.199'], router: DOWN, relays: [DOWN] },
  ],
}

let spaces: Spaces
const programs = new Set<Program>()

beforeAll(() => {
  spaces = new Spaces('relay')
  spaces.host('server', { device: 'eth0', wire: 'up', address: `${OURS}/24` })
  const up = { device: 'up-a', wire: 'up', address: `${UP}/24` }
  spaces.host('agent', up, { device: 'down-a', wire: 'down', address: `${DOWN}/24` })
  spaces.host('machine', { device: 'eth0', wire: 'down', mac: MAC })
  spaces.ip('server', 'route', 'add', '10.78.0.0/24', 'via', UP)
}, LIMIT_MS)

afterEach(async () => {
  for (const program of programs) await program.stop()
  programs.clear()
  spaces.ip('machine', 'addr', 'flush', 'dev', 'eth0')
}, LIMIT_MS)
afterAll(() => spaces.close(), LIMIT_MS)

/** What a machine was told behind that relay agent. */
async function boot(agent: readonly string[], ready: RegExp): Promise<Told> {
  const server = await startServer(spaces, 'server', SITE)
  programs.add(server)
  const relay = spaces.start('agent', agent)
  programs.add(relay)
  await relay.said(ready)
  const machine = startClient(spaces, 'machine', 'udhcpc')
  programs.add(machine)
  const told = await toldTo(machine)
  await server.said(decidedFor(MAC, 'selected'))
  return told
}

const FAR: Told = { address: '10.78.0.100', server: OURS, router: DOWN }

test(
  'F02 dnsmasq relays without option 82, and hears the reply at its own address on the link',
  async () => {
    const options = [
      '--port=0',
      '--user=root',
      `--pid-file=${spaces.path('relay.pid')}`,
      `--dhcp-relay=${DOWN},${OURS}`,
    ]
    expect(await boot(['dnsmasq', '-d', '-C', '/dev/null', ...options], /DHCP relay from/)).toEqual(FAR)
  },
  LIMIT_MS,
)
