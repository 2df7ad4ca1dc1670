import fc from 'fast-check'
import { expect, test } from 'vitest'
import { dialectOf, isAtLeast, parseVersion, PRODUCTS, releasesOf } from '../../services/answer/dialect.ts'

const ASKS_JSON = 'application/json, application/toml;q=0.5'

test.each([
  ['VE 8.2', 'pve', '8.2', '*/*', [8, 2, 4]],
  ['VE 8.3', 'pve', '8.3', '*/*', [8, 3]],
  ['VE 8.4', 'pve', '8.4', '*/*', [8, 4, 3]],
  ['VE 9.0', 'pve', '9.0', '*/*', [9, 0, 5]],
  ['VE 9.1', 'pve', '9.1', '*/*', [9, 1]],
  ['VE 9.2', 'pve', '9.2', ASKS_JSON, [9, 2, 2]],
  ['Backup Server 3.2', 'pbs', '3.2', '*/*', [8, 2, 4]],
  ['Backup Server 3.4', 'pbs', '3.4', '*/*', [8, 4, 3]],
  ['Backup Server 4.1', 'pbs', '4.1', '*/*', [9, 1]],
  ['Mail Gateway 8.2, whose 8.4.0 lacks the keys of 8.4.3', 'pmg', '8.2', '*/*', [8, 4]],
  ['Datacenter Manager 1.0', 'pdm', '1.0', '*/*', [9, 1]],
  ['a release nobody knows yet', 'pve', '10.0', ASKS_JSON, [9, 2, 2]],
  ['a release between two', 'pbs', '3.9', '*/*', [8, 4, 3]],
  ['an ISO rebuilt with a newer installer', 'pve', '9.1', ASKS_JSON, [9, 2, 2]],
  ['a release that its header contradicts', 'pve', '9.2', '*/*', [9, 1]],
  ['a product nobody knows', 'pxx', '1.0', '*/*', [9, 1]],
  ['nothing said at all', '', '', ASKS_JSON, [9, 2, 2]],
])('%s', (_, product, release, accept, installer) => {
  expect(dialectOf({ product, release, accept }).installer).toEqual(installer)
})

test('before there is a request, the release alone decides', () => {
  expect(dialectOf({ product: 'pve', release: '9.2' })).toEqual({
    installer: [9, 2, 2],
    acceptsJson: true,
    kebabCase: true,
  })
  expect(dialectOf({ product: 'pve', release: '8.3-1' })).toEqual({
    installer: [8, 3],
    acceptsJson: false,
    kebabCase: false,
  })
})

const isVersion = (version: readonly unknown[]): boolean => version.length === 2 || version.length === 3

test('any text gives a dialect', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.option(fc.string(), { nil: undefined }), (product, release, accept) => {
      expect(dialectOf({ product, release, accept }).installer).toSatisfy(isVersion)
    }),
  )
})

test('a product named like a property of every object is unknown', () => {
  expect(dialectOf({ product: 'constructor', release: '1.0' }).installer).toEqual([9, 2, 2])
})

test('the third number of a version counts, and is 0 where it is not written', () => {
  expect(isAtLeast([8, 4], [8, 4, 3])).toBe(false)
  expect(isAtLeast([8, 4, 3], [8, 4])).toBe(true)
  expect(isAtLeast([9, 0], [8, 4, 3])).toBe(true)
  expect(isAtLeast([9, 2], [9, 2, 0])).toBe(true)
})

test.each([
  ['9.2.7', [9, 2, 7]],
  ['9.2-1', [9, 2]],
  ['9', [9, 0]],
  ['9.2.7.1', [9, 2, 7]],
  ['rc9.2', undefined],
  ['', undefined],
])('reads %j', (text, version) => {
  expect(parseVersion(text)).toEqual(version)
})

test('the products and their releases, for the command line', () => {
  expect(PRODUCTS.map(product => [product, releasesOf(product)])).toEqual([
    ['pve', ['8.2', '8.3', '8.4', '9.0', '9.1', '9.2']],
    ['pbs', ['3.2', '3.3', '3.4', '4.0', '4.1', '4.2']],
    ['pmg', ['8.2', '9.0', '9.1']],
    ['pdm', ['1.0', '1.1']],
  ])
  expect(releasesOf('constructor')).toEqual([])
})
