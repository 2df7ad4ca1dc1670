import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { rackrise, rackriseWith } from './rig.ts'

// Child processes, on a machine that does other things too.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const GOOD = `[global]
keyboard = "de"
country = "at"
fqdn = "node1.example.org"
mailto = "ops@example.org"
timezone = "Europe/Vienna"
root-password = "correct horse"
[network]
source = "from-dhcp"
[disk-setup]
filesystem = "ext4"
disk-list = ["sda"]
`

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rackrise-answer-'))
  await writeFile(join(folder, 'good.toml'), GOOD)
  await writeFile(join(folder, 'bad.toml'), GOOD.replace('"de"', '"us"').replace('["sda"]', '["sda", "sdb"]'))
  await writeFile(join(folder, 'doubtful.toml'), GOOD.replace('root-password', 'root_password'))
  await writeFile(join(folder, 'layer.toml'), '[global]\nfqdn = "{{machine.name}}.{{site.domian}}"\n')
  await writeFile(join(folder, 'part.toml'), '[disk-setup]\nfilesystem = "xfs"\ndisk-list = ["sda"]\n')
  await writeFile(join(folder, 'latin.toml'), Buffer.from('[global]\n# M\xfcnchen\n', 'latin1'))
})
afterAll(() => rm(folder, { recursive: true }))

test('a good file: one line for it, one for all, and 0', async () => {
  expect(await rackrise(folder, 'answer', 'validate', 'good.toml')).toEqual({
    status: 0,
    out: 'good.toml: answer, fine\n1 file for pve 9.2 (installer 9.2.2): 1 fine\n',
    err: '',
  })
})

test('a release that is newer than all that are known is checked as the newest of them, and that is said', async () => {
  expect(await rackrise(folder, 'answer', 'validate', '--product', 'pbs', '--release', '8.4', 'good.toml')).toEqual({
    status: 0,
    out: 'good.toml: answer, fine\n1 file for pbs 8.4 (not known here: checked as 4.2, installer 9.2.2): 1 fine\n',
    err: '',
  })
})

test('several files: every problem with its place, a verdict for each file, a summary, and 1', async () => {
  const { status, out, err } = await rackrise(
    folder,
    'answer',
    'validate',
    'bad.toml',
    'good.toml',
    'doubtful.toml',
    'layer.toml',
  )
  expect([status, out]).toEqual([
    1,
    [
      'bad.toml: answer, refused: 2 errors',
      'good.toml: answer, fine',
      'doubtful.toml: answer, accepted: 1 warning',
      'layer.toml: layer (a part of an answer), refused: 1 error',
      '4 files for pve 9.2 (installer 9.2.2): 2 refused, 1 accepted with warnings, 1 fine',
      '',
    ].join('\n'),
  ])
  expect(err.split('\n')).toEqual([
    'bad.toml:2:1: error: global.keyboard: "us" is not a keyboard layout of the installer; did you mean "en-us"?',
    'bad.toml:12:1: error: ext4 takes one disk, disk-setup.disk-list has 2; keep one',
    'doubtful.toml:7:1: warning: global.root-password is spelled with underscores; write root-password',
    'layer.toml:2:1: error: global.fqdn: unknown placeholder {{site.domian}}; did you mean {{site.domain}}?',
    '',
  ])
})

test('warnings alone end with 0', async () => {
  expect((await rackrise(folder, 'answer', 'validate', 'doubtful.toml')).status).toBe(0)
})

test('a part of an answer is a layer where somebody says so', async () => {
  const bare = await rackrise(folder, 'answer', 'validate', 'part.toml')
  expect([bare.status, bare.out.split('\n')[0]]).toEqual([1, 'part.toml: answer, refused: 2 errors'])
  expect(bare.err).toContain('; or say --layer if this is a part of an answer\n')
  const asked = await rackrise(folder, 'answer', 'validate', '--layer', 'part.toml')
  expect([asked.status, asked.out.split('\n')[0]]).toEqual([0, 'part.toml: layer (a part of an answer), fine'])
})

test('what cannot be read is told with its place, and the others are judged', async () => {
  const { status, out, err } = await rackrise(folder, 'answer', 'validate', 'none.toml', 'latin.toml', '.', 'good.toml')
  expect([status, err]).toEqual([
    1,
    [
      'none.toml: error: it does not exist; name the files of answers or layers',
      'latin.toml:2:4: error: it is not UTF-8 text; save it as UTF-8; it looks like ISO 8859 or Windows-1252',
      '.: error: it cannot be read (EISDIR); check its permissions',
      '',
    ].join('\n'),
  ])
  expect(out).toBe(
    'none.toml: not read\nlatin.toml: not read\n.: not read\ngood.toml: answer, fine\n4 files for pve 9.2 (installer 9.2.2): 3 refused, 1 fine\n',
  )
})

test('the release, the product and the installer choose what is refused; the same as JSON', async () => {
  const { status, out, err } = await rackrise(
    folder,
    ...['answer', 'validate', '--json', '--product', 'pbs', '--release', '3.2', 'good.toml'],
  )
  expect([status, err]).toEqual([1, ''])
  expect(JSON.parse(out)).toEqual({
    valid: false,
    target: { product: 'pbs', release: '3.2', installer: '8.2.4' },
    files: [
      {
        file: 'good.toml',
        kind: 'answer',
        valid: false,
        problems: [
          {
            code: 'newer-key',
            message: 'global.root-password is refused by installer 8.2.4 in this spelling (since 8.4)',
            hint: 'write root_password',
            severity: 'error',
            path: ['global', 'root-password'],
            place: { file: 'good.toml', line: 7, column: 1 },
          },
          {
            code: 'newer-key',
            message: 'disk-setup.disk-list is refused by installer 8.2.4 in this spelling (since 8.4)',
            hint: 'write disk_list',
            severity: 'error',
            path: ['disk-setup', 'disk-list'],
            place: { file: 'good.toml', line: 12, column: 1 },
          },
        ],
      },
    ],
  })
  const named = await rackrise(folder, 'answer', 'validate', '--release', '8.2', '--installer', '8.4.0', 'good.toml')
  expect(named.out.split('\n')[1]).toBe('1 file for pve 8.2 (installer 8.4.0): 1 fine')
})

test('the example of the README', async () => {
  const readme = await readFile(new URL('../../services/answer/README.md', import.meta.url), 'utf8')
  const [, args = '', printed] = /^\$ rackrise (answer .*)\n([^`]*)```/m.exec(readme) ?? []
  await mkdir(join(folder, 'answers'))
  await copyFile(new URL('../../answers/base.toml', import.meta.url), join(folder, 'answers/base.toml'))
  await writeFile(join(folder, 'node1.toml'), GOOD.replace('"de"', '"us"').replace(/-(?=\w+ =)/g, '_'))
  const { status, out, err } = await rackrise(folder, ...args.split(' '))
  expect([status, err + out]).toEqual([1, printed])
})

test('stdin, by its dash', async () => {
  expect(await rackriseWith(GOOD, folder, 'answer', 'validate', '-')).toEqual({
    status: 0,
    out: 'stdin: answer, fine\n1 file for pve 9.2 (installer 9.2.2): 1 fine\n',
    err: '',
  })
})

test.each([
  [['answer'], 'say which of validate, render'],
  [['answer', 'validte'], 'there is no "answer validte" (did you mean "answer validate"?)'],
  [['answer', 'validate'], 'answer validate needs at least one file, or - for stdin'],
  [['answer', 'validate', '--product', 'pxe', 'x'], 'there is no product "pxe"; say one of pve, pbs, pmg, pdm'],
  [
    ['answer', 'validate', '--release', 'new', 'x'],
    '"new" is not a release; say one such as 8.2, 8.3, 8.4, 9.0, 9.1, 9.2',
  ],
  [
    ['answer', 'validate', '--product', 'pbs', '--release', '2.4', 'x'],
    'pbs 2.4 has no automated installer; the first one with it is 3.2',
  ],
  [['answer', 'validate', '--installer', '1', 'x'], '"1" is not a version of proxmox-installer, as 9.2.7'],
])('%j is a wrong command line', async (args, what) => {
  expect(await rackrise(folder, ...args)).toEqual({
    status: 2,
    out: '',
    err: `rackrise answer: ${what}; see \`rackrise answer --help\`\n`,
  })
})
