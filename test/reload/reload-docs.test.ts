/** What the manual says of reloads, compared with the code. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { SETTINGS } from '../../services/site/settings.ts'

test('the manual names every key that needs a restart', () => {
  const page = readFileSync(new URL('../../docs/reload.md', import.meta.url), 'utf8')
  const line = /^These need a restart, and refuse the file: (.*)\.$/m.exec(page)?.[1] ?? ''
  const fixed = SETTINGS.filter(({ needsRestart }) => needsRestart).map(({ key }) => `\`${key}\``)
  expect(line).toBe(fixed.join(', '))
})
