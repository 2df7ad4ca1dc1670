import { expect, test } from 'vitest'
import { checkConsole } from '../../services/health/check-console.ts'
import { formatProblem } from '../../services/kit/problem.ts'

const ADDRESSES = ['127.0.0.1', '10.77.0.1', 'fd00::7']
const NOT_HERE = (host: string): string =>
  `error: the console is to listen on ${host}:8300, and this machine has no address ${host}; see \`ip address\`, and set console.listen to one of them`

test.each<[string, string, string[]]>([
  ['loopback', '127.0.0.1', []],
  ['another address of loopback', '127.0.0.9', []],
  ['localhost', 'localhost', []],
  ['everywhere', '0.0.0.0', []],
  ['an address of this machine', '10.77.0.1', []],
  ['one that is spelled in another way', 'fd00:0:0:0:0:0:0:7', []],
  ['one of another machine', '10.77.0.2', [NOT_HERE('10.77.0.2')]],
])('the console listens on %s', (_, host, expected) => {
  expect(checkConsole({ console: { host, port: 8300 } }, ADDRESSES, []).map(formatProblem)).toEqual(expected)
})

test('what is wrong with the users file is told', () => {
  const problem = { code: 'syntax', message: 'm', hint: 'h', severity: 'error', place: { file: 'users.toml' } } as const
  expect(checkConsole({ console: { host: '127.0.0.1', port: 8300 } }, ADDRESSES, [problem])).toEqual([problem])
})
