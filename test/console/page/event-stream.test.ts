import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { NOTHING_READ, readChunk, type SentEvent } from '../../../services/console/page/wire/event-stream.ts'
import { readMessage } from '../../../services/console/page/wire/messages.ts'

function readAll(chunks: readonly string[]): SentEvent[] {
  let reading = NOTHING_READ
  const all: SentEvent[] = []
  for (const chunk of chunks) {
    const read = readChunk(reading, chunk)
    reading = read.reading
    all.push(...read.events)
  }
  return all
}

test.each<[string, string, SentEvent[]]>([
  ['a plain event', 'data: x\n\n', [{ name: 'message', data: 'x' }]],
  ['a named one with a number', 'event: machine\nid: 7\ndata: {}\n\n', [{ name: 'machine', data: '{}', id: '7' }]],
  ['data in several lines', 'data: a\ndata: b\n\n', [{ name: 'message', data: 'a\nb' }]],
  ['a comment is no event', ': still here\n\n', []],
  ['no data is no event', 'event: machine\nid: 7\n\n', []],
  [
    'CR LF, CR and LF end lines alike',
    'data: a\r\n\r\ndata: b\r\rdata: c\n\n',
    [
      { name: 'message', data: 'a' },
      { name: 'message', data: 'b' },
      { name: 'message', data: 'c' },
    ],
  ],
  ['one blank after the colon is none of the value', 'data:  a\n\n', [{ name: 'message', data: ' a' }]],
  ['a field without a colon', 'data\n\n', [{ name: 'message', data: '' }]],
  ['an id with NUL is none', 'id: \0\ndata: a\n\n', [{ name: 'message', data: 'a' }]],
  ['what is not complete waits', 'data: a\n', []],
])('%s', (_, text, events) => expect(readAll([text])).toEqual(events))

test('however the network cuts it, it is read alike', () => {
  const lines = fc.constantFrom('data: a', 'data: {"x":1}', 'event: machine', 'id: 12', ': comment', '', 'data')
  const ends = fc.constantFrom('\n', '\r\n', '\r')
  const text = fc
    .array(fc.tuple(lines, ends))
    .map(parts => `${parts.map(([line, end]) => line + end).join('')}data: z\n\n`)
  fc.assert(
    fc.property(text, fc.array(fc.nat(60)), (whole, cuts) => {
      const at = [...new Set(cuts.filter(cut => cut < whole.length))].toSorted((a, b) => a - b)
      const chunks = [0, ...at].map((from, index) => whole.slice(from, at[index] ?? whole.length))
      expect(readAll(chunks)).toEqual(readAll([whole]))
    }),
  )
})

describe('messages', () => {
  test('are read by their name', () => {
    expect(readMessage({ name: 'hello', data: '{"seq":4,"version":"0.1.0"}' })).toEqual({
      kind: 'hello',
      seq: 4,
      version: '0.1.0',
    })
    expect(readMessage({ name: 'changed', data: '{"what":"isos"}' })).toEqual({ kind: 'changed', what: 'isos' })
    expect(readMessage({ name: 'reset', data: '' })).toEqual({ kind: 'reset' })
  })

  test.each([
    ['one of a newer appliance', { name: 'weather', data: '{}' }],
    ['no JSON', { name: 'machine', data: '{' }],
    ['no object', { name: 'machine', data: '7' }],
  ])('%s is passed over', (_, event) => expect(readMessage(event)).toBeUndefined())
})
