/** The README says what is so: packages, commands, links. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { COMMANDS } from '../../services/cli/run.ts'
import { allPackages } from '../packages.ts'
import { ROOT, rooms } from './source.ts'

const readme = readFileSync(join(ROOT, 'README.md'), 'utf8')

test('the apt-get line of the tests is the one that the tests use', () => {
  expect(readme).toContain(`apt-get install --no-install-recommends ${allPackages().join(' ')}\n`)
})

test('every room is linked', () => {
  expect(rooms().filter(room => !readme.includes(`(services/${room}/README.md)`))).toEqual([])
})

test('every link leads somewhere', () => {
  const links = [...readme.matchAll(/\]\(([^)#:]+)\)/g)].map(([, target]) => target!)
  expect(links.filter(target => !existsSync(join(ROOT, target)))).toEqual([])
})

test('every command that it shows exists', () => {
  const shown = [...readme.matchAll(/(?:npx rackrise|`rackrise) ([a-z]+)/g)].map(([, name]) => name!)
  const known = new Set(COMMANDS.map(({ name }) => name))
  expect(shown.filter(name => !known.has(name))).toEqual([])
})
