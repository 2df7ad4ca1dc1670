import { expect, test } from 'vitest'
import { RouteMethods } from '../../services/kit/route-methods.ts'

const routes = new RouteMethods()
routes.add('/boot.ipxe', ['GET', 'HEAD'])
routes.add('/answer/:token', 'POST')
routes.add('/answer/:token', 'OPTIONS')
routes.add('/assets/*', 'GET')

test.each([
  ['a path as it stands', '/boot.ipxe', 'GET, HEAD'],
  ['a slash behind it is another path', '/boot.ipxe/', undefined],
  ['a dot is a dot', '/bootxipxe', undefined],
  ['a name stands for one part', '/answer/x1', 'POST, OPTIONS'],
  ['and for no more than one', '/answer/x1/y', undefined],
  ['a file that is not there is nowhere', '/assets/none.js', undefined],
  ['nothing', '/', undefined],
])('%s: %s', (_, path, methods) => expect(routes.allowedAt(path)).toBe(methods))
