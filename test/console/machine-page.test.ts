import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { closeConsoleApp, type ConsoleApp } from '../../services/console/app.ts'
import { addFleetApi } from '../../services/console/fleet-api.ts'
import { localFleet } from '../../services/console/fleet.ts'
import { MachineOrder, pageOf } from '../../services/console/machine-page.ts'
import { remoteFleet } from '../../services/console/remote-fleet.ts'
import { isProblem } from '../../services/kit/is-problem.ts'
import { type Mac, parseMac } from '../../services/kit/mac.ts'
import { Fleet, LISTED, NODE1, NODE2, siteOf, STRANGER } from '../machine/rig.ts'
import { socketApp } from './rig.ts'

const digits = (value: number): string => String(value).padStart(2, '0')
/** In the order in which people count. */
const macOf = (index: number): Mac => parseMac(`02:00:00:00:${digits(Math.floor(index / 100))}:${digits(index % 100)}`)!

describe('the order of all machines', () => {
  const TWO = `${LISTED}[[machine]]\nname = "node10"\nmac = ["${NODE2}"]\nprofile = "pve"\n`

  test('who comes or goes is in its place or out of it; what else happens moves nobody', async () => {
    const rig = await Fleet.open(siteOf(TWO))
    const { registry } = rig
    const order = new MachineOrder(registry)
    const before = order.ids()
    expect(before).toEqual([NODE1, NODE2])
    await rig.happen(NODE1, { type: 'blocked' })
    expect(order.ids()).toBe(before)
    await registry.sight({ macs: [STRANGER] }, 'dhcp')
    expect(order.ids()).toEqual([STRANGER, NODE1, NODE2])
    await registry.forget(registry.byMac(STRANGER)!, 'anna')
    expect(order.ids()).toEqual([NODE1, NODE2])
    // Another one came in the same breath.
    await registry.sight({ macs: [macOf(1)] }, 'dhcp')
    await registry.sight({ macs: [macOf(2)] }, 'dhcp')
    order.ids()
    await registry.forget(registry.byMac(macOf(1))!, 'anna')
    await registry.sight({ macs: [macOf(3)] }, 'dhcp')
    expect(order.ids()).toEqual([macOf(2), macOf(3), NODE1, NODE2])
    expect(before).toEqual([NODE1, NODE2])
  })

  test('a machine that is forgotten while a page is made is left out', async () => {
    const { registry } = await Fleet.open(siteOf(''))
    // More than are looked at in one turn.
    for (let index = 0; index < 500; index++) await registry.sight({ macs: [macOf(index)] }, 'dhcp')
    const page = pageOf({ registry, order: new MachineOrder(registry) }, {}, 1000)
    await registry.forget(registry.byMac(macOf(499))!, 'anna')
    const made = await page
    expect(isProblem(made) ? made : [made.machines.length, made.hasMore]).toEqual([499, false])
  })
})

describe('pages over the socket', () => {
  const COUNT = 1203
  let folder: string
  let app: ConsoleApp
  let rig: Fleet
  let beforeSecondPage: (() => Promise<void>) | undefined

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rackrise-pages-'))
    rig = await Fleet.open(siteOf(''))
    for (let index = 0; index < COUNT; index++) await rig.registry.sight({ macs: [macOf(index)] }, 'dhcp')
    app = await socketApp(rig.log)
    app.addHook('onRequest', async ({ url }) => {
      if (!url.includes('after=')) return
      await beforeSecondPage?.()
      beforeSecondPage = undefined
    })
    addFleetApi(
      app,
      localFleet(
        rig.registry,
        async () => undefined,
        async () => {},
      ),
    )
    await app.listen({ path: join(folder, 'control.sock') })
  })
  afterAll(async () => {
    await closeConsoleApp(app)
    await rm(folder, { recursive: true })
  })

  async function ask(url: string): Promise<{ ids: string[]; link: unknown }> {
    const reply = await app.inject({ url, headers: { 'rackrise-user': 'anna' } })
    return { ids: reply.json<{ id: string }[]>().map(({ id }) => id), link: reply.headers['link'] }
  }

  test('without a limit 500 come, and the address of the rest, until there is none', async () => {
    const first = await ask('/api/v1/machines?search=02')
    expect([first.ids.length, first.link]).toEqual([
      500,
      `</api/v1/machines?search=02&after=${encodeURIComponent(macOf(499))}>; rel="next"`,
    ])
    const second = await ask(/<(.*)>/.exec(String(first.link))![1]!)
    const third = await ask(/<(.*)>/.exec(String(second.link))![1]!)
    expect([second.ids[0], third.ids.length, third.link]).toEqual([macOf(500), COUNT - 1000, undefined])
  })

  test('a page that ends with the last machine is the last page', async () => {
    expect((await ask(`/api/v1/machines?after=${macOf(COUNT - 501)}`)).link).toBeUndefined()
    expect((await ask(`/api/v1/machines?after=${macOf(COUNT - 502)}`)).link).toBeDefined()
  })

  test('more than a thousand at once is refused', async () => {
    const reply = await app.inject({ url: '/api/v1/machines?limit=1001', headers: { 'rackrise-user': 'anna' } })
    expect(reply.statusCode).toBe(400)
  })

  test('the command line has all of them, also where one is forgotten between two pages', async () => {
    const fleet = remoteFleet({ path: join(folder, 'control.sock'), user: 'anna' })
    expect((await fleet.list()).map(({ id }) => id)).toEqual(Array.from({ length: COUNT }, (_, index) => macOf(index)))
    beforeSecondPage = () => rig.registry.forget(rig.registry.byMac(macOf(999))!, 'anna')
    expect(await fleet.list()).toHaveLength(COUNT - 1)
  })
})
