/** What can be wrong with an ISO is one closed table: in the code and in the README the same. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ROOT } from '../presubmit/source.ts'

const filesOf = (folder: string, pattern: RegExp): string[] =>
  readdirSync(join(ROOT, folder))
    .filter(name => pattern.test(name))
    .map(name => readFileSync(join(ROOT, folder, name), 'utf8'))

test('every code stands in the table, and every code of the table is used', () => {
  const sources = [...filesOf('services/iso', /\.ts$/), ...filesOf('services/cli', /^iso.*\.ts$/)].join('\n')
  const used = new Set([...sources.matchAll(/'(iso-[a-z0-9-]+)'/g)].map(([, code]) => code!))
  const table = readFileSync(join(ROOT, 'services/iso/README.md'), 'utf8')
  const told = [...table.matchAll(/^\| `(iso-[a-z0-9-]+)` \|/gm)].map(([, code]) => code!)
  expect(told.toSorted()).toEqual([...used].toSorted())
})
