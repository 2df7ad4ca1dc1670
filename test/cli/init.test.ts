import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type Ran, rackrise } from './rig.ts'

// Child processes, on a machine that does other things too.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const MAIN = join(import.meta.dirname, '../../services/main.ts')

let folder: string
let file: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rackrise-init-'))
  file = join(folder, 'site.toml')
})
afterEach(() => rm(folder, { recursive: true }))

const FLAGS = ['--interface', 'eth1', '--address', '10.77.0.1/24', '--domain', 'rack.test', '--router', '10.77.0.254']
const init = (...args: string[]): Promise<Ran> => rackrise(folder, 'init', '--config', file, ...args)

test('flags say everything, and what is there already stays unless that is said', async () => {
  const first = await init(...FLAGS)
  expect(first).toMatchObject({ status: 0, err: '' })
  expect(first.out).toContain('dhcp       server, 10.77.0.154-10.77.0.253 (100 addresses)')
  expect(await readFile(file, 'utf8')).toContain('pools = ["10.77.0.154-10.77.0.253"]\nrouter = "10.77.0.254"\n')
  await writeFile(file, '# mine')
  expect(await init(...FLAGS)).toMatchObject({ status: 1, out: '' })
  expect(await readFile(file, 'utf8')).toBe('# mine')
  expect(await init(...FLAGS, '--force')).toMatchObject({ status: 0 })
  expect(await readFile(`${file}.before-init`, 'utf8')).toBe('# mine')
})

test('what nobody can guess has to be said where nobody can be asked', async () => {
  expect(await init('--interface', 'eth1', '--address', '10.77.0.1/24')).toEqual({
    status: 2,
    out: '',
    err: 'rackrise init: --domain is missing, and there is no terminal to ask; see `rackrise init --help`\n',
  })
})

test('an empty folder is furnished with what the site names, and its site file passes', async () => {
  const { status, out } = await init(...FLAGS)
  expect([status, out]).toEqual([0, expect.stringContaining('profile    pve, with base + ext4\n')])
  expect(out).toContain(
    'made answers/base.toml, answers/ext4.toml, isos/; ext4.toml names the disk that is erased: look whether it is yours\n',
  )
  const { problems } = JSON.parse((await rackrise(folder, 'check', '--config', file, '--json')).out) as {
    problems: { code: string; severity: string }[]
  }
  // What this host has, or has not, is another matter.
  const ofHost = new Set(['interface-missing', 'address-missing', 'loaders-missing'])
  expect(
    problems.filter(({ severity, code }) => severity === 'error' && !ofHost.has(code)).map(({ code }) => code),
  ).toEqual(['iso-unknown'])
})

test('answers that are there stay as they are, and what is lacking is said', async () => {
  await mkdir(join(folder, 'answers'))
  const { out } = await init(...FLAGS)
  expect(await readdir(join(folder, 'answers'))).toEqual([])
  expect(out).toContain('profile    none yet')
  expect(out).toContain(`Next: an ISO into isos/, layers into answers/ and a profile into ${file}, then`)
})

test.each([
  [
    ['--interface', 'nosuch0'],
    /^rackrise init: --address is missing, and there is no interface nosuch0 here[^\n]*, and there is no terminal to ask; see/,
  ],
  [
    ['--interface', 'eth1', '--address', '10.77.0.1'],
    /^rackrise init: --address 10\.77\.0\.1 needs the length of its mask, as 10\.77\.0\.1\/24; see/,
  ],
])('what is lacking is named: %j', async (args, line) => {
  const { status, out, err } = await init('--domain', 'rack.test', ...args)
  expect([status, out]).toEqual([2, ''])
  expect(err).toMatch(line)
})

test('where nothing can be written is one line', async () => {
  await mkdir(join(folder, 'site.toml'))
  const { status, out, err } = await init(...FLAGS, '--force')
  expect([status, out]).toEqual([1, ''])
  expect(err).toMatch(/^rackrise init: error: can't write \S+\/site\.toml: [^\n]+; name another file with --config\n$/)
})

test('a value that is wrong is told as it is in a site file, and nothing is written', async () => {
  const { status, err } = await init(...FLAGS, '--pool', '10.77.0.1-10.77.0.9')
  expect([status, err]).toEqual([
    1,
    "error: pool 10.77.0.1-10.77.0.9 contains the appliance's own address 10.77.0.1; begin or end the pool beside it, or write two pools around it\n",
  ])
  await expect(readFile(file)).rejects.toThrow('ENOENT')
})

type Typed = readonly (readonly [question: string, answer: string])[]

/** On a terminal of its own: each answer is typed when its question is asked after the last one. */
async function conversation(flags: readonly string[], typed: Typed): Promise<{ status: unknown; lines: string[] }> {
  const command = [process.execPath, MAIN, 'init', '--config', file, ...flags].join(' ')
  const env = { ...process.env, NO_COLOR: '1' }
  const terminal = spawn('script', ['-qec', command, '/dev/null'], { cwd: folder, env })
  const left = [...typed]
  let shown = ''
  let from = 0
  terminal.stdout.on('data', (part: Buffer) => {
    shown += part.toString()
    const [next] = left
    if (!next || !shown.slice(from).includes(next[0])) return
    from = shown.length
    left.shift()
    terminal.stdin.write(next[1])
  })
  const status = await new Promise(resolve => terminal.on('close', resolve))
  expect(left).toEqual([])
  return { status, lines: stripVTControlCharacters(shown).split(/[\r\n]+/) }
}

const ON_ETH1 = ['--interface', 'eth1', '--address', '10.77.0.1/24']

test('on a terminal it asks, shows the plan, and writes after a yes', async () => {
  const { status, lines } = await conversation(ON_ETH1, [
    ['Domain of the machines', 'rack.test\r'],
    ['Default gateway', '-\r'],
    ['Addresses for machines', '\r'],
    ['Write it?', '\r'],
  ])
  expect([status, lines]).toEqual([0, expect.arrayContaining([`${file} would say:`]) as string[]])
  expect(await readFile(file, 'utf8')).toContain('pools = ["10.77.0.155-10.77.0.254"]')
})

describe('an answer that is wrong is told in one line, and asked for again', () => {
  test.each([
    [
      'Interface on',
      'nosuch0',
      /^there is no interface nosuch0 here; for one that comes later say --interface nosuch0$/,
    ],
    [
      'Its address',
      '127.0.0.1',
      /^"address" in \[network\]: "127\.0\.0\.1" is not an address with its mask length; write /,
    ],
    [
      'Its address',
      '127.0.0.0/8',
      /^127\.0\.0\.0 is the first or last address of 127\.0\.0\.0\/8, not one of a host; /,
    ],
    ['Domain of', 'two words', /^"domain" in \[site\]: "two words" is not a domain name; write letters, digits, /],
    ['Domain of', '', /^"domain" in \[site\]: "" is not a domain name; write letters, digits, /],
    [
      'Default gateway',
      '10.9.9.9',
      /^router 10\.9\.9\.9 is not the address of a host in 127\.0\.0\.0\/8; machines can /,
    ],
    ['Addresses for', '127.0.0.1-127.0.0.9', /^pool 127\.0\.0\.1-127\.0\.0\.9 contains the appliance's own address /],
    ['Addresses for', 'many', /^"pools" in \[\[dhcp\.subnet\]\]: "many" is not a range of addresses; write the first /],
    ['Write it?', 'maybe', /^say yes or no$/],
  ])('%s: %j', async (question, wrong, told) => {
    const right: Typed = [
      ['Interface on', 'lo\r'],
      ['Its address', '127.0.0.1/8\r'],
      ['Domain of', 'rack.test\r'],
      ['Default gateway', '-\r'],
      ['Addresses for', '127.0.0.20-127.0.0.29\r'],
      ['Write it?', 'yes\r'],
    ]
    const at = right.findIndex(([asked]) => asked === question)
    const { status, lines } = await conversation([], right.toSpliced(at, 0, [question, `${wrong}\r`]))
    expect([status, lines.filter(line => told.test(line))]).toEqual([0, [expect.any(String)]])
    expect(await readFile(file, 'utf8')).toContain('pools = ["127.0.0.20-127.0.0.29"]')
  })

  test('so is a flag', async () => {
    const { status, lines } = await conversation(
      ['--interface', 'eth1', '--address', '10.77.0.1', '--domain', 'rack.test', '--router', '-', '--yes'],
      [
        ['Its address', '10.77.0.1/24\r'],
        ['Addresses for machines', '\r'],
      ],
    )
    expect([status, lines[0]]).toEqual([
      0,
      expect.stringContaining('"10.77.0.1" is not an address with its mask length'),
    ])
    expect(await readFile(file, 'utf8')).toContain('address = "10.77.0.1/24"')
  })
})

describe('nothing is written', () => {
  test.each([
    ['after a no', [['Write it?', 'no\r']], 'nothing was written'],
    ['after the fifth wrong answer', Array(5).fill(['Write it?', 'maybe\r']), '5 answers were wrong'],
    ['after the end of the input', [['Write it?', '\x04']], 'the input ended before all was said'],
    ['after Ctrl-C', [['Write it?', 'ye\x03']], 'the input ended before all was said'],
  ] satisfies [string, [string, string][], string][])('%s', async (_, typed, told) => {
    const { status, lines } = await conversation(
      [...ON_ETH1, '--router', '-', '--pool', '10.77.0.9-10.77.0.9'],
      [['Domain of', 'rack.test\r'], ...typed],
    )
    expect([status, lines.filter(line => line.includes(told))]).toEqual([1, [expect.any(String)]])
    expect(await readdir(folder)).toEqual([])
  })

  test.each(['\x03', '\x04'])('at the first question: %j', async key => {
    const { status, lines } = await conversation([], [['Interface on', key]])
    expect([status, lines.at(-2)]).toEqual([
      1,
      'rackrise init: error: the input ended before all was said, and nothing was written; run it again, or say all with flags',
    ])
    expect(await readdir(folder)).toEqual([])
  })
})
