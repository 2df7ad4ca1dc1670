/** T10: nobody but who is named here asks anybody by TCP or HTTP, and no name or URL that a machine says becomes an address to ask. */
import { expect, test } from 'vitest'
import { importsOf, sourcesOf } from './source.ts'

/** Where connections begin, and whose word the address is. */
const BEGIN: Record<string, string> = {
  'services/console/remote-fleet.ts': 'the control socket, whose path follows from the site file',
  'services/dns/tcp-query.ts': 'the resolvers of `dns.forward`',
  'services/webhook/post.ts': 'the targets of `[[webhook]]`',
}

const ASKING = /\b(request|get|connect|createConnection|Agent|Socket)\b/

/** Names that are imported as types only begin nothing. */
function begins({ from, names }: { from: string; names: string }): boolean {
  if (!/^node:(http|https|http2|net|tls)$/.test(from) || names.startsWith('type ')) return false
  const values = names.split(',').filter(
    name =>
      !name
        .trim()
        .replace(/^\{\s*/, '')
        .startsWith('type '),
  )
  return values.some(name => ASKING.test(name) || name.includes('*'))
}

const isOfAppliance = (path: string): boolean =>
  !path.startsWith('services/lab/') && !path.startsWith('services/console/page/')
const appliance = sourcesOf('services').filter(({ path }) => isOfAppliance(path))

test('T10 connections begin where they are said to, and nowhere else', () => {
  const found = appliance.filter(file => importsOf(file).some(begins)).map(({ path }) => path)
  expect(found.toSorted()).toEqual(Object.keys(BEGIN).toSorted())
})

test('T10 nothing is fetched in any other way', () => {
  const wrong = appliance.filter(({ text }) =>
    /(?<![\w.#])fetch\(|new WebSocket\(|from 'undici'|from 'node:http2'/.test(text),
  )
  expect(wrong.map(({ path }) => path)).toEqual([])
})

test.each([
  ['a request', { from: 'node:https', names: '{ request as tlsRequest }' }, true],
  ['a connection', { from: 'node:net', names: '{ createServer, connect }' }, true],
  ['everything', { from: 'node:http', names: '* as http' }, true],
  ['a server', { from: 'node:http', names: '{ createServer as createPlain, type Server }' }, false],
  ['a type', { from: 'node:net', names: 'type { Socket }' }, false],
  ['a type beside others', { from: 'node:http', names: '{ type IncomingMessage, createServer }' }, false],
])('the look finds %s: %o %s', (_, imported, expected) => {
  expect(begins(imported)).toBe(expected)
})
