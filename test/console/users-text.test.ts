import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatProblem } from '../../services/kit/problem.ts'
import { parsePasswordHash } from '../../services/console/password-hash.ts'
import { changeUsers, type UsersChange, viewTokens, viewUsers } from '../../services/console/users-text.ts'
import { isUsers, parseUsers } from '../../services/console/users.ts'

const HASH = '$scrypt$ln=10,r=1,p=1$AAECAwQFBgcICQoLDA0ODw$LNHqIdpH2J9jJrH3dyVy0JDTT4R8i3wdC3s9GNzXdWc'
const OTHER = HASH.replace('LNHq', 'XXXX')
const T1 = 'a'.repeat(64)

const FILE = `# who may use the console

[[user]] # the boss
name = "anna"
role = "operator"
password-hash = "${HASH}" # since May

# night shift
[[user]]
name = "ben"
role = "viewer"
password-hash = '${HASH}'

[[token]]
name = "grafana"
role = "viewer"
token-hash = "sha256:${T1}"
`

function changed(text: string, change: UsersChange): string {
  const outcome = changeUsers(text, 'users.toml', change)
  return 'text' in outcome ? outcome.text : outcome.map(formatProblem).join('\n')
}

const password = parsePasswordHash(OTHER)!

describe('a change leaves everything else as it is', () => {
  test('a user more', () => {
    expect(changed(FILE, { add: 'user', user: { name: 'cleo', role: 'viewer', password } })).toBe(
      `${FILE}\n[[user]]\nname = "cleo"\nrole = "viewer"\npassword-hash = "${OTHER}"\n`,
    )
  })

  test('a token that ends', () => {
    const token = { name: 'ci', role: 'operator', hash: 'b'.repeat(64), expiresAt: Date.UTC(2027, 0, 31) } as const
    expect(changed('', { add: 'token', token })).toBe(
      `\n[[token]]\nname = "ci"\nrole = "operator"\ntoken-hash = "sha256:${'b'.repeat(64)}"\nexpires = 2027-01-31T00:00:00Z\n`,
    )
  })

  test('another password, in whatever quotes', () => {
    expect(changed(FILE, { set: 'password', name: 'anna', password })).toBe(
      FILE.replace(`"${HASH}" # since`, `"${OTHER}" # since`),
    )
    expect(changed(FILE, { set: 'password', name: 'ben', password })).toBe(FILE.replace(`'${HASH}'`, `"${OTHER}"`))
  })

  test('a user less; the comment above the next one stays', () => {
    expect(changed(FILE, { remove: 'user', name: 'anna' })).toBe(
      `# who may use the console\n\n# night shift\n${FILE.slice(FILE.indexOf('[[user]]\nname = "ben"'))}`,
    )
  })

  test('the last token', () => {
    expect(changed(FILE, { remove: 'token', name: 'grafana' })).toBe(FILE.slice(0, FILE.indexOf('\n[[token]]')))
  })
})

describe('refused', () => {
  test.each<[string, string, UsersChange, string]>([
    [
      'a name that a token has',
      FILE,
      { add: 'user', user: { name: 'grafana', role: 'viewer', password } },
      'error: grafana is there already; remove it first: `rackrise token remove grafana`',
    ],
    ['nobody', FILE, { remove: 'user', name: 'zoe' }, 'error: there is no user zoe; see `rackrise user list`'],
    [
      'a user as a token',
      FILE,
      { remove: 'token', name: 'anna' },
      'error: there is no token anna; see `rackrise token list`',
    ],
    [
      'a file that is broken',
      FILE.replace('"viewer"', '"root"'),
      { remove: 'user', name: 'anna' },
      'users.toml:11:1: error: "role" in [[user]]: "root" is not a choice; write one of "viewer", "operator"',
    ],
    [
      'a file that is written in another way',
      `user = [{ name = "anna", role = "viewer", password-hash = "${HASH}" }, { name = "ben", role = "viewer", password-hash = "${HASH}" }]\n`,
      { remove: 'user', name: 'anna' },
      "error: users.toml is written in a way that this command can't change; write every user as a [[user]] table of its own, one key a line, or edit it",
    ],
    [
      'a hash of three quotes',
      FILE.replace(`"${HASH}"`, `"""${HASH}"""`),
      { set: 'password', name: 'anna', password },
      "error: users.toml is written in a way that this command can't change; write every user as a [[user]] table of its own, one key a line, or edit it",
    ],
  ])('%s', (_, text, change, expected) => {
    expect(changed(text, change)).toBe(expected)
  })
})

test('whatever is added and removed in whatever order is there, and nothing else', () => {
  const names = ['anna', 'ben', 'cleo', 'dora']
  const step = fc.record({
    name: fc.constantFrom(...names),
    kind: fc.constantFrom('user', 'token'),
    adds: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), steps => {
      const there = new Map<string, string>()
      let text = '# head\n'
      for (const { name, kind, adds } of steps) {
        const change: UsersChange = adds
          ? kind === 'user'
            ? { add: 'user', user: { name, role: 'viewer', password } }
            : { add: 'token', token: { name, role: 'viewer', hash: name.padEnd(64, 'f').replace(/[^\da-f]/g, '0') } }
          : { remove: kind as 'user' | 'token', name }
        const outcome = changeUsers(text, 'users.toml', change)
        expect('text' in outcome).toBe(adds ? !there.has(name) : there.get(name) === kind)
        if (!('text' in outcome)) continue
        text = outcome.text
        if (adds) there.set(name, kind)
        else there.delete(name)
      }
      const users = parseUsers(text, 'users.toml')
      if (!isUsers(users)) throw new Error(text)
      const found = new Map([
        ...viewUsers(users).map(({ name }) => [name, 'user'] as const),
        ...viewTokens(users, 0).map(({ name }) => [name, 'token'] as const),
      ])
      expect(found).toEqual(there)
      expect(text.startsWith('# head\n')).toBe(true)
    }),
  )
})
