/** Alarms under `/api/v1`: what a person should look at now, and what is over. */
import { z } from 'zod'
import type { Alarms } from '../kit/alarms.ts'
import { viewAlarm } from './alarm-view.ts'
import type { ConsoleApp } from './app.ts'
import { alarmView } from './schema/alarm.ts'

export function addAlarmApi(app: ConsoleApp, alarms: Pick<Alarms, 'list'>): void {
  app.get(
    '/api/v1/alarms',
    {
      config: { role: 'viewer' },
      schema: {
        operationId: 'listAlarms',
        summary: 'What a person should look at now, then what is over',
        tags: ['appliance'],
        response: { 200: z.array(alarmView) },
      },
    },
    async () => alarms.list().map(viewAlarm),
  )
}
