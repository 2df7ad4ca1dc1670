import { expect, test } from 'vitest'
import type { IsoCatalogue, IsoEntry } from '../../services/iso/catalogue.ts'
import { alarmProfiles } from '../../services/iso/profile-alarms.ts'
import { Alarms } from '../../services/kit/alarms.ts'
import type { Problem } from '../../services/kit/problem.ts'
import type { Profile } from '../../services/site/types.ts'
import { FakeClock } from '../fake/clock.ts'

const PROFILES: Profile[] = ['pve', 'pbs'].map(name => ({ name, iso: `${name}:latest`, answers: [], kernelArgs: [] }))
const entry = (autoInstallCapable: boolean): IsoEntry => ({ file: 'a.iso', autoInstallCapable }) as unknown as IsoEntry
const problem = (code: string, severity: Problem['severity']): Problem => ({ code, message: 'm', hint: 'h', severity })

test('an alarm lasts for as long as the ISO of a profile cannot be installed', () => {
  const clock = new FakeClock()
  const alarms = new Alarms(clock)
  const look = (pve: IsoEntry | Problem) => {
    const find: IsoCatalogue['find'] = selector => (selector === 'pve:latest' ? pve : entry(true))
    alarmProfiles(PROFILES, { find }, alarms)
    return alarms
      .list()
      .filter(({ endedAt }) => endedAt === undefined)
      .map(({ code, subject, severity, message }) => [code, subject, severity, message])
  }
  const cannot = 'machines of profile pve cannot be installed now:'
  expect(look(entry(true))).toEqual([])
  expect(look(problem('iso-growing', 'warning'))).toEqual([['iso-profile', 'pve', 'warning', `${cannot} m`]])
  expect(look(problem('iso-checksum-failed', 'error'))).toEqual([['iso-profile', 'pve', 'alarm', `${cannot} m`]])
  expect(look(entry(false))).toEqual([['iso-profile', 'pve', 'alarm', `${cannot} a.iso has no automated installation`]])
  expect(alarms.list()[0]).toMatchObject({ count: 3, details: { problem: 'iso-not-capable', iso: 'pve:latest' } })
  expect(look(entry(true))).toEqual([])
})
