import fc from 'fast-check'
import { expect, test } from 'vitest'
import { dialectOf } from '../../services/answer/dialect.ts'

const ASKS_JSON = 'application/json, application/toml;q=0.5'

test.each([
  ['VE 8.2', 'pve', '8.2', '*/*', [8, 2]],
  ['VE 8.3', 'pve', '8.3', '*/*', [8, 3]],
  ['VE 8.4', 'pve', '8.4', '*/*', [8, 4]],
  ['VE 9.0', 'pve', '9.0', '*/*', [9, 0]],
  ['VE 9.1', 'pve', '9.1', '*/*', [9, 1]],
  ['VE 9.2', 'pve', '9.2', ASKS_JSON, [9, 2]],
  ['Backup Server 3.2', 'pbs', '3.2', '*/*', [8, 2]],
  ['Backup Server 3.4', 'pbs', '3.4', '*/*', [8, 4]],
  ['Backup Server 4.1', 'pbs', '4.1', '*/*', [9, 1]],
  ['Mail Gateway 8.2, whose 8.4.0 lacks the keys of 8.4.3', 'pmg', '8.2', '*/*', [8, 3]],
  ['Datacenter Manager 1.0', 'pdm', '1.0', '*/*', [9, 1]],
  ['a release nobody knows yet', 'pve', '10.0', ASKS_JSON, [9, 2]],
  ['a release between two', 'pbs', '3.9', '*/*', [8, 4]],
  ['an ISO rebuilt with a newer installer', 'pve', '9.1', ASKS_JSON, [9, 2]],
  ['a release that its header contradicts', 'pve', '9.2', '*/*', [9, 1]],
  ['a product nobody knows', 'pxx', '1.0', '*/*', [9, 1]],
  ['nothing said at all', '', '', ASKS_JSON, [9, 2]],
])('%s', (_, product, release, accept, installer) => {
  expect(dialectOf({ product, release, accept }).installer).toEqual(installer)
})

test('before there is a request, the release alone decides', () => {
  expect(dialectOf({ product: 'pve', release: '9.2' })).toEqual({
    installer: [9, 2],
    acceptsJson: true,
    kebabCase: true,
  })
  expect(dialectOf({ product: 'pve', release: '8.3-1' })).toEqual({
    installer: [8, 3],
    acceptsJson: false,
    kebabCase: false,
  })
})

test('any text gives a dialect', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.option(fc.string(), { nil: undefined }), (product, release, accept) => {
      expect(dialectOf({ product, release, accept }).installer).toHaveLength(2)
    }),
  )
})

test('a product named like a property of every object is unknown', () => {
  expect(dialectOf({ product: 'constructor', release: '1.0' }).installer).toEqual([9, 2])
})
