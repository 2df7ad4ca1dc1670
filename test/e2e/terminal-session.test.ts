/** The manual's session is what the commands say: it is carried out, and compared but for times, ids and sizes. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Bench, normalised, playSession, readSession, writeSession } from './terminal-session.ts'

const PAGE = join(import.meta.dirname, '../../docs/terminal-session.md')
/** Set to write the page anew, with what is said now. */
const RECORD = process.env['RACKRISE_RECORD_SESSION'] === '1'

test('docs/terminal-session.md can be typed', { timeout: 120_000 }, async () => {
  const page = readFileSync(PAGE, 'utf8')
  const steps = readSession(page)
  expect(writeSession(steps)).toBe(page)
  const folder = mkdtempSync(join(tmpdir(), 'rackrise-session-'))
  const bench = await Bench.open(folder)
  try {
    const played = await playSession(steps, bench)
    if (RECORD) writeFileSync(PAGE, writeSession(played))
    else expect(normalised(writeSession(played))).toBe(normalised(page))
  } finally {
    await bench.close()
    rmSync(folder, { recursive: true })
  }
})
