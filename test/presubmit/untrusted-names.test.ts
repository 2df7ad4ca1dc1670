/** What strangers name: it never becomes a property of an ordinary object, nor part of a page or a program. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ROOT, sourcesOf } from './source.ts'

const services = sourcesOf('services')

/**
 * Objects that grow by names. Tables of what machines and clients say are Maps: an object would have `constructor` and `__proto__` from the
 * beginning. Each object here grows by names of our own, and says which.
 */
const GROWING: Record<string, string> = {
  'services/answer/compose.ts': 'an empty table that stays empty',
  'services/cli/run-with.ts': 'options of our commands',
  'services/cli/iso.ts': 'options of its verbs',
  'services/console/page/paths.ts': 'names of our routes; the values are of the address bar',
}

test('no object grows by names but those that are ours', () => {
  const found = services.filter(
    ({ text }) =>
      /(const|let) \w+: (Record<string,[^=]*>|\{ \[\w+: string\][^=]*\}|\w*(Table|Config|Options))\s*= \{\}/.test(
        text,
      ) ||
      /\breduce\([^)]*\{\} as /.test(text) ||
      /Object\.assign\(\{\}/.test(text),
  )
  expect(found.map(({ path }) => path).toSorted()).toEqual(Object.keys(GROWING).toSorted())
})

/** What a lookup by a stranger's word needs where the table is an object after all. */
test('JSON and TOML of strangers never set a prototype', () => {
  const wrong = services.filter(({ text }) => /__proto__|setPrototypeOf|Object\.create\((?!null)/.test(text))
  expect(wrong.map(({ path }) => path)).toEqual([])
})

test('nothing that is text becomes code', () => {
  const wrong = services.filter(({ text }) => /\beval\(|new Function\(|vm\.run|from 'node:vm'/.test(text))
  expect(wrong.map(({ path }) => path)).toEqual([])
})

const page = services.filter(({ path }) => path.startsWith('services/console/page/'))

test('L12 the page has no way to make markup of text', () => {
  const sinks =
    /dangerouslySetInnerHTML|\.(inner|outer)HTML\b|insertAdjacentHTML|document\.write|srcDoc|DOMParser|createContextualFragment|javascript:/i
  expect(page.length).toBeGreaterThan(50)
  expect(page.filter(({ text }) => sinks.test(text)).map(({ path }) => path)).toEqual([])
})

test('L12 the page as it is served has no script, style or handler of its own in it', () => {
  const html = readFileSync(join(ROOT, 'services/console/page/index.html'), 'utf8')
  const scripts = [...html.matchAll(/<script\b([^>]*)>([^]*?)<\/script>/g)]
  expect(scripts.map(([, attributes, text]) => [/\bsrc="\/[a-z.]+"/.test(attributes!), text])).toEqual([[true, '']])
  expect(html).not.toMatch(/<style|\son\w+=|\sstyle=/i)
})
