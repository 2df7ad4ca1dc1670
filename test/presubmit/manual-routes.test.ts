/** Every path of the API that a page names is one that the reference has, which is made of the routes themselves. */
import { expect, test } from 'vitest'
import { PAGES } from '../docs/manual.ts'

const REFERENCE = PAGES.find(({ path }) => path === 'docs/reference/api.md')!
const ROUTES = [...REFERENCE.text.matchAll(/`(?:GET|POST|PUT|DELETE|PATCH) (\/[^` ?]*)/g)].map(([, path]) => path!)

/** A pattern's parameters stand for one word each. */
function isRoute(path: string): boolean {
  const words = path.split('/')
  return ROUTES.some(route => {
    const pattern = route.split('/')
    return pattern.length === words.length && pattern.every((word, at) => word.startsWith('{') || word === words[at])
  })
}

test('every path exists', () => {
  const named = PAGES.filter(({ path }) => path !== 'CHANGELOG.md' && path !== REFERENCE.path).flatMap(
    ({ path, text }) =>
      [...text.matchAll(/\/api\/v1\/[A-Za-z0-9/:{}._-]+|(?<=[` ])\/(?:healthz|readyz|metrics)\b/g)].map(([said]) => ({
        path,
        said: said.replaceAll(/\/:([a-z]+)/g, '/{$1}').replace(/[./]$/, ''),
      })),
  )
  expect(named.length).toBeGreaterThan(20)
  expect(named.filter(({ said }) => !isRoute(said))).toEqual([])
})

test('what is not there is found', () => {
  expect(['/api/v1/machines/node1/approve', '/api/v1/machines/node1/erase', '/api/v1'].map(isRoute)).toEqual([
    true,
    false,
    false,
  ])
})
