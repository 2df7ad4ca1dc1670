/** What editors know of the site file, compared with what the loader does. */
import { Ajv2020 } from 'ajv/dist/2020.js'
import { parse } from 'smol-toml'
import { expect, test } from 'vitest'
import { EXAMPLE_SITES } from './example-sites.ts'
import { siteSchemaText } from './site-schema.ts'
import { RIGHT, WITH_PROFILE } from './sites.ts'

const isRight = new Ajv2020({ strict: false }).compile(JSON.parse(siteSchemaText()) as object)

function faultsOf(source: string): string[] {
  if (isRight(parse(source))) return []
  return (isRight.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`)
}

test.each(EXAMPLE_SITES)('$name is right by the schema', ({ source }) => {
  expect(faultsOf(source)).toEqual([])
})

test.each([
  ['an unknown key', `${RIGHT}[log]\nlevle = "info"\n`, ['/log must NOT have additional properties']],
  ['a missing key', RIGHT.replace('domain = "rack.test"', ''), ["/site must have required property 'domain'"]],
  ['a number for a word', `${RIGHT}[boot]\nstall-after = 20\n`, ['/boot/stall-after must be string']],
  [
    'a word that is no choice',
    RIGHT.replace('[[dhcp.subnet]]', '[dhcp]\nmode = "sever"\n[[dhcp.subnet]]'),
    ['/dhcp/mode must be equal to one of the allowed values'],
  ],
  ['a newer file', `version = 2\n${RIGHT}`, ['/version must be <= 1']],
  [
    'a rule without a pattern',
    `${WITH_PROFILE}[[rule]]\nprofile = "pve"\nwhen = { mac = [] }\n`,
    [
      '/rule/0/when/mac must be string',
      '/rule/0/when/mac must NOT have fewer than 1 items',
      '/rule/0/when/mac must match a schema in anyOf',
    ],
  ],
])('%s is wrong by the schema', (_, source, faults) => {
  expect(faultsOf(source)).toEqual(faults)
})
