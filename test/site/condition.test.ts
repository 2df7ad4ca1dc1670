/** What a rule asks, and when one rule leaves nothing to another. */
import { expect, test } from 'vitest'
import {
  type Condition,
  conditionOf,
  conditionsInclude,
  describeCondition,
  judgeCondition,
} from '../../services/site/condition.ts'

test.each<[string, string, string[], string[] | undefined, string]>([
  ['a model', 'dmi.system.name', ['PowerEdge R65*'], ['PowerEdge R6525'], 'fits'],
  ['a model, whatever its case', 'dmi.system.name', ['poweredge r65*'], ['PowerEdge R6525'], 'fits'],
  ['the whole value', 'dmi.system.name', ['PowerEdge'], ['PowerEdge R6525'], 'differs'],
  ['a set', 'serial', ['7K2QX9[1-3]'], ['7K2QX93'], 'fits'],
  ['a set turned round', 'serial', ['7K2QX9[!1-3]'], ['7K2QX93'], 'differs'],
  ['a dot is a dot', 'iso.release', ['9.2'], ['9x2'], 'differs'],
  ['a vendor', 'mac', ['b0:7b:25:*'], ['b0:7b:25:aa:01:10'], 'fits'],
  ['a MAC as a label prints it', 'mac', ['B0-7B-25-AA-01-10'], ['b0:7b:25:aa:01:10'], 'fits'],
  ['a dash inside a set is a range', 'mac', ['*:1[0-4]'], ['b0:7b:25:aa:01:12'], 'fits'],
  ['any of the NICs', 'mac', ['b0:7b:25:*'], ['a0:36:9f:0a:b3:82', 'b0:7b:25:aa:01:10'], 'fits'],
  ['any of the patterns', 'product', ['pbs', 'pve'], ['pve'], 'fits'],
  ['none of the patterns', 'product', ['pbs', 'pmg'], ['pve'], 'differs'],
  ['not this model', 'dmi.system.name', ['!QEMU*', '!Standard PC*'], ['Standard PC (Q35 + ICH9, 2009)'], 'excluded'],
  ['another model', 'dmi.system.name', ['!QEMU*'], ['PowerEdge R6525'], 'fits'],
  ['this vendor without that card', 'mac', ['b0:*', '!b0:7b:25:aa:*'], ['b0:7b:25:aa:01:10'], 'excluded'],
  ['one NIC that is excluded is enough', 'mac', ['!a0:*'], ['b0:7b:25:aa:01:10', 'a0:36:9f:0a:b3:82'], 'excluded'],
  ['in the network', 'lease.address', ['10.77.0.0/25'], ['10.77.0.100'], 'fits'],
  ['beside the network', 'lease.address', ['10.77.0.0/25'], ['10.77.0.200'], 'differs'],
  ['not in the network', 'lease.address', ['!10.77.0.128/25'], ['10.77.0.200'], 'excluded'],
  ['an address as a pattern', 'lease.address', ['10.77.0.1??'], ['10.77.0.100'], 'fits'],
  ['not told', 'serial', ['*'], undefined, 'not-told'],
  ['not told, and turned round', 'serial', ['!7K*'], [], 'not-told'],
])('%s', (_, fact, patterns, values, judgement) => {
  expect(judgeCondition(conditionOf(fact, patterns), values)).toBe(judgement)
})

test('names as the system information spells them are the same facts', () => {
  expect(conditionOf('dmi.system.uuid', ['a*', '!ab*'])).toEqual({ fact: 'uuid', any: ['a*'], none: ['ab*'] })
  expect(describeCondition(conditionOf('dmi.system.uuid', ['a*', '!ab*']))).toBe('uuid = ["a*", "!ab*"]')
  expect(describeCondition(conditionOf('mac', ['b0:*']))).toBe('mac = "b0:*"')
})

const when = (conditions: Record<string, string[]>): Condition[] =>
  Object.entries(conditions).map(([fact, patterns]) => conditionOf(fact, patterns))

test.each<[string, Record<string, string[]>, Record<string, string[]>, boolean]>([
  ['the same', { mac: ['b0:*'] }, { mac: ['B0-*'] }, true],
  ['fewer conditions take more', { mac: ['b0:*'] }, { mac: ['b0:*'], serial: ['7*'] }, true],
  ['more conditions take less', { mac: ['b0:*'], serial: ['7*'] }, { mac: ['b0:*'] }, false],
  ['a wider pattern', { mac: ['b0:*'] }, { mac: ['b0:7b:25:*'] }, true],
  ['a narrower one', { mac: ['b0:7b:25:*'] }, { mac: ['b0:*'] }, false],
  ['everything', { mac: ['*'] }, { mac: ['!b0:*'] }, true],
  ['another fact', { mac: ['*'] }, { serial: ['7*'] }, false],
  ['a longer list', { product: ['pve', 'pbs'] }, { product: ['pbs'] }, true],
  ['a shorter list', { product: ['pbs'] }, { product: ['pve', 'pbs'] }, false],
  ['less is excluded', { mac: ['b0:*', '!b0:1*'] }, { mac: ['b0:*', '!b0:*'] }, true],
  ['more is excluded', { mac: ['b0:*', '!b0:*'] }, { mac: ['b0:*', '!b0:1*'] }, false],
  ['nothing is excluded where something is', { mac: ['b0:*', '!b0:1*'] }, { mac: ['b0:*'] }, false],
  ['a network around another', { 'lease.address': ['10.77.0.0/16'] }, { 'lease.address': ['10.77.1.0/24'] }, true],
  ['a network inside another', { 'lease.address': ['10.77.1.0/24'] }, { 'lease.address': ['10.77.0.0/16'] }, false],
  ['a network around an address', { 'lease.address': ['10.77.0.0/16'] }, { 'lease.address': ['10.77.1.1'] }, true],
  [
    'a pattern inside a network is not looked at',
    { 'lease.address': ['10.0.0.0/8'] },
    { 'lease.address': ['10.*'] },
    false,
  ],
  ['every address', { 'lease.address': ['*'] }, { 'lease.address': ['10.77.0.0/16'] }, true],
])('a rule is behind one that takes all it takes: %s', (_, general, specific, expected) => {
  expect(conditionsInclude(when(general), when(specific))).toBe(expected)
})
