/** Machines under `/api/v1`: what they do, what happened to them, and orders. */
import { z } from 'zod'
import type { ConsoleApp } from './app.ts'
import { isProblem } from '../kit/is-problem.ts'
import type { Fleet } from './fleet.ts'
import { sendPage } from './pages.ts'
import { whoAsks } from './principal.ts'
import {
  action,
  type Action,
  machinesQuery,
  machineView,
  order,
  orders,
  ordersOutcome,
  timelineEntry,
  timelineQuery,
} from './schema/machine.ts'
import { machineParams } from './schema/parts.ts'
import { problemSchema } from './schema/problem.ts'

const ORDERS: Readonly<Record<Action, { operationId: string; summary: string }>> = {
  approve: { operationId: 'approveMachine', summary: 'One installation of it may start' },
  reinstall: { operationId: 'reinstallMachine', summary: 'Another installation may start, although one ended well' },
  block: { operationId: 'blockMachine', summary: 'It is given nothing any more' },
}

function addViews(app: ConsoleApp, fleet: Omit<Fleet, 'close'>): void {
  app.get(
    '/api/v1/machines',
    {
      config: { role: 'viewer' },
      schema: {
        operationId: 'listMachines',
        summary: 'Machines in the order of their names',
        tags: ['machines'],
        querystring: machinesQuery,
        response: { 200: z.array(machineView), '4xx': problemSchema },
      },
    },
    async (request, reply) => {
      const page = await fleet.page(request.query)
      return isProblem(page) ? page : sendPage(request, reply, page, ({ id }) => id)
    },
  )
  app.get(
    '/api/v1/machines/:query',
    {
      config: { role: 'viewer' },
      schema: {
        operationId: 'getMachine',
        summary: 'One machine',
        tags: ['machines'],
        params: machineParams,
        response: { 200: machineView, '4xx': problemSchema },
      },
    },
    async request => fleet.show(request.params.query),
  )
  app.get(
    '/api/v1/machines/:query/timeline',
    {
      config: { role: 'viewer' },
      schema: {
        operationId: 'getTimeline',
        summary: 'What happened to it, the oldest first',
        tags: ['machines'],
        params: machineParams,
        querystring: timelineQuery,
        response: { 200: z.array(timelineEntry), '4xx': problemSchema },
      },
    },
    async ({ params, query: { after, limit } }) => fleet.timeline(params.query, after, limit),
  )
}

export function addFleetApi(app: ConsoleApp, fleet: Omit<Fleet, 'close'>): void {
  addViews(app, fleet)
  for (const what of action.options) {
    app.post(
      `/api/v1/machines/:query/${what}`,
      {
        config: { role: 'operator' },
        schema: {
          ...ORDERS[what],
          tags: ['machines'],
          params: machineParams,
          body: order.nullable().meta({ description: 'All optional; so is the body' }),
          response: { 200: machineView, '4xx': problemSchema },
        },
      },
      async request => fleet.order(request.params.query, what, request.body ?? {}, whoAsks(request)),
    )
  }
  app.post(
    '/api/v1/orders',
    {
      config: { role: 'operator' },
      schema: {
        operationId: 'orderMachines',
        summary: 'The same order to machines that are named one by one; each has a result of its own',
        tags: ['machines'],
        body: orders,
        response: { 200: ordersOutcome, '4xx': problemSchema },
      },
    },
    async request => {
      const { action: what, machines, ...given } = request.body
      return { results: await fleet.orderAll(machines, what, given, whoAsks(request)) }
    },
  )
}
