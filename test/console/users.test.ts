import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatProblem } from '../../services/kit/problem.ts'
import { findToken, hashOfToken, isUsers, parseUsers, tokenText } from '../../services/console/users.ts'

export const HASH = '$scrypt$ln=10,r=1,p=1$AAECAwQFBgcICQoLDA0ODw$LNHqIdpH2J9jJrH3dyVy0JDTT4R8i3wdC3s9GNzXdWc'
const T1 = 'a'.repeat(64)
const T2 = 'b'.repeat(64)

const GOOD = `# people
[[user]]
name = "anna"
role = "operator"
password-hash = "${HASH}"

[[token]]
name = "grafana"
role = "viewer"
token-hash = "sha256:${T1}"
expires = 2027-01-31T12:00:00Z
`

function problemsOf(text: string): string[] {
  const outcome = parseUsers(text, 'users.toml')
  return isUsers(outcome) ? [] : outcome.map(formatProblem)
}

test('people and programs', () => {
  const users = parseUsers(GOOD, 'users.toml')
  expect(isUsers(users) && [...users.users.values()].map(({ name, role }) => [name, role])).toEqual([
    ['anna', 'operator'],
  ])
  expect(isUsers(users) && [...users.tokens.values()]).toEqual([
    { name: 'grafana', role: 'viewer', hash: T1, expiresAt: Date.UTC(2027, 0, 31, 12) },
  ])
})

test('a file with nothing in it has nobody', () => {
  expect(parseUsers('# nobody yet\n', 'users.toml')).toEqual({ users: new Map(), tokens: new Map() })
})

describe('mistakes, with their place', () => {
  test.each<[string, string, string[]]>([
    [
      'a misspelt key',
      GOOD.replace('role = "operator"', 'rolle = "operator"'),
      ['users.toml:4:1: error: unknown key "rolle" in [[user]]; did you mean "role"?'],
    ],
    [
      'a role that is none',
      GOOD.replace('"operator"', '"admin"'),
      ['users.toml:4:1: error: "role" in [[user]]: "admin" is not a choice; write one of "viewer", "operator"'],
    ],
    [
      'a password',
      GOOD.replace('password-hash = ', 'password = "hunter2"\npassword-hash = '),
      [
        'users.toml:5:1: error: "password" in [[user]]: secrets are never written into this file; take it out, and let `rackrise user password NAME` or `rackrise token add NAME` write its hash',
      ],
    ],
    [
      'a hash of another kind',
      GOOD.replace(HASH, '$2y$10$abc'),
      [
        'users.toml:5:1: error: "password-hash" in [[user]]: "$2y$10$abc" is not a password hash; let `rackrise user password NAME` write it: $scrypt$ln=…,r=…,p=…$<salt>$<hash>',
      ],
    ],
    [
      'a user without a password',
      '[[user]]\nname = "anna"\nrole = "viewer"\n',
      ['users.toml:1:1: error: "password-hash" in [[user]] is missing; add it, as `rackrise user password NAME` does'],
    ],
    [
      'an hour instead of a date',
      GOOD.replace('2027-01-31T12:00:00Z', '12:00:00'),
      [
        'users.toml:11:1: error: "expires" in [[token]]: this is no date to come; write it as 2027-01-31, or as 2027-01-31T12:00:00Z',
      ],
    ],
    [
      'a date in quotes',
      GOOD.replace('2027-01-31T12:00:00Z', '"2027-01-31"'),
      [
        'users.toml:11:1: error: "expires" in [[token]] must be a date, not a string; write it without quotes, as 2027-01-31',
      ],
    ],
    [
      'one name for a person and a program',
      GOOD.replace('"grafana"', '"anna"'),
      ['users.toml:8:1: error: "anna" is there twice (line 3); name every user and token once'],
    ],
    [
      'two tokens that are one',
      `${GOOD}[[token]]\nname = "other"\nrole = "viewer"\ntoken-hash = "sha256:${T1}"\n`,
      ['users.toml:15:1: error: another token has this hash (line 10); make one of them anew: `rackrise token add`'],
    ],
    [
      'names with what a terminal acts upon',
      GOOD.replace('"anna"', '"an\\u001bna"'),
      [
        'users.toml:3:1: error: "name" in [[user]]: "an\\u001bna" is not a name; write letters, digits, dots, hyphens, underscores and @, at most 64, a letter or digit first',
      ],
    ],
    [
      'all at once, in file order',
      GOOD.replace('"operator"', '"root"').replace('sha256:', 'md5:'),
      [
        'users.toml:4:1: error: "role" in [[user]]: "root" is not a choice; write one of "viewer", "operator"',
        `users.toml:10:1: error: "token-hash" in [[token]]: "md5:${'a'.repeat(56)}…" is not a token hash; let \`rackrise token add NAME\` make one: sha256: and 64 hexadecimal digits`,
      ],
    ],
    [
      'no TOML',
      '[[user]\n',
      [
        'users.toml:1:8: error: expected end of table array declaration; mend the TOML here; the rest of the file is read after that',
      ],
    ],
  ])('%s', (_, text, expected) => {
    expect(problemsOf(text)).toEqual(expected)
  })
})

test('whatever the file is, it is read or told', () => {
  const words = fc.constantFrom(
    '[[user]]',
    '[[token]]',
    'name',
    'role',
    'password-hash',
    'expires',
    '=',
    '"anna"',
    '{',
    '}',
    '[',
    ']',
    '\n',
    HASH,
    '2027-01-31',
  )
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(words, { maxLength: 30 }).map(parts => parts.join(' ')),
      ),
      text => {
        const outcome = parseUsers(text, 'users.toml')
        expect(isUsers(outcome) || outcome.length > 0).toBe(true)
      },
    ),
  )
})

describe('tokens', () => {
  const text = tokenText(new Uint8Array(32).fill(7))
  const now = Date.UTC(2026, 10, 26)
  const users = {
    users: new Map(),
    tokens: new Map([
      [hashOfToken(text), { name: 'ci', role: 'operator' as const, hash: hashOfToken(text), expiresAt: now + 1 }],
      [T2, { name: 'other', role: 'viewer' as const, hash: T2 }],
    ]),
  }

  test('say what they are', () => {
    expect(text).toBe('rackrise_BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc')
  })

  test.each<[string, string, number, unknown]>([
    ['the right one', text, now, { token: users.tokens.get(hashOfToken(text)) }],
    ['the right one at the instant of its end', text, now + 1, { refused: 'token-expired' }],
    ['a wrong one', text.replace('B', 'C'), now, { refused: 'token-refused' }],
    ['a hash from the file', T2, now, { refused: 'token-refused' }],
    ['nothing', '', now, { refused: 'token-refused' }],
  ])('%s', (_, given, at, expected) => {
    expect(findToken(users, given, at)).toEqual(expected)
  })
})
