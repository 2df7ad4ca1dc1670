import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { COMMANDS } from '../../services/cli/run.ts'
import { VERSION } from '../../services/cli/version.ts'
import { rackrise } from './rig.ts'

// Child processes, on a machine that does other things too.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rackrise-usage-'))
})
afterAll(() => rm(folder, { recursive: true }))

describe('help', () => {
  test.each(COMMANDS.map(({ name }) => name))('%s --help says how it is used, with an example', async name => {
    const { status, out, err } = await rackrise(folder, name, '--help')
    expect([status, err]).toEqual([0, ''])
    expect(out).toMatch(new RegExp(`\\nUsage:\\n  rackrise ${name}`))
    expect(out).toMatch(
      /\nOptions:\n(?:  --.+\n)+\nExample:\n  .*rackrise .+\n\nExit status: 0 fine, 2 the command line is wrong, 1 otherwise: .+\.\n$/,
    )
    for (const option of ['--config FILE', '--json', '--help']) expect(out).toContain(`  ${option}`)
  })

  test('without a command: the overview, and status 2', async () => {
    const bare = await rackrise(folder)
    const asked = await rackrise(folder, '--help')
    expect([bare.status, asked.status, bare.out]).toEqual([2, 0, asked.out])
    for (const { name, summary } of COMMANDS) expect(asked.out).toMatch(new RegExp(`\\n  ${name} +${summary}\\n`))
  })

  test('-h and help COMMAND are the same', async () => {
    const { out } = await rackrise(folder, 'machine', '--help')
    expect(await rackrise(folder, 'machine', 'list', '-h')).toEqual({ status: 0, out, err: '' })
    expect(await rackrise(folder, 'help', 'machine')).toEqual({ status: 0, out, err: '' })
    expect((await rackrise(folder, '-h')).out).toContain('Commands:')
  })

  test('--version', async () => {
    expect(await rackrise(folder, '--version')).toEqual({ status: 0, out: `${VERSION}\n`, err: '' })
  })
})

describe('a command line that is wrong: status 2, one line, and the way to the help', () => {
  test.each([
    [['chekc'], 'rackrise: there is no command "chekc" (did you mean "check"?); see `rackrise --help`'],
    [
      ['approve', 'node1'],
      'rackrise: there is no command "approve" (did you mean "machine approve"?); see `rackrise --help`',
    ],
    [['teleport'], 'rackrise: there is no command "teleport"; see `rackrise --help`'],
    [['help', 'chekc'], 'rackrise: there is no command "chekc" (did you mean "check"?); see `rackrise --help`'],
    [
      ['check', '--confg', 'x'],
      'rackrise check: there is no option --confg (did you mean "--config"?); see `rackrise check --help`',
    ],
    [['check', '-q'], 'rackrise check: there is no option -q; see `rackrise check --help`'],
    [['check', '--config'], "rackrise check: Option '--config <value>' argument missing; see `rackrise check --help`"],
    [['check', '--json=yes'], "rackrise check: Option '--json' does not take an argument; see `rackrise check --help`"],
    [['check', 'site.toml'], 'rackrise check: "site.toml" is too much; see `rackrise check --help`'],
    [['metrics', 'now'], 'rackrise metrics: "now" is too much; see `rackrise metrics --help`'],
    [['serve', 'now'], 'rackrise serve: "now" is too much; see `rackrise serve --help`'],
    [
      ['machine'],
      'rackrise machine: say which of list, show, approve, reinstall, block, forget, timeline, devices, password; see `rackrise machine --help`',
    ],
    [
      ['machine', 'destroy'],
      'rackrise machine: there is no "machine destroy", but list, show, approve, reinstall, block, forget, timeline, devices, password; see `rackrise machine --help`',
    ],
    [
      ['machine', 'aprove', 'node1'],
      'rackrise machine: there is no "machine aprove" (did you mean "machine approve"?); see `rackrise machine --help`',
    ],
    [
      ['machine', 'list', '--follow'],
      'rackrise machine: --follow is not for machine list; see `rackrise machine --help`',
    ],
    [
      ['answer', 'render', 'node1', '--layer'],
      'rackrise answer: --layer is not for answer render; see `rackrise answer --help`',
    ],
    [
      ['inventory', '--format', 'yaml'],
      'rackrise inventory: there is no format "yaml", but ansible, known_hosts, json; see `rackrise inventory --help`',
    ],
    [
      ['machine', 'approve'],
      'rackrise machine: machine approve needs a machine: its name, MAC, serial or address; see `rackrise machine --help`',
    ],
    [
      ['machine', 'reinstall', 'node1', '--yes'],
      'rackrise machine: --yes is not for machine reinstall; see `rackrise machine --help`',
    ],
    [
      ['machine', 'reinstall', '--yes'],
      'rackrise machine: --yes is not for machine reinstall; see `rackrise machine --help`',
    ],
    [['machine', 'show', 'node1', 'node2'], 'rackrise machine: "node2" is too much; see `rackrise machine --help`'],
    [['machine', 'list', 'node1'], 'rackrise machine: "node1" is too much; see `rackrise machine --help`'],
    [
      ['lab', '--machines', 'many'],
      'rackrise lab: --machines is a whole number from 1 to 200; see `rackrise lab --help`',
    ],
  ])('%j', async (args, line) => {
    const { status, out, err } = await rackrise(folder, ...args)
    expect([status, out]).toEqual([2, ''])
    expect(err.replace(/from 1 to \d+/, 'from 1 to 200')).toBe(`${line}\n`)
  })
})
