/** The manual's sessions are what the commands say: they are carried out, and compared but for times, ids and sizes. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { MANUAL } from '../docs/manual.ts'
import { ROOT } from '../presubmit/source.ts'
import { Bench, normalised, playSession, readSession, writeSession } from './terminal-session.ts'

/** Set to a page, or to 1 for all of them, to write it anew with what is said now. */
const RECORD = process.env['RACKRISE_RECORD_SESSION'] ?? ''
const PAGES = MANUAL.filter(({ fences }) => fences.some(({ language }) => language === 'console')).map(
  ({ path }) => path,
)
const isWanted = (path: string): boolean => RECORD === '' || RECORD === '1' || RECORD === path

test.each(PAGES.filter(isWanted))('%s can be typed', { timeout: 240_000 }, async path => {
  const file = join(ROOT, path)
  const page = readFileSync(file, 'utf8')
  const steps = readSession(page)
  expect(writeSession(steps)).toBe(page)
  const folder = mkdtempSync(join(tmpdir(), 'rackrise-session-'))
  const bench = await Bench.open(folder)
  try {
    const played = await playSession(steps, bench)
    if (RECORD !== '') writeFileSync(file, writeSession(played))
    else expect(normalised(writeSession(played))).toBe(normalised(page))
  } finally {
    await bench.close()
    rmSync(folder, { recursive: true })
  }
})
