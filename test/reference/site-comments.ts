/** What the comments of `config/site.toml` say of every table and key: the one place where they are explained. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../presubmit/source.ts'

export type Told = { about: string; example: string }

/** `[dhcp]`, `#[[dhcp.subnet]]`: examples are commented out without a blank. */
const HEADER = /^#?\[\[?([a-z.-]+)\]\]?$/
const KEY = /^#?([a-z-]+) = (.*)$/
const COMMENT = /^# (.*)$/
const EMPTY = new Set(['""', '[]'])

/** By dotted name, `dhcp.subnet.pools`; a table by its own, and what stands before all tables by that alone. What stands there twice is explained by the first, and shown by the first that is not empty. */
export function siteComments(source = readFileSync(join(ROOT, 'config/site.toml'), 'utf8')): Map<string, Told> {
  const told = new Map<string, Told>()
  let table = ''
  let lines: string[] = []
  for (const line of source.split('\n')) {
    const [, comment] = COMMENT.exec(line) ?? []
    if (comment !== undefined) {
      lines.push(comment)
      continue
    }
    const [, header] = HEADER.exec(line) ?? []
    const [, key, value = ''] = KEY.exec(line) ?? []
    if (header !== undefined) table = header
    const name = key === undefined || table === '' ? (key ?? header) : `${table}.${key}`
    if (name !== undefined) {
      const before = told.get(name)
      const isShown = before !== undefined && before.example !== '' && !EMPTY.has(before.example)
      told.set(name, { about: before?.about || lines.join(' '), example: isShown ? before.example : value })
    }
    lines = []
  }
  return told
}
