/**
 * What goes on at a rack while its appliance is killed again and again: machines take addresses, an operator orders installations of `node1` through the
 * control socket, and `node1` installs. Every step is written down when it was asked for and when it was acknowledged, a line of JSON each. Nothing is
 * asked twice: what got no reply is left. Arguments: the state folder, the file of notes. Goes on until it is killed.
 */
import { appendFileSync } from 'node:fs'
import { Resolver } from 'node:dns/promises'
import { request as plain } from 'node:http'
import { request as secure } from 'node:https'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { CONTROL_SOCKET, remoteFleet } from '../../services/console/remote-fleet.ts'
import { decode, encode } from '../../services/dhcp/codec.ts'
import { isMalformed } from '../../services/dhcp/message.ts'
import { messageTypeOf } from '../../services/dhcp/options.ts'
import { isProblem } from '../../services/kit/is-problem.ts'
import { LIMITED_BROADCAST, UNSPECIFIED } from '../../services/kit/ipv4.ts'
import { type Mac, macFromBytes } from '../../services/kit/mac.ts'
import { openUdpPort } from '../../services/kit/udp-port.ts'
import { dhcp } from '../dhcp/messages.ts'

const [state = '', notes = ''] = process.argv.slice(2)
const NODE1 = { mac: '52:54:00:77:00:11', address: '10.77.0.11' }
const SERVED = '10.77.0.1'
const MACHINES = 60
const ASK_EVERY_MS = 4
const PATIENCE_MS = 1500
const PAUSE_MS = 20
/** Who is to be told looks once a second; no person orders the next installation before that. */
const TOLD_MS = 1200

const note = (fact: Record<string, unknown>): void => appendFileSync(notes, `${JSON.stringify(fact)}\n`)
const sleep = (ms: number): Promise<void> => new Promise(wake => setTimeout(wake, ms))

/** Addresses: DISCOVER and REQUEST of one machine after another. */
async function takeAddresses(): Promise<void> {
  const port = await openUdpPort({ device: 'eth0', address: UNSPECIFIED, port: 68 })
  const send = (message: Parameters<typeof encode>[0]): void =>
    port.send(encode(message, { maxBytes: 1472 }), { address: LIMITED_BROADCAST, port: 67 })
  port.onDatagram(({ bytes }) => {
    const reply = decode(bytes)
    if (isMalformed(reply) || reply.op !== 'reply') return
    const mac = macFromBytes(reply.chaddr)!
    if (!mac.startsWith('02:')) return
    const type = messageTypeOf(reply)
    if (type === 'offer') send(dhcp('request', { mac, xid: reply.xid, wants: reply.yiaddr, server: SERVED }))
    if (type === 'ack') note({ acknowledged: mac, address: reply.yiaddr })
  })
  for (let xid = 1; ; xid++) {
    send(dhcp('discover', { mac: macFromBytes(Uint8Array.of(2, 0, 0, 0, 0, xid % MACHINES))! as Mac, xid }))
    await sleep(ASK_EVERY_MS)
  }
}

/** As `node1`; undefined where nothing, or a refusal, came back. */
function ask(url: string, body?: string): Promise<string | undefined> {
  const options = {
    localAddress: NODE1.address,
    rejectUnauthorized: false,
    agent: false as const,
    method: body === undefined ? 'GET' : 'POST',
    signal: AbortSignal.timeout(PATIENCE_MS),
  }
  return new Promise(resolve => {
    const call = (url.startsWith('https:') ? secure : plain)(url, options, response => {
      text(response).then(
        said => resolve(response.statusCode === 200 ? said : undefined),
        () => resolve(undefined),
      )
    })
    call.on('error', () => resolve(undefined))
    call.end(body)
  })
}

async function answerUrl(): Promise<string | undefined> {
  const resolver = new Resolver({ timeout: PATIENCE_MS, tries: 1 })
  resolver.setServers([SERVED])
  resolver.setLocalAddress(NODE1.address)
  return resolver.resolveTxt('proxmox-auto-installer.rack7.example.org').then(
    ([record]) => record?.join(''),
    () => undefined,
  )
}

const fleet = remoteFleet({ path: join(state, CONTROL_SOCKET), user: 'anna' })
const INFORMATION = JSON.stringify({
  product: { product: 'pve' },
  iso: { release: '9.2', isorelease: '1' },
  network_interfaces: [{ link: 'eth0', mac: NODE1.mac }],
})

/** One installation, as far as it gets. */
async function install(): Promise<void> {
  note({ ordered: true })
  const view = await fleet.order('node1', 'reinstall', {}, 'anna').catch(() => undefined)
  if (!view || isProblem(view) || !view.attempt) return
  const attempt = view.attempt.id
  note({ approved: attempt })
  const script = await ask(`http://${SERVED}/boot.ipxe?mac=${NODE1.mac}`)
  if (!script?.includes(`/boot/${attempt}/`)) return
  const url = await answerUrl()
  const answer = url && (await ask(url, INFORMATION))
  if (!answer) return
  note({ answered: attempt })
  const report = /https:\/\/[^"]+\/webhook\/[\w-]+/.exec(answer)![0]
  if (!(await ask(report, JSON.stringify({ fqdn: 'node1.rack7.example.org' })))) return
  note({ reported: attempt })
  await sleep(TOLD_MS)
}

async function installations(): Promise<void> {
  for (;;) {
    await install()
    await sleep(PAUSE_MS)
  }
}

process.stdout.write('begun\n')
await Promise.all([takeAddresses(), installations()])
