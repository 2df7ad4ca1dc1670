import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import {
  COUNTRIES,
  KEYBOARDS,
  suggestCountry,
  suggestKeyboard,
  suggestTimeZone,
  TIME_ZONES,
} from '../../services/answer/locale.ts'
import { packageVersion, readCountries, readTimeZones } from './make-places.ts'

function dataOf(file: string): Record<string, unknown> {
  return JSON.parse(readFileSync(new URL(`../../services/answer/data/${file}`, import.meta.url), 'utf8')) as Record<
    string,
    unknown
  >
}

describe('data with a source', () => {
  test('as many as the installer has', () => {
    expect([COUNTRIES.size, TIME_ZONES.size, KEYBOARDS.length]).toEqual([249, 419, 25])
  })

  // Other versions of the packages have other names: what is compared is what was made from the installed ones.
  test.each([
    ['countries.json', 'iso-codes', readCountries],
    ['time-zones.json', 'tzdata', readTimeZones],
  ])('%s is what Debian’s %s says, where that version is installed', (file, name, read) => {
    const kept = dataOf(file)
    const version = packageVersion(name)
    const isSame = version !== undefined && String(kept['source']).includes(` ${version}:`)
    expect(isSame ? read() : kept).toEqual(kept)
  })

  test('every alias leads to a name, and is none', () => {
    const zones = Object.entries(dataOf('time-zones.json')['aliases'] as Record<string, string>)
    const layouts = Object.entries(dataOf('keyboards.json')['aliases'] as Record<string, string>)
    expect(zones.filter(([alias, name]) => TIME_ZONES.has(alias) || !TIME_ZONES.has(name))).toEqual([])
    expect(layouts.filter(([alias, name]) => KEYBOARDS.includes(alias) || !KEYBOARDS.includes(name))).toEqual([])
  })
})

test.each([
  ['Etc/UTC', 'UTC'],
  ['GMT', 'UTC'],
  ['US/Eastern', 'America/New_York'],
  ['Asia/Calcutta', 'Asia/Kolkata'],
  ['Europe/Kiev', 'Europe/Kyiv'],
  ['europe/vienna', 'Europe/Vienna'],
  ['Vienna', 'Europe/Vienna'],
  ['New York', 'America/New_York'],
  ['Europe/Viena', 'Europe/Vienna'],
  ['constructor', undefined],
  ['somewhere', undefined],
])('the time zone %j was meant as %j', (written, meant) => {
  expect(suggestTimeZone(written)).toBe(meant)
})

test.each([
  ['AT', 'at'],
  ['uk', 'gb'],
  ['Austria', 'at'],
  ['Narnia', undefined],
])('the country %j was meant as %j', (written, meant) => {
  expect(suggestCountry(written)).toBe(meant)
})

test.each([
  ['us', 'en-us'],
  ['EN_US', 'en-us'],
  ['ch', 'de-ch'],
  ['uk', 'en-gb'],
  ['toString', undefined],
])('the keyboard %j was meant as %j', (written, meant) => {
  expect(suggestKeyboard(written)).toBe(meant)
})
