/** Completion as the shells themselves do it: each is started, given the script, and asked what may follow. */
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { bashScript, fishScript, zshScript } from '../../services/cli/completion-scripts.ts'
import { wordsOf } from '../../services/cli/completion-words.ts'
import { COMMANDS } from '../../services/cli/run.ts'

vi.setConfig({ testTimeout: 30_000 })

const WORDS = COMMANDS.map(wordsOf)
let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'rackrise-completion-'))
  mkdirSync(join(folder, 'files'))
  writeFileSync(join(folder, 'files/rack.backup'), '')
  // Says how it was asked: that is what the shells have to get right.
  const program = join(folder, 'rackrise')
  writeFileSync(
    program,
    `#!/bin/sh\ncase "$*" in\n"completion names machines") printf 'node1\\nnode2\\n52-54-00-7a-00-09\\n' ;;\n"completion names machines --config other.toml") echo other ;;\n"completion names isos") echo proxmox-ve_9.2-1.iso ;;\nesac\n`,
  )
  chmodSync(program, 0o755)
  writeFileSync(join(folder, 'rackrise.bash'), bashScript(WORDS))
  writeFileSync(join(folder, 'rackrise.fish'), fishScript(WORDS))
  writeFileSync(join(folder, '_rackrise'), zshScript(WORDS))
})
afterAll(() => rmSync(folder, { recursive: true }))

function run(program: string, args: string[]): string[] {
  const env = { ...process.env, PATH: `${folder}:${process.env['PATH']}`, HOME: folder }
  const out = execFileSync(program, args, {
    cwd: join(folder, 'files'),
    encoding: 'utf8',
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  return [...new Set(out.split('\n').map(line => line.split('\t')[0]!.trim()))].filter(line => line !== '').toSorted()
}

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

/** Completes the last of the words; an empty one is a blank at the end. */
const SHELLS: Record<string, (line: string) => string[]> = {
  bash(line) {
    const words = line.split(' ')
    const set = `COMP_WORDS=(${words.map(quoted).join(' ')}); COMP_CWORD=${words.length - 1}; COMP_LINE=${quoted(line)}; COMP_POINT=${line.length}`
    return run('bash', ['-c', `source ${folder}/rackrise.bash; ${set}; _rackrise; printf '%s\\n' "\${COMPREPLY[@]}"`])
  },
  fish: line => run('fish', ['--no-config', '-c', `source ${folder}/rackrise.fish; complete -C ${quoted(line)}`]),
  // What the completion adds is listed instead of shown: a terminal to press a key at would be a test of zsh.
  zsh(line) {
    const words = line.split(' ')
    const stubs =
      'compadd() { while [[ $1 == -* && $1 != -- ]]; do shift; done; shift; print -l -- ${(M)@:#$PREFIX*}; }; _files() { print -l -- *(N) }; _describe() { local -a all; all=("${(@P)@[-1]}"); all=(${all%%:*}); print -l -- ${(M)all:#$PREFIX*}; }; compdef() { }'
    const state = `words=(${words.map(quoted).join(' ')}); CURRENT=${words.length}; PREFIX=${quoted(words.at(-1)!)}`
    return run('zsh', ['-f', '-c', `${stubs}; source ${folder}/_rackrise; ${state}; _rackrise`])
  },
}

const CASES: [line: string, found: string[]][] = [
  ['rackrise ma', ['machine']],
  ['rackrise in', ['init', 'inventory']],
  ['rackrise machine ', ['approve', 'block', 'devices', 'forget', 'list', 'password', 'reinstall', 'show', 'timeline']],
  ['rackrise iso ve', ['verify']],
  ['rackrise machine show n', ['node1', 'node2']],
  ['rackrise machine approve node1 5', ['52-54-00-7a-00-09']],
  ['rackrise machine show --config other.toml ', ['other']],
  ['rackrise explain ', ['52-54-00-7a-00-09', 'node1', 'node2']],
  ['rackrise machine devices node1 --type ', ['disk', 'network']],
  ['rackrise lab --firmware uefi-', ['uefi-http', 'uefi-secure']],
  ['rackrise machine timeline --f', ['--follow']],
  ['rackrise machine list --f', []],
  ['rackrise restore r', ['rack.backup']],
  ['rackrise user remove ', []],
]

describe.each(Object.keys(SHELLS))('%s', shell => {
  test.each(CASES)('%s', (line, found) => {
    expect(SHELLS[shell]!(line)).toEqual(found)
  })

  test('an ISO is one of the library, or a file that is here', () => {
    expect(SHELLS[shell]!('rackrise iso inspect ')).toEqual(['proxmox-ve_9.2-1.iso', 'rack.backup'])
  })
})

test('every option of every command is known, with its choices', () => {
  const flags = WORDS.flatMap(({ name, places }) =>
    places.flatMap(place => place.flags.map(flag => `${name} --${flag.name}`)),
  )
  const declared = COMMANDS.flatMap(({ name, options }) => Object.keys(options).map(option => `${name} --${option}`))
  expect(declared.filter(option => !flags.includes(option))).toEqual([])
})
