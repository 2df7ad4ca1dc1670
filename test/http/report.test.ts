import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { lastReport } from '../../services/answer/documents.ts'
import { STRANGER } from '../machine/rig.ts'
import { ELSEWHERE, type Reply, Rig } from './rig.ts'

let rig: Rig
beforeEach(async () => {
  rig = await Rig.start()
})
afterEach(() => rig.close())

const REPORT = {
  $schema: { version: '1.2' },
  fqdn: 'node1.rack.test',
  'machine-id': '8b1f0c7c2f7e4a0db2f1d3a4c5b6a798',
  product: { fullname: 'Proxmox VE', short: 'pve', version: '9.2.1' },
  'kernel-version': { release: '7.0.2-5-pve' },
  'network-interfaces': [{ name: 'nic0', mac: 'bc:24:11:ab:12:21', address: '10.77.0.11/24', 'is-management': true }],
  'ssh-public-host-keys': { ed25519: 'ssh-ed25519 AAAAC3Nz root@node1' },
}

const post = (
  body: string | Uint8Array | undefined,
  token = rig.token('webhook'),
  more: { from?: typeof ELSEWHERE } = {},
): Promise<Reply> =>
  rig.tls(`/webhook/${token}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json; charset=utf-8' },
    ...(body === undefined ? {} : { body }),
    ...more,
  })

describe('L11 the report', () => {
  test('closes the attempt and brings what the inventory needs', async () => {
    await rig.bring('installing')
    const reply = await post(JSON.stringify(REPORT))
    expect([reply.status, reply.text]).toEqual([200, 'thank you\n'])
    expect(rig.node1.installed).toEqual({
      fqdn: 'node1.rack.test',
      machineId: '8b1f0c7c2f7e4a0db2f1d3a4c5b6a798',
      address: '10.77.0.11/24',
      product: 'pve 9.2.1',
      kernel: '7.0.2-5-pve',
      hostKeys: ['ssh-ed25519 AAAAC3Nz root@node1'],
      at: rig.clock.now(),
      inferred: false,
    })
    expect(rig.node1.state).toBe('installed')
  })

  test('is kept whole with the machine, without its token', async () => {
    await rig.bring('installing')
    const disks = [{ size: 1, 'udev-properties': { DEVNAME: '/dev/sda', ID_MODEL: 'X' } }]
    await post(JSON.stringify({ ...REPORT, disks, token: 'node1:s3cret' }))
    const kept = await lastReport(rig.documents, rig.node1.id)
    expect(kept).toMatchObject({ at: rig.clock.now(), attempt: rig.attempt, body: { ...REPORT, disks } })
    expect(kept?.report.disks).toEqual([
      { path: '/dev/sda', model: 'X', isBootDisk: false, udev: { DEVNAME: '/dev/sda', ID_MODEL: 'X' } },
    ])
    expect(JSON.stringify(kept)).not.toContain('s3cret')
  })

  test('said twice it is the same: 200, and the machine is as it was', async () => {
    await rig.bring('installing')
    await post(JSON.stringify(REPORT))
    const before = { ...rig.node1, lastEventAt: 0 }
    rig.clock.advance(60_000)
    expect((await post(JSON.stringify({ ...REPORT, fqdn: 'other.rack.test' }))).status).toBe(200)
    expect({ ...rig.node1, lastEventAt: 0 }).toEqual(before)
  })

  test.each([
    ['nothing', undefined],
    ['text', 'done'],
    ['half of it', '{"fqdn": "node1'],
    ['a list', '[1]'],
    ['octets that are no text', Uint8Array.of(0xff, 0xfe, 0x00)],
    ['placeholders of an installer that failed to look', JSON.stringify({ fqdn: 'unknown', disks: [] })],
  ])('a body that is %s closes the attempt all the same', async (_, body) => {
    await rig.bring('installing')
    expect((await post(body)).status).toBe(200)
    expect(rig.node1.state).toBe('installed')
  })

  test('a POST that says it has no body closes the attempt all the same', async () => {
    await rig.bring('installing')
    const reply = await rig.tls(`/webhook/${rig.token('webhook')}`, {
      method: 'POST',
      headers: { 'content-length': '0' },
    })
    expect([reply.status, rig.node1.state]).toEqual([200, 'installed'])
  })

  test('more than the 64 KiB of system information', async () => {
    await rig.bring('installing')
    expect((await post(JSON.stringify({ ...REPORT, note: 'x'.repeat(200_000) }))).status).toBe(200)
    expect(rig.node1.installed?.fqdn).toBe('node1.rack.test')
  })

  test('after the alarm it counts, too', async () => {
    await rig.bring('installing')
    await rig.happen({ type: 'stalled', attempt: rig.attempt, silentSeconds: 1200, stage: 'answer served' })
    await post(JSON.stringify(REPORT))
    expect(rig.node1.state).toBe('installed')
  })

  test('before the answer it is kept as an anomaly', async () => {
    await rig.bring('booting')
    expect((await post(JSON.stringify(REPORT))).status).toBe(200)
    expect([rig.node1.state, (await rig.types()).at(-1)]).toEqual(['booting', 'reported (anomaly)'])
  })

  test.each([
    ['a guess', () => 'AAAAAAAAAAAAAAAAAAAAAAAAAAA'],
    ['the answer’s token', () => rig.token('answer')],
    ['the attempt’s name', () => rig.attempt],
  ])('%s is no token', async (_, token) => {
    await rig.bring('installing')
    const reply = await post(JSON.stringify(REPORT), token())
    expect([reply.status, reply.text, rig.node1.state]).toEqual([
      404,
      'no installation is reported here: its attempt is over or never was; see `rackrise machine timeline`\n',
      'installing',
    ])
  })

  test('the token of an attempt that another one followed', async () => {
    await rig.bring('installing')
    const old = rig.token('webhook')
    await rig.approve(true)
    expect((await post(JSON.stringify(REPORT), old)).status).toBe(404)
    expect(rig.node1.state).toBe('approved')
  })

  test('from another address than the machine’s', async () => {
    await rig.bring('installing')
    rig.holders.set(ELSEWHERE, STRANGER)
    expect((await post(JSON.stringify(REPORT), rig.token('webhook'), { from: ELSEWHERE })).status).toBe(403)
    expect(rig.node1.state).toBe('installing')
  })
})

describe('the first-boot script', () => {
  const fetch = (): Promise<Reply> => rig.tls(`/first-boot/${rig.token('first-boot')}`)
  const script = (): string => join(rig.folder, 'answers', 'setup.sh')

  test('is sent to the machine that installs, to the byte', async () => {
    await rig.bring('installing')
    const reply = await fetch()
    expect([reply.status, reply.text, reply.headers['content-length'], reply.headers['cache-control']]).toEqual([
      200,
      '#!/bin/sh\necho hello\n',
      '21',
      'no-store',
    ])
    expect((await rig.types()).at(-1)).toBe('first-boot-served')
  })

  test('exactly 1 MiB is sent, one octet more is refused: the installer would cut it without a word', async () => {
    await rig.bring('installing')
    await writeFile(script(), Buffer.alloc(1024 * 1024, '#'))
    expect((await fetch()).body).toHaveLength(1024 * 1024)
    await writeFile(script(), Buffer.alloc(1024 * 1024 + 1, '#'))
    const reply = await fetch()
    expect([reply.status, reply.text]).toEqual([
      500,
      'the first-boot script setup.sh is larger than 1 MiB; the installer would cut it, so make it fetch the rest itself\n',
    ])
  })

  test('missing, or a folder', async () => {
    await rig.bring('installing')
    await rm(script())
    expect([(await fetch()).status, (await fetch()).text]).toEqual([
      404,
      'the first-boot script setup.sh is missing; see the profile\n',
    ])
    await mkdir(script())
    expect((await fetch()).status).toBe(404)
  })

  test.each([
    ['booting', 409],
    ['installed', 409],
    ['failed', 409],
    ['stalled', 409],
  ] as const)('%s without an answer: nothing', async (state, status) => {
    await rig.bring(state)
    expect((await fetch()).status).toBe(status)
  })

  test('a slow installation that set off the alarm goes on', async () => {
    await rig.bring('installing')
    await rig.happen({ type: 'stalled', attempt: rig.attempt, silentSeconds: 1200, stage: 'answer served' })
    expect((await fetch()).status).toBe(200)
  })

  test('the machine is blocked while the file is read: nothing', async () => {
    await rig.bring('installing')
    const { registry } = rig
    const record = registry.record.bind(registry)
    registry.record = async (id, fact, source) => {
      if (fact.type === 'first-boot-served') await record(id, { type: 'blocked' }, 'operator')
      return record(id, fact, source)
    }
    const reply = await fetch()
    expect([reply.status, reply.text]).toEqual([
      409,
      'no installation of this machine is under way; see `rackrise machine show`\n',
    ])
  })

  test('another address, or another token', async () => {
    await rig.bring('installing')
    expect((await rig.tls(`/first-boot/${rig.token('first-boot')}`, { from: ELSEWHERE })).status).toBe(403)
    expect((await rig.tls(`/first-boot/${rig.token('webhook')}`)).status).toBe(404)
  })
})
