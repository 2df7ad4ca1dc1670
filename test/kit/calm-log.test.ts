import { expect, test } from 'vitest'
import { calmLog, LINES_MOST, WHILE_MS } from '../../services/kit/calm-log.ts'
import type { Log } from '../../services/kit/log.ts'
import { FakeClock } from '../fake/clock.ts'

function listen(): { log: Log; levels: string[] } {
  const levels: string[] = []
  const line = (level: string) => () => void levels.push(level)
  return { levels, log: { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') } }
}

test('a flood of one reason goes on at debug level, and is heard again after a while', () => {
  const clock = new FakeClock()
  const { log, levels } = listen()
  const calm = calmLog(log, clock)
  for (let index = 0; index < LINES_MOST + 3; index++) calm.error({ reason: 'pool-exhausted' }, 'x')
  expect(levels.filter(level => level === 'error')).toHaveLength(LINES_MOST)
  expect(levels.slice(-3)).toEqual(['debug', 'debug', 'debug'])
  calm.info({ reason: 'malformed' }, 'another reason')
  calm.info({}, 'no reason at all')
  clock.advance(WHILE_MS)
  calm.error({ reason: 'pool-exhausted' }, 'x')
  expect(levels.slice(-3)).toEqual(['info', 'info', 'error'])
})
