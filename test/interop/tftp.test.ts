import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../services/kit/clock.ts'
import type { Ipv4 } from '../../services/kit/ipv4.ts'
import { openUdpPort } from '../../services/kit/udp-port.ts'
import { loaderFolder, startTftp, type TftpFact, type TftpServer } from '../../services/tftp/server.ts'
import { recordingLog } from '../dns/rig.ts'

const LOOPBACK = '127.0.0.1' as Ipv4
const SIZE = 1024 * 1024
const LONG_SIZE = 65_536 * 8 + 100
const run = promisify(execFile)
let folder = ''
let server: TftpServer
let port = 0
const facts: TftpFact[] = []
const sums = new Map<string, string>()

const sumOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tftp-'))
  for (const [name, size] of [
    ['loader.efi', SIZE],
    ['long.efi', LONG_SIZE],
  ] as const) {
    const bytes = Uint8Array.from({ length: size }, (_, index) => (index * 2_654_435_761) >>> 24)
    await writeFile(join(folder, name), bytes)
    sums.set(name, sumOf(bytes))
  }
  const well = await openUdpPort({ address: LOOPBACK, port: 0 })
  port = well.local.port
  server = await startTftp({
    port: well,
    openTransferPort: () => openUdpPort({ address: LOOPBACK, port: 0 }),
    mtu: () => 1500,
    find: loaderFolder(folder),
    tell: fact => facts.push(fact),
    clock: systemClock,
    log: recordingLog(),
  })
})

beforeEach(() => {
  facts.length = 0
})

afterAll(async () => {
  await server.close()
  await rm(folder, { recursive: true })
})

type Command = (name: string, out: string) => [command: string, ...words: string[]]

const CLIENTS: [string, string, Command][] = [
  [
    'tftp-hpa',
    'loader.efi',
    (name, out) => ['tftp', '-m', 'binary', '127.0.0.1', String(port), '-c', 'get', name, out],
  ],
  [
    'curl with its options',
    'loader.efi',
    (name, out) => ['curl', '-sS', '-o', out, `tftp://127.0.0.1:${port}/${name}`],
  ],
  [
    'curl with a block size',
    'loader.efi',
    (name, out) => ['curl', '-sS', '--tftp-blksize', '1428', '-o', out, `tftp://127.0.0.1:${port}//${name}`],
  ],
  [
    'curl without options',
    'loader.efi',
    (name, out) => ['curl', '-sS', '--tftp-no-options', '-o', out, `tftp://127.0.0.1:${port}/${name}`],
  ],
  ['busybox', 'loader.efi', (name, out) => ['busybox', 'tftp', '-g', '-r', name, '-l', out, '127.0.0.1', String(port)]],
  [
    'busybox with a block size',
    'loader.efi',
    (name, out) => ['busybox', 'tftp', '-b', '1400', '-g', '-r', `/${name}`, '-l', out, '127.0.0.1', String(port)],
  ],
  [
    'curl over the end of block numbers',
    'long.efi',
    (name, out) => ['curl', '-sS', '--tftp-blksize', '8', '-o', out, `tftp://127.0.0.1:${port}/${name}`],
  ],
]

test.each(CLIENTS)('%s loads the file whole', { timeout: 60_000 }, async (client, name, command) => {
  const out = join(folder, `${client.replaceAll(' ', '-')}.out`)
  const [program, ...words] = command(name, out)
  await run(program, words, { timeout: 50_000 })
  expect(sumOf(await readFile(out))).toBe(sums.get(name))
  await expect.poll(() => facts.at(-1)?.fact).toBe('sent')
  expect(facts[0]!.fact).toBe('started')
  expect(server.transfers).toBe(0)
})

// Exit status 68 of curl is "file not found on TFTP server"; its text depends on the version.
test.each<[string, number, string, Command]>([
  ['curl', 68, '', CLIENTS[1]![2]],
  ['busybox', 1, 'server error: (1) file not found', CLIENTS[4]![2]],
])('%s is told that a file is missing', async (_, status, words, command) => {
  const [program, ...rest] = command('revocations_sku.efi', join(folder, 'missing.out'))
  const failure = await run(program, rest, { timeout: 10_000 }).then(
    () => ({ code: 0, stderr: '' }),
    (error: { code: number; stderr: string }) => error,
  )
  expect(failure.code).toBe(status)
  expect(failure.stderr).toContain(words)
  expect(facts).toEqual([])
})

test('curl cannot put a file here', async () => {
  const words = ['-sS', '-T', join(folder, 'loader.efi'), `tftp://127.0.0.1:${port}/new.efi`]
  await expect(run('curl', words, { timeout: 10_000 })).rejects.toThrow()
})
