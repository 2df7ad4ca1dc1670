/** Alarms under `/api/v1`: what a person should look at now, and what is over. */
import type { FastifyInstance } from 'fastify'
import type { Alarms } from '../kit/alarms.ts'
import { viewAlarm } from './alarm-view.ts'

export function addAlarmApi(app: FastifyInstance, alarms: Pick<Alarms, 'list'>): void {
  app.get('/api/v1/alarms', async () => alarms.list().map(viewAlarm))
}
