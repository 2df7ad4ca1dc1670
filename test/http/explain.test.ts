/** What is explained is what happens: beside the real endpoint, with the same registry, layers and ISOs. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import type { Passwords } from '../../services/answer/passwords.ts'
import { type Explainer, localExplainer } from '../../services/console/explain.ts'
import { viewEvent } from '../../services/console/machine-view.ts'
import { isProblem } from '../../services/kit/is-problem.ts'
import type { Problem } from '../../services/kit/problem.ts'
import { NODE1, STRANGER } from '../machine/rig.ts'
import { ELSEWHERE, LAYER, type Reply, Rig, type RigOptions } from './rig.ts'
import type { Explanation } from '../../services/console/schema/explanation.ts'

let rig: Rig
let explainer: Explainer
afterEach(() => rig.close())

async function start(options?: RigOptions): Promise<void> {
  rig = await Rig.start(options)
  const { registry, site, catalogue, layers, urls, clock } = rig.context
  const passwords = { get: (machine: string) => rig.passwords.get(machine) }
  explainer = localExplainer(
    {
      registry,
      site,
      catalogue,
      layers,
      urls,
      fingerprint: () => rig.certificate.current.fingerprint,
      passwords,
      documents: rig.documents,
      clock,
    },
    async () => {},
  )
}

const BODY = {
  product: { product: 'pve' },
  iso: { release: '9.2', isorelease: '1' },
  dmi: { system: { serial: '7K2QX93', name: 'PowerEdge R6525' }, baseboard: { name: 'X570D4U' } },
  network_interfaces: [{ link: 'eno1', mac: NODE1 }],
}

const bytes = (body: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(body))

function post(body: unknown = BODY, from?: typeof ELSEWHERE): Promise<Reply> {
  return rig.tls('/answer', { method: 'POST', body: bytes(body), ...(from ? { from } : {}) })
}

function explained(outcome: Explanation | Problem): Explanation {
  if (isProblem(outcome)) throw new Error(outcome.message)
  return outcome
}

const explain = async (query?: string, posted?: unknown): Promise<Explanation> =>
  explained(await explainer.explain(query, posted === undefined ? undefined : bytes(posted)))

describe('the same answer', () => {
  test('revealed, it is the answer that is then sent, to the octet', async () => {
    await start()
    await rig.bring('booting')
    const before = explained(await explainer.reveal('node1', 'anna'))
    const reply = await post()
    expect([reply.status, before.answer?.toml]).toEqual([200, reply.text])
    expect(before.answer).toMatchObject({ product: 'pve', release: '9.2', installer: '9.2.2', leftOut: [] })
    const timeline = (await rig.registry.timeline(rig.node1.id, 0, 100)).map(viewEvent).map(({ text }) => text)
    expect(timeline.filter(text => text.includes('secrets'))).toEqual(['showed its answer with all secrets to anna'])
  })

  test('masked, the same keys and nothing secret; looking changes nothing', async () => {
    await start()
    await rig.bring('booting')
    const events = await rig.types()
    const { answer } = await explain(NODE1.toUpperCase().replaceAll(':', '-'))
    expect(await rig.types()).toEqual(events)
    const text = JSON.stringify(answer)
    for (const secret of ['$6$salt', rig.token('webhook'), rig.token('first-boot')]) expect(text).not.toContain(secret)
    expect(answer?.toml).toContain('root-password-hashed = "$6$********"')
    expect(answer?.keys.filter(({ from }) => from === 'rackrise').map(({ path }) => path)).toEqual([
      'global.fqdn',
      'post-installation-webhook.url',
      'post-installation-webhook.cert-fingerprint',
      'first-boot.source',
      'first-boot.url',
      'first-boot.cert-fingerprint',
    ])
  })

  test('an older installer hears it in its own spelling', async () => {
    await start({ releases: ['8.3'], iso: 'pve:8.3' })
    const { answer } = await explain('node1')
    expect([answer?.installer, answer?.toml.includes('root_password_hashed')]).toEqual(['8.3', true])
  })

  test('a refused answer is refused here, for the same reasons', async () => {
    await start()
    await rig.bring('booting')
    await writeFile(join(rig.folder, 'answers', 'base.toml'), LAYER.replace('"en-us"', '"klingon"'))
    const { problems } = await explain('node1')
    const { text } = await post()
    expect([problems.length, problems.every(({ message }) => text.includes(message))]).toEqual([1, true])
  })
})

describe('layers', () => {
  test('profile, entry and MAC, and which one gave what over which', async () => {
    await start({ more: 'answers = ["own"]\n' })
    await writeFile(join(rig.folder, 'answers', 'own.toml'), '[global]\ncountry = "de"\n')
    await writeFile(join(rig.folder, 'answers', 'BC-24-11-AB-12-21.toml'), '[global]\ncountry = "ch"\n')
    const { answer, profile } = await explain('node1')
    expect(profile).toMatchObject({ name: 'pve', why: 'its entry' })
    expect(answer?.layers.map(({ name, why }) => [name, why])).toEqual([
      ['base', 'profile pve'],
      ['own', 'its entry'],
      ['BC-24-11-AB-12-21', 'named by one of its MACs'],
    ])
    expect(answer?.keys.find(({ path }) => path === 'global.country')).toEqual({
      path: 'global.country',
      value: '"ch"',
      from: 'BC-24-11-AB-12-21',
      over: ['base', 'own'],
    })
  })

  test('a random password is made by nobody who looks, and its hash is shown only with the rest', async () => {
    await start()
    await rig.bring('booting')
    await writeFile(
      join(rig.folder, 'answers', 'base.toml'),
      LAYER.replace(/root-password-hashed = .*/, 'root-password-hashed = "{{password.random}}"'),
    )
    const placeholder = 'root-password-hashed = "{{password.random}}"'
    expect((await explain('node1')).answer?.toml).toContain(placeholder)
    expect(explained(await explainer.reveal('node1', '')).answer?.toml).toContain(placeholder)
    expect(await (rig.context.passwords as Passwords).take(rig.node1.id)).toMatchObject({ code: 'no-password' })
    const { text } = await post()
    expect((await explain('node1')).answer?.toml).toContain(placeholder)
    expect(explained(await explainer.reveal('node1', '')).answer?.toml).toBe(text)
  })
})

const RULES = `[[rule]]
when = { "dmi.baseboard.name" = "X570*" }
profile = "pve"
name = "board{{index}}"
[[rule]]
when = { mac = "b0:7b:25:*" }
profile = "pve"
[[rule]]
when = { mac = "bc:24:11:*", "dmi.system.name" = ["PowerEdge*", "!PowerEdge R7*"] }
profile = "pve"
name = "node{{index}}"
approve = true
`

describe('rules', () => {
  test('a MAC that nobody has seen: what it would get, and at which condition every other rule is lost', async () => {
    await start({ more: RULES })
    const { machine, rules, plan, listed, problems } = await explain('bc:24:11:ab:12:99')
    expect([machine, listed]).toEqual([{ id: STRANGER, macs: [STRANGER], seen: false }, 'nothing'])
    expect(rules).toEqual([
      {
        rule: 1,
        profile: 'pve',
        outcome: 'lost',
        lost: { condition: 'dmi.baseboard.name = "X570*"', because: 'not-told', seen: [], told: 'answer' },
      },
      {
        rule: 2,
        profile: 'pve',
        outcome: 'lost',
        lost: { condition: 'mac = "b0:7b:25:*"', because: 'differs', seen: [STRANGER], told: 'boot' },
      },
      {
        rule: 3,
        profile: 'pve',
        outcome: 'lost',
        lost: {
          condition: 'dmi.system.name = ["PowerEdge*", "!PowerEdge R7*"]',
          because: 'not-told',
          seen: [],
          told: 'boot',
        },
      },
    ])
    expect([plan, problems]).toEqual([{ boots: 'disk', why: 'nobody has approved it' }, []])
    expect(rig.registry.byMac(STRANGER)).toBeUndefined()
  })

  test('with a system information: another rule by what only the installer tells, with the number that it would get', async () => {
    await start({ more: RULES })
    const body = { ...BODY, network_interfaces: [{ link: 'eno1', mac: STRANGER.toUpperCase() }] }
    const { machine, rules, plan, notes, facts } = await explain(undefined, body)
    expect([machine.name, machine.seen, rules.map(({ outcome }) => outcome)]).toEqual([
      'board1',
      false,
      ['taken', 'lost', 'earlier'],
    ])
    expect(plan).toEqual({ boots: 'installer', why: 'approve = true of its rule starts its first installation' })
    expect(notes).toEqual([
      'when it boots rule 3 takes it; rule 1 by what its installer tells',
      'it has no address yet; 10.77.0.100 is an example',
    ])
    expect(facts).toContainEqual({ fact: 'dmi.baseboard.name', values: ['X570D4U'], told: 'answer' })
  })

  test('an entry of its own comes before all rules', async () => {
    await start({ more: RULES.replace('b0:7b:25:*', NODE1) })
    const { rules, listed, profile } = await explain('node1')
    expect([listed, rules.map(({ outcome }) => outcome), profile?.why]).toEqual([
      'machine',
      ['lost', 'earlier', 'lost'],
      'its entry',
    ])
  })

  test('a body that fits two listed machines: both candidates, and that it would be held', async () => {
    await start({ more: `[[machine]]\nname = "node2"\nmac = ["${STRANGER}"]\nprofile = "pve"\n` })
    await rig.bring('booting')
    const body = { ...BODY, network_interfaces: [{ mac: NODE1 }, { mac: STRANGER }] }
    const { conflicts, refusal, plan } = await explain(undefined, body)
    expect(conflicts).toEqual([{ name: 'node2', id: STRANGER, by: 'mac', value: STRANGER }])
    expect([refusal?.reason, plan.boots, rig.node1.state]).toEqual(['identity-conflict', 'disk', 'booting'])
    expect((await post(body)).text).toContain('(identity-conflict)')
  })

  test('whether it would be answered now is said as the endpoint says it', async () => {
    await start({ more: 'serial = "OTHER1"\n' })
    await rig.bring('booting')
    const { refusal } = await explain(undefined, BODY)
    const reply = await post()
    expect([reply.status, reply.text]).toEqual([403, `Rackrise: ${refusal?.message} (${refusal?.reason})\n`])
    expect((await explain('node1')).refusal).toBeUndefined()
  })
})

test.each([
  ['nobody', undefined, 'unknown-machine'],
  [undefined, { product: {} }, 'no-mac'],
  ['node1', 'no object', 'body-not-json'],
])('what cannot be explained: %s %j', async (query, posted, code) => {
  await start()
  expect(await explainer.explain(query, posted === undefined ? undefined : bytes(posted))).toMatchObject({ code })
})
