/** Priorities in the journal, and how to know that a stream leads there. */
import { spawnSync } from 'node:child_process'
import { fstatSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { isStream, priorityOf, withPriority } from '../../services/kit/journal.ts'

test.each([
  ['debug', 20, 7],
  ['info', 30, 6],
  ['warn', 40, 4],
  ['error', 50, 3],
])('%s', (_, level, priority) => {
  expect(priorityOf(level)).toBe(priority)
})

test('every line of a text has it', () => {
  expect(withPriority(3, 'site.toml:1: wrong\nsite.toml:2: wrong')).toBe('<3>site.toml:1: wrong\n<3>site.toml:2: wrong')
})

test.each([
  ['that stream', '8:12345', true],
  ['another one', '8:1234', false],
  ['none named', undefined, false],
])('%s', (_, named, is) => {
  expect(isStream(named, { dev: 8n, ino: 12345n })).toBe(is)
})

describe('a process whose standard output the journal reads', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rackrise-journal-'))
  afterAll(() => rmSync(folder, { recursive: true }))

  const SAY = `
    const { createLog } = await import('./services/kit/pino-log.ts')
    const { complain } = await import('./services/cli/command.ts')
    const log = createLog({ level: 'debug', format: process.argv[1] })
    log.info({ room: 'dhcp', machine: 'node1', reason: 'selected' }, 'acknowledged')
    log.warn({ room: 'dhcp', token: 'x', hint: 'enlarge the pool' }, 'no free address')
    complain('rackrise serve: error: no')`

  function say(format: string, isNamed: boolean): { out: string; err: string } {
    const [out, err] = [join(folder, 'out'), join(folder, 'err')]
    const fd = openSync(out, 'w')
    const { dev, ino } = fstatSync(fd, { bigint: true })
    const env = { ...process.env, ...(isNamed ? { JOURNAL_STREAM: `${dev}:${ino}` } : {}) }
    const stdio: ('ignore' | number)[] = ['ignore', fd, openSync(err, 'w')]
    // Standard error is another stream, so that its lines are as ever.
    expect(spawnSync(process.execPath, ['--eval', SAY, format], { stdio, env }).status).toBe(0)
    return { out: readFileSync(out, 'utf8'), err: readFileSync(err, 'utf8') }
  }

  test('writes words with priorities and no time', () => {
    expect(say('auto', true)).toEqual({
      out:
        '<6>dhcp node1: acknowledged  reason=selected\n' +
        '<4>dhcp: no free address; enlarge the pool  token=[Redacted]\n',
      err: 'rackrise serve: error: no\n',
    })
  })

  test('writes JSON where the site wants it, with priorities, too', () => {
    const [first] = say('json', true).out.split('\n')
    expect(first).toMatch(
      /^<6>\{"level":30,"time":"[^"]+","room":"dhcp","machine":"node1","reason":"selected","msg":"acknowledged"\}$/,
    )
  })

  test('writes JSON alone where the journal reads another stream', () => {
    expect(say('auto', false).out).toMatch(/^\{"level":30,/)
  })
})
