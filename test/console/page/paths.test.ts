import { expect, test } from 'vitest'
import { machinePath, matchPath } from '../../../services/console/page/paths.ts'
import { readProblem } from '../../../services/console/page/wire/problem.ts'

test.each([
  ['/', { path: '/', params: {} }],
  ['/machines/bc:24:11:00:00:01', { path: '/machines/:id', params: { id: 'bc:24:11:00:00:01' } }],
  ['/machines/a%2Fb', { path: '/machines/:id', params: { id: 'a/b' } }],
])('%s is a place', (pathname, match) => expect(matchPath(pathname)).toEqual(match))

test.each(['/machines', '/machines/', '/machines/a/b', '/nothing', '/machines/%zz', ''])('%s is none', pathname =>
  expect(matchPath(pathname)).toBeUndefined(),
)

test('a MAC can be read in the address bar, and nothing leaves its place', () => {
  expect(machinePath('bc:24:11:00:00:01')).toBe('/machines/bc:24:11:00:00:01')
  expect(machinePath('../a b')).toBe('/machines/..%2Fa%20b')
})

test('a problem says what, and what to do', () => {
  const details = {
    type: 'about:blank',
    title: 'Conflict',
    status: 409,
    code: 'not-approvable',
    detail: 'it is installed',
    hint: 'reinstall it',
  }
  expect(readProblem(409, details)).toEqual({
    status: 409,
    code: 'not-approvable',
    message: 'it is installed',
    hint: 'reinstall it',
    errors: [],
  })
})

test('whatever stands in between is no riddle', () => {
  expect(readProblem(502, undefined)).toMatchObject({
    code: 'http-502',
    message: 'the appliance answered with status 502',
  })
})

test('each part of a machine has a place', () => {
  expect(machinePath('bc:24:11:00:00:01', 'answer')).toBe('/machines/bc:24:11:00:00:01/answer')
  expect(matchPath('/machines/a/hardware')).toEqual({ path: '/machines/:id/hardware', params: { id: 'a' } })
})
