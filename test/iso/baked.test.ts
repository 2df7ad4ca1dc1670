import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { attemptInitrd } from '../../services/iso/attempt-files.ts'
import { bakedProblems, maskUrl, printable } from '../../services/iso/baked.ts'
import { openCatalogue } from '../../services/iso/catalogue.ts'
import { inspectImage } from '../../services/iso/inspect.ts'
import { readImage } from '../../services/iso/iso9660.ts'
import { isProblem } from '../../services/kit/is-problem.ts'
import { silentLog } from '../../services/kit/log.ts'
import { bytesOf } from './bytes-of.ts'
import { CD_INFO, proxmoxImage, readerOf, type SmallFile } from './small-image.ts'

const MODE = 'auto-installer-mode.toml'
const OURS = { answerUrl: 'https://10.77.0.1/answer', fingerprint: 'AB'.repeat(32) }
const COLONS = Array.from({ length: 32 }, () => 'ab').join(':')

async function entryWith(files: SmallFile[]) {
  const bytes = proxmoxImage(CD_INFO, files)
  const image = await readImage(readerOf(bytes), bytes.length)
  const entry = isProblem(image) ? image : await inspectImage(image, { file: 'a.iso', path: '/isos/a.iso' })
  if (isProblem(entry)) throw new Error(entry.message)
  return { entry }
}

async function codesOf(mode: string, ours: typeof OURS | undefined = OURS): Promise<string[]> {
  const { entry } = await entryWith([{ name: MODE, text: mode }])
  return bakedProblems(entry, ours).map(({ code, severity }) => `${severity} ${code}`)
}

const http = (rest: string): string => `mode = "http"\npartition_label = "proxmox-ais"\n[http]\n${rest}`

test.each([
  ['our URL', http('url = "https://10.77.0.1/answer"'), []],
  ['our URL with its port', http('url = "https://10.77.0.1:443/answer"'), []],
  ['our URL with a token', http('url = "https://10.77.0.1/answer/abc"'), []],
  ['the path of Datacenter Manager', http('url = "https://10.77.0.1/api2/json/auto-install/answer"'), []],
  ['no URL: DHCP says it', http(''), []],
  ['another server', http('url = "https://old.example.org/answer"'), ['warning iso-baked-url']],
  [
    'a server whose name begins as ours',
    http('url = "https://10.77.0.1.example.org/answer"'),
    ['warning iso-baked-url'],
  ],
  ['our server as a user name', http('url = "https://10.77.0.1@example.org/answer"'), ['warning iso-baked-url']],
  ['another path of ours', http('url = "https://10.77.0.1/answers"'), ['warning iso-baked-url']],
  ['another port of ours', http('url = "https://10.77.0.1:8443/answer"'), ['warning iso-baked-url']],
  ['no URL at all', http('url = "answer"'), ['warning iso-baked-url']],
  ['our certificate in another spelling', http(`cert_fingerprint = "${COLONS}"`), []],
  ['another certificate', http(`cert_fingerprint = "${'cd'.repeat(32)}"`), ['warning iso-baked-fingerprint']],
  ['an answer of its own', 'mode = "iso"', ['warning iso-baked-answer']],
  ['a disk with a label', 'mode = "partition"\npartition_label = "ANSWERS"', ['warning iso-baked-partition']],
  ['something that no installer reads', 'mode = http', ['warning iso-baked-unreadable']],
])('%s', async (_, mode, codes) => {
  expect(await codesOf(mode)).toEqual(codes)
})

test('without a site no URL and no certificate is foreign, and a missing certificate is compared with nothing', async () => {
  const { entry } = await entryWith([{ name: MODE, text: http('url = "https://old.example.org/"') }])
  expect(bakedProblems(entry, undefined)).toEqual([])
  const pinned = await entryWith([{ name: MODE, text: http(`cert_fingerprint = "${COLONS}"`) }])
  expect(bakedProblems(pinned.entry, { answerUrl: OURS.answerUrl })).toEqual([])
})

test('the words say where the ISO would go, and that it does not when it boots from here', async () => {
  const { entry } = await entryWith([{ name: MODE, text: http('url = "https://me:pw@old.example.org/a?token=1"') }])
  expect(bakedProblems(entry, OURS)).toEqual([
    {
      code: 'iso-baked-url',
      message:
        'a.iso: it was prepared for https://***@old.example.org/a?***, which silently beats DHCP and DNS. Booted by this appliance it asks here, since its mode file is replaced on the wire; booted otherwise it asks there',
      hint: 'use the ISO as Proxmox publishes it',
      severity: 'warning',
      place: { file: '/isos/a.iso' },
    },
  ])
})

test('what an attempt boots holds the mode file of the attempt, and the baked one nowhere in its root', async () => {
  const foreign = http('url = "https://old.example.org/"')
  const folder = await mkdtemp(join(tmpdir(), 'rackrise-baked-'))
  try {
    const files = [
      { name: MODE, text: foreign },
      { name: 'answer.toml', text: '[global]' },
    ]
    await writeFile(join(folder, 'a.iso'), proxmoxImage(CD_INFO, files))
    const [before] = (await openCatalogue(folder, silentLog)).entries()
    expect(before).toMatchObject({ modeFile: { url: 'https://old.example.org/' } })
    expect(before!.baked).toEqual({ modeFile: true, answer: true, firstBoot: false })
    const segments = await attemptInitrd(before!, http('url = "https://10.77.0.1/answer/t"'))
    if (isProblem(segments)) throw new Error(segments.message)
    // The head of the archive has 124 bytes.
    const iso = (await bytesOf(segments)).subarray(124)
    const image = await readImage(readerOf(iso), iso.length)
    if (isProblem(image)) throw new Error(image.message)
    const after = await inspectImage(image, { file: 'b.iso', path: '/b.iso' })
    expect(after).toMatchObject({ modeFile: { mode: 'http', url: 'https://10.77.0.1/answer/t' } })
    expect(image.primary.entries.filter(({ name }) => name === MODE)).toHaveLength(1)
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('text of an image cannot write on a terminal', () => {
  expect(printable('a\u001b[2Jb\nc\u202ed\u0000')).toBe('a?[2Jb?c?d?')
  expect(printable('x'.repeat(1000))).toHaveLength(203)
  expect(maskUrl('not a url\u0007')).toBe('not a url?')
})
