import { expect, test } from 'vitest'
import { loadSite } from '../../services/site/load.ts'
import type { Site } from '../../services/site/types.ts'
import { unavailable } from '../../services/site/unavailable.ts'

async function labSite(): Promise<Site> {
  const loaded = await loadSite('config/site.lab.toml')
  if ('problems' in loaded) throw new Error('the lab site is broken')
  return loaded.site
}

test('what this version lacks is said, not dropped', async () => {
  const site = await labSite()
  const codes = (change: Partial<Site>): string[] =>
    unavailable({ ...site, ...change }).map(({ code, severity }) => `${severity} ${code}`)
  expect(codes({})).toEqual([])
  expect(codes({ dhcp: { ...site.dhcp, mode: 'proxy' } })).toEqual([])
  expect(codes({ store: { ...site.store, url: 'postgres://rack@db/rackrise' } })).toEqual(['error store-unavailable'])
})
