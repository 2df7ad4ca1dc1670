/** The site files that are shipped are right, and so are the examples in their comments. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { loadSite } from '../../services/site/load.ts'
import { parseSite } from '../../services/site/parse.ts'
import { SITE_WORDS, siteFile } from '../../services/site/schema.ts'
import { withExamples } from './example-sites.ts'
import { NO_INTERFACES, problemsOf } from './sites.ts'

const read = (name: string) => readFileSync(new URL(`../../config/${name}`, import.meta.url), 'utf8')

test.each(['config/site.toml', 'config/site.lab.toml'])('%s loads on any host, without a doubt', async file => {
  expect(await loadSite(file)).toMatchObject({ site: { file }, warnings: [] })
})

test('the lab gives addresses in rack0 and holds unknown machines', () => {
  const outcome = parseSite(read('site.lab.toml'), 'config/site.lab.toml', { ...NO_INTERFACES, workingFolder: '/srv' })
  expect('site' in outcome && outcome.site).toMatchObject({
    domain: 'rack.test',
    network: { interface: 'rack0', address: '10.77.0.1', prefix: { network: '10.77.0.0', length: 23 } },
    dhcp: { mode: 'server', subnets: [{ pools: [{ first: '10.77.1.1', last: '10.77.1.250' }] }] },
    boot: { unknown: 'hold' },
    paths: { isos: '/srv/isos' },
    profiles: new Map([
      ['pve', { name: 'pve', iso: 'pve:latest', answers: ['base', 'lab-disk'], kernelArgs: ['console=ttyS0,115200'] }],
    ]),
  })
})

test('the examples of the default file are right when they are taken in', () => {
  const source = withExamples(read('site.toml').replaceAll('options = []\n', ''))
  expect(problemsOf(source)).toEqual([])
  const outcome = parseSite(source, 'config/site.toml', NO_INTERFACES)
  expect('site' in outcome && outcome.site.machines.map(({ name }) => name)).toEqual(['node1'])
  expect('site' in outcome && outcome.site.rules.length).toBe(1)
})

test('the default file shows every key that there is', () => {
  const source = withExamples(read('site.toml'))
  const tables = [
    ...Object.keys(siteFile.shape).map(name => [name]),
    ['dhcp', 'subnet', 0],
    ['dhcp', 'reservation', 0],
    ['dns', 'record', 0],
  ]
  const keys = tables.flatMap(table => [...SITE_WORDS.keysOf(table), ...SITE_WORDS.keysOf([...table, 0])])
  const missing = keys.filter(key => !new RegExp(`^(${key} = |\\[\\[\\w+\\.${key}\\]\\])`, 'm').test(source))
  expect(keys.length).toBeGreaterThan(50)
  expect(missing).toEqual([])
})
