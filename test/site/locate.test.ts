import fc from 'fast-check'
import { stringify } from 'smol-toml'
import { expect, test } from 'vitest'
import { locate } from '../../services/site/locate.ts'
import { tomlLike } from './random-toml.ts'

const SOURCE = `# site = "not here"
[site]
  "name" = "a # no comment" # domain = "nor here"
domain = '''
[http]
port = 1
'''

[dhcp] # lease-time
subnet-like.deep.key = 5

[[dhcp.subnet]]
pools = [
  "10.0.0.1-10.0.0.2", # the first
  # a comment between
  "10.0.0.3-10.0.0.4",
]
options = [ { code = 42, "type" = "ipv4", value = ["x"] }, { code = 7 } ]

[[dhcp.subnet]]
prefix = """
]""\\""""""
relays = []

[dns]
'quoted.key' = { a.b = 1 }
"esc\\u0041\\"ped" = 2
[log]
level = 2024-05-06 07:08:09
format = "x"
`

test.each<[string, (string | number)[], number, number]>([
  ['a table at its header', ['site'], 2, 1],
  ['a quoted key behind blanks', ['site', 'name'], 3, 3],
  ['a key is not found in a comment', ['site', 'domain'], 4, 1],
  ['a header inside a text is none', ['http', 'port'], 1, 1],
  ['a dotted key', ['dhcp', 'subnet-like', 'deep', 'key'], 10, 18],
  ['a list of tables at its first entry', ['dhcp', 'subnet'], 12, 1],
  ['an element of an array', ['dhcp', 'subnet', 0, 'pools', 1], 16, 3],
  ['a key of an inline table', ['dhcp', 'subnet', 0, 'options', 0, 'type'], 18, 26],
  ['a key of the second inline table', ['dhcp', 'subnet', 0, 'options', 1, 'code'], 18, 62],
  ['an array inside an inline table', ['dhcp', 'subnet', 0, 'options', 0, 'value', 0], 18, 52],
  ['the second entry of a list of tables', ['dhcp', 'subnet', 1], 20, 1],
  ['a key after a text of many quotes', ['dhcp', 'subnet', 1, 'relays'], 23, 1],
  ['a key with a dot in quotes', ['dns', 'quoted.key', 'a', 'b'], 26, 20],
  ['a key with escapes', ['dns', 'escA"ped'], 27, 1],
  ['a key after a date', ['log', 'format'], 30, 1],
  ['a missing key at its table', ['dhcp', 'subnet', 1, 'router'], 20, 1],
  ['a missing entry at its list', ['dhcp', 'subnet', 7, 'router'], 12, 1],
  ['a missing table at the top of the file', ['console', 'listen'], 1, 1],
])('%s', (_, path, line, column) => {
  expect(locate(SOURCE, path)).toEqual({ line, column })
})

test('a table that others made before is at its own header', () => {
  expect(locate('[a.b]\nx = 1\n[a]\ny = 2\n', ['a'])).toEqual({ line: 3, column: 1 })
  expect(locate('[a.b]\nx = 1\n[a]\ny = 2\n', ['a', 'b', 'x'])).toEqual({ line: 2, column: 1 })
})

test('lines that end as on Windows count once, and a byte order mark does not hide the first table', () => {
  expect(locate('\ufeff[a]\r\nx = 1\r\ny = 2\r\n', ['a', 'y'])).toEqual({ line: 3, column: 1 })
})

test('the first of two equal keys keeps its place', () => {
  expect(locate('x = 1\nx = 2\n', ['x'])).toEqual({ line: 1, column: 1 })
})

test('never throws, whatever the source and the path are, and stays inside the source', () => {
  const path = fc.array(fc.oneof(fc.string(), fc.nat(9), fc.constantFrom('a', 'b', 'site', '__proto__', 'constructor')))
  fc.assert(
    fc.property(tomlLike, path, (source, keys) => {
      const { line, column } = locate(source, keys)
      const lines = source.split('\n')
      expect(line).toBeLessThanOrEqual(lines.length)
      expect(column).toBeLessThanOrEqual((lines[line - 1] ?? '').length + 1)
    }),
    { numRuns: 500 },
  )
})

test('a bomb of brackets ends soon and is placed at its key', () => {
  const source = `x = ${'['.repeat(500_000)}\ny = 1\n`
  expect(locate(source, ['x', 0, 0])).toEqual({ line: 1, column: 7 })
})

test('every key of a written document is found where it stands', () => {
  const key = fc.stringMatching(/^[a-z"'.#[\] =]{1,6}$/)
  const leaf = fc.oneof(fc.string(), fc.integer(), fc.boolean())
  const table = fc.dictionary(
    key,
    fc.oneof(leaf, fc.array(leaf, { maxLength: 3 }), fc.dictionary(key, leaf, { maxKeys: 3 })),
    {
      maxKeys: 5,
    },
  )
  fc.assert(
    fc.property(table, document => {
      const source = stringify(document)
      const lines = source.split('\n')
      for (const [name, value] of Object.entries(document)) {
        const keys =
          typeof value === 'object' && !Array.isArray(value) ? Object.keys(value).map(sub => [name, sub]) : [[name]]
        for (const path of keys) {
          const { line, column } = locate(source, path)
          const wanted = path.at(-1) ?? ''
          const here = (lines[line - 1] ?? '').slice(column - 1)
          expect([wanted, JSON.stringify(wanted)].some(spelling => here.startsWith(`${spelling} =`))).toBe(true)
        }
      }
    }),
    { numRuns: 300 },
  )
})
