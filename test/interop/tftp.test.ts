import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../services/kit/clock.ts'
import type { Ipv4 } from '../../services/kit/ipv4.ts'
import { PortBundle } from '../../services/kit/port-bundle.ts'
import { openUdpPort } from '../../services/kit/udp-port.ts'
import { loaderFolder, startTftp, type TftpFact, type TftpServer } from '../../services/tftp/server.ts'
import { recordingLog } from '../dns/rig.ts'

const LOOPBACK = '127.0.0.1' as Ipv4
const SIZE = 1024 * 1024
const LONG_SIZE = 65_536 * 8 + 100
/** Too large for the memory of loaders: read while it is sent. */
const LARGE_SIZE = 20 * 1024 * 1024 + 17
const run = promisify(execFile)
let folder = ''
let server: TftpServer
let port = 0
const facts: TftpFact[] = []
const transfers = new PortBundle()
/** What each transfer began with. */
const terms: Record<string, unknown>[] = []
const sums = new Map<string, string>()

const sumOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tftp-'))
  for (const [name, size] of [
    ['loader.efi', SIZE],
    ['long.efi', LONG_SIZE],
    ['large.img', LARGE_SIZE],
  ] as const) {
    const bytes = Uint8Array.from({ length: size }, (_, index) => (index * 2_654_435_761) >>> 24)
    await writeFile(join(folder, name), bytes)
    sums.set(name, sumOf(bytes))
  }
  const well = await openUdpPort({ address: LOOPBACK, port: 0 })
  port = well.local.port
  server = await startTftp({
    port: well,
    openTransferPort: () => transfers.open({ address: LOOPBACK, port: 0 }),
    mtu: () => 1500,
    find: loaderFolder(folder),
    tell: fact => facts.push(fact),
    clock: systemClock,
    log: { ...recordingLog(), info: fields => terms.push(fields) },
  })
})

beforeEach(() => {
  facts.length = 0
  terms.length = 0
})

afterAll(async () => {
  await server.close()
  await rm(folder, { recursive: true })
})

type Command = (name: string, out: string) => [command: string, ...words: string[]]

type Terms = { blockSize: number; windowSize: number }

const atftp = (name: string, out: string, ...options: string[]): ReturnType<Command> => [
  'atftp',
  ...options.flatMap(option => ['--option', option]),
  ...['--get', '--remote-file', name, '--local-file', out, '127.0.0.1', String(port)],
]
const curl = (name: string, out: string, ...words: string[]): ReturnType<Command> => [
  'curl',
  ...['-sS', ...words, '-o', out, `tftp://127.0.0.1:${port}/${name}`],
]
const busybox = (name: string, out: string, ...words: string[]): ReturnType<Command> => [
  'busybox',
  ...['tftp', ...words, '-g', '-r', name, '-l', out, '127.0.0.1', String(port)],
]

const PLAIN: Terms = { blockSize: 512, windowSize: 1 }

const CLIENTS: [client: string, file: string, terms: Terms, Command][] = [
  [
    'tftp-hpa',
    'loader.efi',
    PLAIN,
    (name, out) => ['tftp', '-m', 'binary', '127.0.0.1', String(port), '-c', 'get', name, out],
  ],
  ['curl with its options', 'loader.efi', PLAIN, curl],
  [
    'curl with a block size',
    'loader.efi',
    { blockSize: 1428, windowSize: 1 },
    (name, out) => curl(`/${name}`, out, '--tftp-blksize', '1428'),
  ],
  ['curl without options', 'loader.efi', PLAIN, (name, out) => curl(name, out, '--tftp-no-options')],
  [
    'curl over the end of block numbers',
    'long.efi',
    { blockSize: 8, windowSize: 1 },
    (name, out) => curl(name, out, '--tftp-blksize', '8'),
  ],
  [
    'curl, a file that is read ahead',
    'large.img',
    { blockSize: 1468, windowSize: 1 },
    (name, out) => curl(name, out, '--tftp-blksize', '8192'),
  ],
  ['busybox', 'loader.efi', PLAIN, busybox],
  [
    'busybox with a block size',
    'loader.efi',
    { blockSize: 1400, windowSize: 1 },
    (name, out) => busybox(`/${name}`, out, '-b', '1400'),
  ],
  ['atftp', 'loader.efi', PLAIN, atftp],
  [
    'atftp in windows',
    'loader.efi',
    { blockSize: 1428, windowSize: 16 },
    (name, out) => atftp(name, out, 'blksize 1428', 'windowsize 16', 'tsize', 'timeout 2'),
  ],
  [
    'atftp in windows, a file that is read ahead',
    'large.img',
    { blockSize: 1468, windowSize: 64 },
    (name, out) => atftp(name, out, 'blksize 1468', 'windowsize 64'),
  ],
]

test.each(CLIENTS)('%s loads the file whole', { timeout: 60_000 }, async (client, name, granted, command) => {
  const out = join(folder, `${client.replaceAll(' ', '-')}.out`)
  const [program, ...words] = command(name, out)
  await run(program, words, { timeout: 50_000 })
  expect(sumOf(await readFile(out))).toBe(sums.get(name))
  await expect.poll(() => facts.at(-1)?.fact).toBe('sent')
  expect(facts[0]!.fact).toBe('started')
  expect(terms).toMatchObject([granted])
  expect(server.transfers).toBe(0)
})

// Exit status 68 of curl is "file not found on TFTP server"; its text depends on the version.
test.each<[string, number, string, Command]>([
  ['curl', 68, '', curl],
  ['busybox', 1, 'server error: (1) file not found', busybox],
  ['atftp', 255, 'file not found', atftp],
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
