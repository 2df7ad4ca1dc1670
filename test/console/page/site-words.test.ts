import { expect, test } from 'vitest'
import type { SiteNewsView } from '../../../services/console/schema/reload.ts'
import {
  changeInWords,
  countsInWords,
  identityInWords,
  isWorthALine,
  machineInWords,
  siteNewsInWords,
} from '../../../services/console/page/words/site-words.ts'
import { NOW } from './machines.ts'

const told = { at: NOW, by: 'anna' }
const loaded = (counts: Partial<Record<'changes' | 'machines' | 'starts' | 'warnings', number>>): SiteNewsView => ({
  ...{ ...told, outcome: 'loaded', sha256: 'ab', changes: [], machines: [], warnings: [] },
  counts: { changes: 0, machines: 0, starts: 0, warnings: 0, ...counts },
})
const refused = (count: number): SiteNewsView => ({
  ...{ ...told, outcome: 'refused', counts: { problems: count } },
  problems: [{ code: 'unknown-key', message: 'unknown key "domian"', hint: 'correct it', severity: 'error' }],
})

test.each([
  [loaded({}), 'anna had the site file loaded again: nothing is otherwise'],
  [loaded({ changes: 1, machines: 1 }), 'anna had the site file loaded again: 1 change of the site, 1 machine with it'],
  [
    loaded({ changes: 2, machines: 30, starts: 2 }),
    'anna had the site file loaded again: 2 changes of the site, 30 machines with them; it installs 2 machines',
  ],
  [
    refused(1),
    'The site file that anna wanted loaded is refused, the one of before is served on: unknown key "domian"',
  ],
  [
    refused(3),
    'The site file that anna wanted loaded is refused, the one of before is served on: unknown key "domian", and 2 problems more',
  ],
])('one sentence for everybody: %#', (news, words) => expect(siteNewsInWords(news)).toBe(words))

test('what is otherwise, with the values before and after', () => {
  const keys = [{ key: 'log.level', before: 'info', after: 'debug' }, { key: 'boot.loader' }]
  const machine = { id: 'a', name: 'node1', macs: ['bc:24:11:00:00:01', 'bc:24:11:00:00:02'], starts: false, keys }
  expect([
    changeInWords({ what: 'setting', name: 'log.level', change: 'changed', keys: keys.slice(0, 1) }),
    changeInWords({ what: 'profile', name: 'pbs', change: 'added', keys: [] }),
    changeInWords({ what: 'subnet', name: '10.77.0.0/24', change: 'changed', keys }),
    machineInWords({ ...machine, change: 'removed', keys: [] }),
    identityInWords(machine),
    identityInWords({ macs: machine.macs.slice(0, 1), serial: '7K2QX93' }),
    countsInWords({ changes: 0, machines: 3 }),
  ]).toEqual([
    'log.level info → debug',
    'added: profile pbs',
    'changed: subnet 10.77.0.0/24: log.level info → debug; boot.loader none → none',
    'removed: machine node1',
    'serial not known, bc:24:11:00:00:01, bc:24:11:00:00:02',
    'serial 7K2QX93, bc:24:11:00:00:01',
    '0 changes of the site, 3 machines with them',
  ])
})

test('it is a line for a quarter of an hour, a refusal for a day, and the start is none', () => {
  expect([
    isWorthALine(loaded({}), 899),
    isWorthALine(loaded({}), 900),
    isWorthALine(refused(1), 86_399),
    isWorthALine(refused(1), 86_400),
    isWorthALine({ ...loaded({}), by: 'the start' }, 1),
  ]).toEqual([true, false, true, false, false])
})
