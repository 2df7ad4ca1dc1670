/** Every block of the manual is read by what it is written for: parts of site files, layers, users files, JSON, shell, Python. */
import { execFileSync } from 'node:child_process'
import { parse, stringify, type TomlTable } from 'smol-toml'
import { describe, expect, test } from 'vitest'
import type { AnswerTarget } from '../../services/answer/dialect.ts'
import { validateText } from '../../services/answer/validate-text.ts'
import { isUsers, parseUsers } from '../../services/console/users.ts'
import { formatProblem } from '../../services/kit/problem.ts'
import { parseSite } from '../../services/site/parse.ts'
import { NO_INTERFACES } from '../site/sites.ts'
import { type Fence, MANUAL } from './manual.ts'

/** Around a part of a site file stands what it has to have. */
const AROUND = `[site]
domain = "rack7.example.org"
[network]
interface = "eth1"
address = "10.77.0.1/24"
[[dhcp.subnet]]
prefix = "10.77.0.0/24"
pools = ["10.77.0.100-10.77.0.199"]
[[profile]]
name = "pve"
iso = "pve:latest"
`

const isTable = (value: unknown): value is TomlTable =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)

/** What the part says counts, table by table; profiles are added to those around it. */
function withAround(part: TomlTable): TomlTable {
  const whole = parse(AROUND)
  const named = ((part['profile'] as TomlTable[] | undefined) ?? []).map(({ name }) => name)
  const profiles = (whole['profile'] as TomlTable[]).filter(({ name }) => !named.includes(name))
  for (const [key, value] of Object.entries(part)) {
    const there = whole[key]
    whole[key] = isTable(value) && isTable(there) ? { ...there, ...value } : value
  }
  whole['profile'] = [...profiles, ...((part['profile'] as TomlTable[] | undefined) ?? [])]
  const isOff = isTable(part['dhcp']) && typeof part['dhcp']['mode'] === 'string' && part['dhcp']['mode'] !== 'server'
  // Where another server gives the addresses, pools of ours would be a doubt.
  if (isOff && !('subnet' in (part['dhcp'] as TomlTable)))
    (whole['dhcp'] as TomlTable)['subnet'] = [{ prefix: '10.77.0.0/24' }]
  return whole
}

function problemsOfSite(text: string): string[] {
  const outcome = parseSite(stringify(withAround(parse(text))), 'site.toml', NO_INTERFACES)
  return ('problems' in outcome ? outcome.problems : outcome.warnings).map(formatProblem)
}

const NEWEST: AnswerTarget = { installer: [9, 2, 7], product: 'pve' }

const READERS: Record<string, (fence: Fence) => string[]> = {
  toml: ({ text }) => problemsOfSite(text),
  'toml answer': ({ text }) => validateText(text, 'layer.toml', NEWEST, 'layer').problems.map(formatProblem),
  'toml users': ({ text }) => {
    const users = parseUsers(text, 'users.toml')
    return isUsers(users) ? [] : users.map(formatProblem)
  },
  json: ({ text }) => {
    JSON.parse(text)
    return []
  },
  // As far as a shell reads without doing anything.
  sh: ({ text }) => {
    execFileSync('bash', ['-n'], { input: text, stdio: ['pipe', 'pipe', 'pipe'] })
    return []
  },
  python: ({ text }) => {
    execFileSync('/usr/bin/python3', ['-c', 'import ast, sys; ast.parse(sys.stdin.read())'], { input: text })
    return []
  },
  yaml: ({ text }) => {
    execFileSync('/usr/bin/python3', ['-c', 'import yaml, sys; yaml.safe_load(sys.stdin.read())'], { input: text })
    return []
  },
  // Typed against a rack of the lab: test/e2e/terminal-session.test.ts.
  console: ({ text }) => (text.startsWith('$ ') ? [] : ['a session begins with a prompt']),
  // What programs say, figures, and the languages of switches.
  '': () => [],
  text: () => [],
}

const fences = MANUAL.flatMap(({ fences: found }) => found)

describe('fragments', () => {
  test.each(fences.map(fence => [`${fence.page}:${fence.line}`, fence] as const))('%s', (_, fence) => {
    const reader = READERS[`${fence.language} ${fence.kind}`.trim()]
    if (!reader) throw new Error(`nothing reads ${fence.language} ${fence.kind}`)
    expect(reader(fence)).toEqual([])
  })
})

test('a wrong part is found', () => {
  expect(problemsOfSite('[dhcp]\nmodus = "proxy"\n')).toEqual([
    expect.stringContaining('error: unknown key "modus" in [dhcp]; known keys are mode, '),
  ])
})
