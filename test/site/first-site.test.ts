import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type FirstSite, firstSiteText, poolSize, suggestPool } from '../../services/site/first-site.ts'
import { parseSite } from '../../services/site/parse.ts'
import { NO_INTERFACES } from './sites.ts'

const SITE: FirstSite = {
  domain: 'rack7.example.org',
  interface: 'eth1',
  address: '10.77.0.1/24',
  mode: 'server',
  pool: '10.77.0.100-10.77.0.199',
  router: '10.77.0.254',
  answers: ['base', 'ext4'],
}

describe('the first site file', () => {
  test.each<[string, FirstSite]>([
    ['a server', SITE],
    ['without a router', { ...SITE, router: undefined as never }],
    ['installed, with ISOs elsewhere', { ...SITE, isos: '/srv/rackrise/isos' }],
    ['without layers yet', { ...SITE, answers: [] }],
    ['a proxy', { domain: SITE.domain, interface: 'eth1', address: '10.77.0.1/24', mode: 'proxy', answers: ['base'] }],
  ])('%s is taken without a warning', (_, site) => {
    expect(parseSite(firstSiteText(site), 'site.toml', NO_INTERFACES)).toMatchObject({ warnings: [] })
  })

  test('no value can become anything else than that value', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1 }), domain => {
        const parsed = parseSite(firstSiteText({ ...SITE, domain }), 'site.toml', NO_INTERFACES)
        if ('site' in parsed) expect(parsed.site.domain).toBe(domain.toLowerCase())
        else expect(parsed.problems.every(({ severity }) => severity !== 'error')).toBe(false)
      }),
    )
  }, 20_000)
})

test.each([
  ['10.77.0.1/24', ['10.77.0.254'], '10.77.0.154-10.77.0.253'],
  ['10.77.0.1/24', [], '10.77.0.155-10.77.0.254'],
  ['10.77.0.200/24', ['10.77.0.1'], '10.77.0.100-10.77.0.199'],
  ['10.77.0.1/30', [], '10.77.0.2-10.77.0.2'],
  ['10.77.0.1/30', ['10.77.0.2'], undefined],
  ['10.77.0.1/29', ['192.0.2.1'], '10.77.0.2-10.77.0.6'],
  ['10.77.0.1', [], undefined],
])('on %s with %j taken, %s is free', (address, taken, pool) => {
  expect(suggestPool(address, taken)).toBe(pool)
})

test('a suggested pool never holds an address that is taken, nor one outside', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 20, max: 29 }),
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 1, max: 6 }),
      (bits, own, router) => {
        fc.pre(own !== router)
        const pool = suggestPool(`10.77.0.${own}/${bits}`, [`10.77.0.${router}`])!
        const site = { ...SITE, address: `10.77.0.${own}/${bits}`, router: `10.77.0.${router}`, pool }
        expect(parseSite(firstSiteText(site), 'site.toml', NO_INTERFACES)).toHaveProperty('site')
      },
    ),
  )
})

test('the size of a pool', () => {
  expect(poolSize('10.77.0.100-10.77.0.199')).toBe(100)
  expect(poolSize('10.77.0.100')).toBeUndefined()
})
