/** A site whose content is replaced as a whole, and what is worked out from it. */
import { expect, test } from 'vitest'
import { workedOut } from '../../services/kit/worked-out.ts'
import { LiveSite, siteNow } from '../../services/site/live-site.ts'
import { parseSite } from '../../services/site/parse.ts'
import type { Site } from '../../services/site/types.ts'
import { NO_INTERFACES, RIGHT, WITH_PROFILE } from './sites.ts'

const siteOf = (source: string): Site => (parseSite(source, 'site.toml', NO_INTERFACES) as { site: Site }).site

test('it has every key of a site, and each is that of the site of now', () => {
  const [before, after] = [siteOf(RIGHT), siteOf(`${WITH_PROFILE}[log]\nlevel = "debug"\n`)]
  const live = new LiveSite(before)
  const keys = Object.keys(before) as (keyof Site)[]
  expect(keys.map(key => live[key])).toEqual(keys.map(key => before[key]))
  live.use(after)
  expect(keys.map(key => live[key])).toEqual(keys.map(key => after[key]))
})

test('what both files say alike is the same object, and is not worked out again', () => {
  const live = new LiveSite(siteOf(RIGHT))
  const { dhcp, profiles } = live
  let count = 0
  const pools = workedOut(
    () => [live.dhcp],
    () => `${++count}: ${live.dhcp.subnets[0]!.pools[0]!.last}`,
  )
  expect(pools()).toBe('1: 10.77.0.199')
  live.use(siteOf(WITH_PROFILE))
  expect([live.dhcp === dhcp, live.profiles === profiles, pools()]).toEqual([true, false, '1: 10.77.0.199'])
  live.use(siteOf(RIGHT.replace('.199', '.149')))
  expect([pools(), pools()]).toEqual(['2: 10.77.0.149', '2: 10.77.0.149'])
})

test('who has to wait goes on with the site that he began with', () => {
  const live = new LiveSite(siteOf(RIGHT))
  const mine = siteNow(live)
  live.use(siteOf(WITH_PROFILE))
  expect([mine.profiles.size, siteNow(live).profiles.size, siteNow(mine)]).toEqual([0, 1, mine])
})
