import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { STRANGER } from '../machine/rig.ts'
import { ELSEWHERE, type Reply, Rig } from './rig.ts'

let rig: Rig
afterEach(() => rig.close())

const BODY = {
  product: { product: 'pve' },
  iso: { release: '9.2', isorelease: '1' },
  dmi: { system: {} },
  network_interfaces: [{ link: 'eno1', mac: STRANGER }],
}

const RULES = `[[profile]]
name = "other"
iso = "pve:9.2"
answers = ["base"]
[[rule]]
when = { "nic.link" = "eno*" }
profile = "other"
[[rule]]
when = { mac = "${STRANGER}" }
profile = "pve"
answers = ["late"]
`

/** A machine that is known by its MAC only boots, and tells the rest when it asks. */
async function ask(profile?: string): Promise<Reply> {
  rig = await Rig.start({ more: RULES })
  await writeFile(join(rig.folder, 'answers', 'late.toml'), '[global]\ncountry = "ch"\n')
  rig.holders.set(ELSEWHERE, STRANGER)
  const machine = await rig.registry.sight({ macs: [STRANGER] }, 'dhcp')
  await rig.registry.startAttempt(machine, { by: 'operator', again: false, ...(profile ? { profile } : {}) })
  return rig.tls('/answer', { method: 'POST', from: ELSEWHERE, body: JSON.stringify(BODY) })
}

test('another rule with another profile takes it by what it tells now: no mixture of both, and what to do', async () => {
  const { status, text } = await ask()
  expect([status, text]).toEqual([
    409,
    `Rackrise: no valid answer for ${STRANGER}: rule 1 takes it by what it tells now, and names profile other, but pve was booted; the next attempt boots other; when that is mended, run \`rackrise machine approve ${STRANGER}\` and power-cycle it\n`,
  ])
  const machine = rig.registry.byMac(STRANGER)!
  expect([machine.state, rig.registry.listing(machine).profile]).toEqual(['failed', 'other'])
})

test('a profile that a person named stays', async () => {
  expect((await ask('pve')).status).toBe(200)
})
