import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
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

test('on a terminal it asks, shows the plan, and writes after a yes', async () => {
  const command = `${process.execPath} ${MAIN} init --config ${file} --interface eth1 --address 10.77.0.1/24`
  const terminal = spawn('script', ['-qec', command, '/dev/null'], { cwd: folder })
  let shown = ''
  const answers: [question: string, answer: string][] = [
    ['Domain of the machines', 'rack.test'],
    ['Default gateway', '-'],
    ['Addresses for machines', ''],
    ['Write it?', ''],
  ]
  terminal.stdout.on('data', (part: Buffer) => {
    shown += part.toString()
    const [next] = answers
    if (!next || !shown.includes(next[0])) return
    answers.shift()
    terminal.stdin.write(`${next[1]}\n`)
  })
  const status = await new Promise(resolve => terminal.on('close', resolve))
  expect([status, shown]).toEqual([0, expect.stringContaining('would say:') as string])
  expect(await readFile(file, 'utf8')).toContain('pools = ["10.77.0.155-10.77.0.254"]')
})
