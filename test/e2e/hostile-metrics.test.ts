/** Whatever a rack says, and whoever plays with it: every series of the exposition is one of ours, and so is every value of a label. */
import { createSocket } from 'node:dgram'
import { request as plainRequest } from 'node:http'
import { request as tlsRequest } from 'node:https'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { askText } from '../../services/console/remote-fleet.ts'
import { systemClock } from '../../services/kit/clock.ts'
import { planMachines } from '../../services/lab/rack-plan.ts'
import { runSimulatedRack } from '../../services/lab/run-rack.ts'
import { allMetrics, objectionTo } from '../console/all-metrics.ts'
import { withLab } from './rig.ts'

const APPLIANCE = '10.77.0.1'
const FROM = '10.77.1.240'

async function throwDatagrams(): Promise<void> {
  const socket = createSocket('udp4')
  await new Promise<void>(resolve => socket.bind(0, FROM, resolve))
  const send = (port: number, bytes: Uint8Array): Promise<void> =>
    new Promise(resolve => socket.send(bytes, port, APPLIANCE, () => resolve()))
  for (const name of ['undionly.kpxe', '../../etc/passwd', 'node1{x="y"}', 'a"\n', ''])
    for (const mode of ['octet', 'mail', 'c4n4ry']) await send(69, Buffer.from(`\0\u0001${name}\0${mode}\0`, 'latin1'))
  for (let at = 0; at < 200; at++) {
    const bytes = Buffer.alloc(20 + at, at)
    for (const port of [53, 67, 69, 4011]) await send(port, bytes)
  }
  socket.close()
}

type Ask = { path: string; method?: string; body?: string; tls?: true }

function ask({ path, method = 'GET', body, tls }: Ask): Promise<string> {
  const options = { host: APPLIANCE, port: tls ? 443 : 80, path, method, localAddress: FROM, rejectUnauthorized: false }
  return new Promise((resolve, reject) => {
    const call = (tls ? tlsRequest : plainRequest)(options, response => void text(response).then(resolve, reject))
    call.on('error', reject)
    call.end(body)
  })
}

function askConsole(socketPath: string, method: string, path: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const call = plainRequest({ socketPath, method, path }, response => void text(response).then(resolve, reject))
    call.on('error', reject)
    call.end()
  })
}

test('no machine, and nobody on the wire, makes a series', { timeout: 90_000 }, async () => {
  const machines = planMachines(4, 'mixed', true).map((machine, at) => ({ ...machine, approve: at < 3 }))
  await withLab({ kind: 'simulated', machines }, async ({ lab }) => {
    const specs = machines.map((machine, at) => ({ ...machine, powerCycle: at === 1, withhold250: at === 2 }))
    const signal = new AbortController().signal
    await runSimulatedRack({ lab, machines: specs, clock: systemClock, signal, display: { show() {} } })
    await throwDatagrams()
    for (const path of ['/boot.ipxe?mac=c4:n4:ry', '/boot/c4n4ry/vmlinuz', '/loaders/c4n4ry', '/c4n4ry', '/%zz'])
      await ask({ path })
    for (const path of ['/answer', '/answer/c4n4ry', '/webhook/c4n4ry', '/c4n4ry'])
      for (const body of ['', '{', '{"network_interfaces":[{"mac":"52:54:00:c4:04:00"}]}'])
        await ask({ path, body, method: 'POST', tls: true })
    const socket = join(lab.folder, 'state/control.sock')
    for (const path of [
      '/api/v1/machines/c4n4ry',
      '/c4n4ry',
      '/api/v1/machines/node1/c4n4ry',
      '/api/v1/c4n4ry?c4n4ry=1',
    ])
      for (const method of ['GET', 'POST', 'DELETE']) await askConsole(socket, method, path)

    const series = (await askText({ path: socket, user: 'anna' }, '/metrics'))
      .split('\n')
      .filter(line => line !== '' && !line.startsWith('#'))
    const ours = series.filter(line => !/^(process|nodejs)_/.test(line))
    const metrics = allMetrics()
    expect(ours.map(line => objectionTo(line, metrics)).filter(objection => objection !== undefined)).toEqual([])
    const said = series.join('\n')
    for (const { name, mac } of machines)
      for (const word of [name, mac, '10.77.1.', 'c4n4ry']) expect(said).not.toContain(word)
    // All of it was counted: each of these is more than nothing.
    for (const counted of [
      'dhcp_decisions',
      'dns_decisions',
      'tftp_requests',
      'http_decisions',
      'http_files',
      'attempts',
      'console_requests',
    ])
      expect(said).toMatch(new RegExp(`^rackrise_${counted}_total\\{.*\\} [1-9]`, 'm'))
    for (const stage of ['kernel', 'initrd', 'answer', 'report', 'total'])
      expect(said).toMatch(new RegExp(`^rackrise_attempt_stage_seconds_count\\{stage="${stage}"\\} [1-9]`, 'm'))
    // A rack of a thousand has as many: what grows with machines, addresses or words would show here.
    expect(ours.length).toBeLessThan(600)
  })
})
