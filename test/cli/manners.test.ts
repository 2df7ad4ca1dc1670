/** What all commands have in common, tried with every one of them and every verb. */
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { wordsOf } from '../../services/cli/completion-words.ts'
import { COMMANDS, runCommand } from '../../services/cli/run.ts'

type Said = { status: number; out: string; err: string }

async function say(...words: string[]): Promise<Said> {
  const said: Said = { status: -1, out: '', err: '' }
  const spies = [
    vi.spyOn(process.stdout, 'write').mockImplementation(part => ((said.out += String(part)), true)),
    vi.spyOn(process.stderr, 'write').mockImplementation(part => ((said.err += String(part)), true)),
  ]
  try {
    said.status = await runCommand(words)
    return said
  } finally {
    for (const spy of spies) spy.mockRestore()
  }
}

const MISSING = join(import.meta.dirname, 'no-such-site.toml')
const places = COMMANDS.flatMap(command => wordsOf(command).places.map(({ words }) => words))
/** These need no site file, or make one, or go on for ever. */
const WITHOUT_SITE = /^(init|lab|completion (bash|zsh|fish)|answer validate|iso (inspect|verify|prepare)|webhook test)/
/** Words that stand for whatever a place takes. */
const OPERANDS: Record<string, string[]> = {
  'user add': ['anna', '--role', 'viewer'],
  'token add': ['grafana', '--role', 'viewer'],
  'completion names': ['machines'],
  explain: ['52:54:00:00:00:01'],
  restore: ['rack.backup'],
}
const NEEDS_ONE = /^(machine (?!list)|answer render|lease release|user (?!list)|token (?!list))/
const operandsOf = (words: string): string[] => OPERANDS[words] ?? (NEEDS_ONE.test(words) ? ['node1'] : [])
const ESCAPE = '\u001b'

describe.each(COMMANDS.map(({ name }) => name))('%s', name => {
  test('an option that nobody has is status 2, one line, and nothing else', async () => {
    const { status, out, err } = await say(name, '--c4n4ry')
    expect([status, out]).toEqual([2, ''])
    expect(err).toMatch(new RegExp(`^rackrise ${name}: .*; see \`rackrise ${name} --help\`\n$`))
  })

  test('its help is plain in a pipe, and its example is a command line of its own', async () => {
    const { status, out } = await say(name, '--help')
    expect([status, out.includes(ESCAPE)]).toEqual([0, false])
    const { example, options } = COMMANDS.find(command => command.name === name)!
    const [, words = '', flags = ''] = /rackrise ((?:[a-z-]+ ?)+)(.*)/.exec(example) ?? []
    const places = wordsOf(COMMANDS.find(command => command.name === name)!).places
    expect(places.filter(place => `${words.trim()} `.startsWith(`${place.words} `))).not.toEqual([])
    for (const [, flag] of flags.matchAll(/--([a-z-]+)/g))
      expect(['config', 'json', ...Object.keys(options)]).toContain(flag)
  })
})

describe('without its site file', () => {
  test.each(places.filter(words => !WITHOUT_SITE.test(words)))('%s: status 1, and what to do', async words => {
    const { status, out, err } = await say(...words.split(' '), ...operandsOf(words), '--config', MISSING)
    expect([status, out]).toEqual([1, ''])
    expect(err).toContain('no-such-site.toml')
    expect(err).toMatch(/; .+\n$/)
    expect(err).not.toContain(ESCAPE)
  })

  test.each(places.filter(words => !WITHOUT_SITE.test(words)))('%s --json: the same as JSON', async words => {
    const { status, out } = await say(...words.split(' '), ...operandsOf(words), '--json', '--config', MISSING)
    expect(status).toBe(1)
    expect(JSON.parse(out)).toMatchObject({ problems: [{ severity: 'error' }] })
  })
})
