import { describe, expect, test } from 'vitest'
import { planInWords, ruleInWords } from '../../../services/console/page/words/explain-words.ts'
import { systemLink } from '../../../services/console/page/words/system-link.ts'
import { NOW } from './machines.ts'

describe('a rule', () => {
  test.each([
    ['takes it', { outcome: 'taken' }, 'takes it'],
    ['comes too late', { outcome: 'earlier' }, 'fits, but something before it comes first'],
    [
      'asks for what is not told yet',
      {
        outcome: 'lost',
        lost: { condition: 'dmi.system.name = "R6515"', because: 'not-told', seen: [], told: 'answer' },
      },
      'dmi.system.name = "R6515": it has not told that yet; it does when its installer asks',
    ],
    [
      'asks for another value',
      { outcome: 'lost', lost: { condition: 'serial = "A*"', because: 'differs', seen: ['B1', 'B2'], told: 'boot' } },
      'serial = "A*": it told B1, B2',
    ],
    [
      'excludes it',
      { outcome: 'lost', lost: { condition: 'serial != "B*"', because: 'excluded', seen: ['B1'], told: 'boot' } },
      'serial != "B*": it is excluded by B1',
    ],
  ] as const)('%s', (_, rule, words) => expect(ruleInWords(rule as never)).toBe(words))
})

test('a plan says what it boots, and why', () => {
  expect(planInWords({ boots: 'disk', why: 'nobody approved it' })).toBe(
    'At its next network boot it gets its own disk: nobody approved it',
  )
})

describe('an installed system', () => {
  const at = (address: string, product?: string) => ({
    installed: { at: NOW, inferred: false, address, ...(product ? { product } : {}) },
  })

  test.each([
    ['10.77.0.11', 'Proxmox VE 9.2', 'https://10.77.0.11:8006/'],
    ['10.77.0.11', 'pbs 4.1', 'https://10.77.0.11:8007/'],
    ['node1.rack.test', 'Proxmox Datacenter Manager 1.1', 'https://node1.rack.test:8443/'],
    ['10.77.0.11', undefined, 'https://10.77.0.11:8006/'],
  ])('at %s with %s is reached by %s', (address, product, url) =>
    expect(systemLink(at(address, product))?.url).toBe(url),
  )

  test.each([
    'evil.test/@10.77.0.11',
    'javascript:alert(1)',
    '10.77.0.11:22/x',
    'a b',
    '<b>',
    '',
    '-x',
    'x'.repeat(300),
  ])('that calls itself %j is no link', address => expect(systemLink(at(address))).toBeUndefined())

  test('what was written down for good comes first', () => {
    const staticAddress = { address: '10.77.0.11', nic: 'bc:24:11:00:00:01', since: NOW }
    expect(systemLink({ ...at('10.77.0.99'), staticAddress })?.ssh).toBe('ssh root@10.77.0.11')
  })

  test('a machine that is not installed has none', () => expect(systemLink({ address: '10.77.0.11' })).toBeUndefined())
})
