import { describe, expect, test } from 'vitest'
import { admit, type Admission, type Asked } from '../../services/console/access.ts'
import type { Session } from '../../services/console/sessions.ts'
import { hashOfToken, tokenText, type Users } from '../../services/console/users.ts'

const NOW = Date.UTC(2026, 10, 26)
const CI = tokenText(new Uint8Array(32).fill(1))
const GRAFANA = tokenText(new Uint8Array(32).fill(2))
const OLD = tokenText(new Uint8Array(32).fill(3))

const tokens = [
  { name: 'ci', role: 'operator', hash: hashOfToken(CI) },
  { name: 'grafana', role: 'viewer', hash: hashOfToken(GRAFANA) },
  { name: 'old', role: 'operator', hash: hashOfToken(OLD), expiresAt: NOW },
] as const
const users: Users = { users: new Map(), tokens: new Map(tokens.map(token => [token.hash, token])) }

function sessionOf(name: string, role: 'viewer' | 'operator'): Session {
  return { name, role, csrf: `csrf of ${name}`, startedAt: NOW, usedAt: NOW, open: new Set() }
}
const anna = sessionOf('anna', 'operator')
const ben = sessionOf('ben', 'viewer')

const GET: Asked = { method: 'GET', role: 'viewer', isOurHost: true, ownOrigin: 'http://127.0.0.1:8300' }
const POST: Asked = { ...GET, method: 'POST', role: 'operator' }
const CSRF = { csrf: 'csrf of anna' }

const byAnna = { principal: { name: 'anna', role: 'operator', via: 'session' } } as const
const byBen = { principal: { name: 'ben', role: 'viewer', via: 'session' } } as const
const byCi = { principal: { name: 'ci', role: 'operator', via: 'token' } } as const
const byGrafana = { principal: { name: 'grafana', role: 'viewer', via: 'token' } } as const

describe('who is let in', () => {
  test.each<[string, Asked, Admission]>([
    ['nobody looks', GET, { refused: 'not-signed-in' }],
    ['nobody changes', POST, { refused: 'not-signed-in' }],
    ['nobody loads the page', { ...GET, role: 'none' }, {}],
    ['nobody signs in', { ...POST, role: 'none' }, {}],
    ['a viewer looks', { ...GET, session: ben }, byBen],
    ['an operator looks', { ...GET, session: anna }, byAnna],
    [
      'a viewer looks at what operators see',
      { ...GET, role: 'operator', session: ben },
      { refused: 'not-allowed', ...byBen },
    ],
    ['a viewer changes', { ...POST, session: ben, csrf: 'csrf of ben' }, { refused: 'not-allowed', ...byBen }],
    ['an operator changes', { ...POST, session: anna, ...CSRF }, byAnna],
    ['a token looks', { ...GET, authorization: `Bearer ${GRAFANA}` }, byGrafana],
    ['a token changes', { ...POST, authorization: `bearer ${CI}` }, byCi],
    [
      'a token of a viewer changes',
      { ...POST, authorization: `Bearer ${GRAFANA}` },
      { refused: 'not-allowed', ...byGrafana },
    ],
    ['a token at the instant of its end', { ...GET, authorization: `Bearer ${OLD}` }, { refused: 'token-expired' }],
    ['a token that is none', { ...GET, authorization: 'Bearer rackrise_guess' }, { refused: 'token-refused' }],
    ['a password as HTTP has it', { ...GET, authorization: 'Basic YW5uYTpx' }, { refused: 'token-refused' }],
    ['an empty token', { ...GET, authorization: '' }, { refused: 'token-refused' }],
    [
      'a bad token beside a good cookie',
      { ...GET, authorization: 'Bearer rackrise_guess', session: anna },
      { refused: 'token-refused' },
    ],
    ['a route that says nothing of roles', { ...GET, role: undefined, session: anna }, { refused: 'role-missing' }],
  ])('%s', (_, asked, expected) => {
    expect(admit(asked, { users, now: NOW })).toEqual(expected)
  })
})

describe('changes that somebody else had a browser ask for', () => {
  const change = { ...POST, session: anna, ...CSRF }
  test.each<[string, Asked, Admission]>([
    ['no CSRF token', { ...POST, session: anna }, { refused: 'csrf-refused', ...byAnna }],
    ['an empty one', { ...POST, session: anna, csrf: '' }, { refused: 'csrf-refused', ...byAnna }],
    ['that of another session', { ...change, csrf: 'csrf of ben' }, { refused: 'csrf-refused', ...byAnna }],
    ['a part of it', { ...change, csrf: 'csrf of ann' }, { refused: 'csrf-refused', ...byAnna }],
    ['another site', { ...change, fetchSite: 'cross-site' }, { refused: 'cross-site' }],
    ['another port of the host', { ...change, fetchSite: 'same-site' }, { refused: 'cross-site' }],
    ['the page itself', { ...change, fetchSite: 'same-origin', origin: 'http://127.0.0.1:8300' }, byAnna],
    ['an old browser, from elsewhere', { ...change, origin: 'https://evil.example' }, { refused: 'cross-site' }],
    ['an old browser, from a sandbox', { ...change, origin: 'null' }, { refused: 'cross-site' }],
    ['an old browser, from the page', { ...change, origin: 'http://127.0.0.1:8300' }, byAnna],
    ['a sign-in from another site', { ...POST, role: 'none', fetchSite: 'cross-site' }, { refused: 'cross-site' }],
    ['a look from another site, which can not read it', { ...GET, session: anna, fetchSite: 'cross-site' }, byAnna],
    ['another host, even to look', { ...GET, session: anna, isOurHost: false }, { refused: 'foreign-host' }],
    ['another host, even for the page', { ...GET, role: 'none', isOurHost: false }, { refused: 'foreign-host' }],
  ])('%s', (_, asked, expected) => {
    expect(admit(asked, { users, now: NOW })).toEqual(expected)
  })
})
