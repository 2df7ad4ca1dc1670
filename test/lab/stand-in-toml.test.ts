import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { newFolder, runShell } from './stand-in-shell.ts'

const folder = newFolder()
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function flatten(document: string): Promise<string> {
  writeFileSync(join(folder, 'document.toml'), document)
  return runShell(folder, ['toml'], `flatten ${folder}/document.toml 2>&1`)
}

test.each([
  ['a mode file', 'mode = "http"\n\n[http]\ntoken = "a:b" # secret\n', 'mode\thttp\nhttp\t[table]\nhttp.token\ta:b\n'],
  ['a file from Windows with a byte order mark', '\ufeffmode = "http"\r\n', 'mode\thttp\n'],
  [
    'a nested table and a quoted key',
    '[network.filter]\n"ID_NET_NAME_MAC" = \'*12\'\n',
    'network.filter\t[table]\nnetwork.filter.ID_NET_NAME_MAC\t*12\n',
  ],
  ['an array over several lines', 'a = [\n  "x = 1",\n]\nb = 2\n', 'a\t["x = 1",]\nb\t2\n'],
  [
    'an array on one line and a truth value',
    'disk-list = [ "vda" ]\nx = true # yes\n',
    'disk-list\t[ "vda" ]\nx\ttrue\n',
  ],
  ['an inline table is kept', 'fqdn = { source = "from-dhcp" }\n', 'fqdn\t{ source = "from-dhcp" }\n'],
  ['a key given twice', 'a = 1\na = 2\n', 'a\t1\nline 2: duplicate key a\n'],
  ['a page of HTML', '<html>\n', 'line 1: not a key and a value: <html>\n'],
  ['a string without an end', 'a = "b\n', 'line 1: a string without an end: a = "b\n'],
])('%s', async (_, document, expected) => {
  expect(await flatten(document)).toBe(expected)
})

test('a key in both spellings is a duplicate field', async () => {
  await flatten('')
  writeFileSync(join(folder, 'flat'), 'g.auth-token\ta\ng.auth_token\tb\n')
  expect(await runShell(folder, ['toml'], `either ${folder}/flat g auth-token`)).toBe(
    'FAILED: duplicate field g.auth-token\n',
  )
  writeFileSync(join(folder, 'flat'), 'g.auth_token\tb\n')
  expect(await runShell(folder, ['toml'], `either ${folder}/flat g auth-token`)).toBe('b\n')
})
