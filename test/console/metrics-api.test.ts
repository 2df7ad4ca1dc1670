/** `/metrics` on the control socket, as Prometheus and the command line read it. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { addMetricsApi } from '../../services/console/metrics-api.ts'
import { askJson, askText } from '../../services/console/remote-fleet.ts'
import { closeConsoleApp, type ConsoleApp } from '../../services/console/app.ts'
import { socketApp } from './rig.ts'
import { EnvironmentProblem } from '../../services/kit/problem.ts'
import { promMeter } from '../../services/kit/prom-meter.ts'
import { listeningLog } from '../dhcp/rig.ts'

let folder: string
let socketPath: string
let app: ConsoleApp

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rackrise-metrics-'))
  socketPath = join(folder, 'control.sock')
  app = await socketApp(listeningLog())
  const meter = promMeter()
  meter.counter('rackrise_dhcp_decisions_total', 'Replies and silences', ['reason'])({ reason: 'pool-exhausted' })
  addMetricsApi(app, meter)
  await app.listen({ path: socketPath })
})

afterEach(async () => {
  await closeConsoleApp(app)
  await rm(folder, { recursive: true })
})

test('as text, with the media type that Prometheus asks for', async () => {
  const text = await askText({ path: socketPath, user: 'anna' }, '/metrics')
  expect(text).toContain('\nrackrise_dhcp_decisions_total{reason="pool-exhausted"} 1\n')
  const { headers } = await app.inject('/metrics')
  expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8')
})

test('as values', async () => {
  const all = (await askJson({ path: socketPath, user: 'anna' }, 'GET', '/api/v1/metrics')) as {
    name: string
    values: unknown
  }[]
  expect(all.find(({ name }) => name === 'rackrise_dhcp_decisions_total')).toMatchObject({
    type: 'counter',
    help: 'Replies and silences',
    values: [{ labels: { reason: 'pool-exhausted' }, value: 1 }],
  })
})

test('an appliance that went away is one line with what to do', async () => {
  await closeConsoleApp(app)
  await expect(askText({ path: socketPath, user: 'anna' }, '/metrics')).rejects.toBeInstanceOf(EnvironmentProblem)
})
