/** Leases under `/api/v1`: what they are, and giving one back in the name of its machine. */
import { z } from 'zod'
import type { ConsoleApp } from './app.ts'
import type { Leases } from './leases.ts'
import { sendPage } from './pages.ts'
import { whoAsks } from './principal.ts'
import { leaseParams, leasesQuery, leaseView, releaseQuery } from './schema/lease.ts'
import { problemSchema } from './schema/problem.ts'

export function addLeaseApi(app: ConsoleApp, leases: Omit<Leases, 'close' | 'list'>): void {
  app.get(
    '/api/v1/leases',
    {
      config: { role: 'viewer' },
      schema: {
        operationId: 'listLeases',
        summary: 'Leases and what installed systems have written down, by address',
        tags: ['leases'],
        querystring: leasesQuery,
        response: { 200: z.array(leaseView), '4xx': problemSchema },
      },
    },
    async (request, reply) => sendPage(request, reply, await leases.page(request.query), ({ address }) => address),
  )
  app.post(
    '/api/v1/leases/:query/release',
    {
      config: { role: 'operator' },
      schema: {
        operationId: 'releaseLease',
        summary: 'Gives a lease back in the name of its machine',
        tags: ['leases'],
        params: leaseParams,
        querystring: releaseQuery,
        response: { 200: leaseView, '4xx': problemSchema },
      },
    },
    async request =>
      leases.release(request.params.query, { force: request.query.force === 'true', who: whoAsks(request) }),
  )
}
