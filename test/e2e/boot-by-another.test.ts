/** Mode `off`: another DHCP server says what to boot, configured as the manual has it. */
import { expect, test } from 'vitest'
import { untilDiskBooted } from '../../services/lab/qemu/life.ts'
import { PAGES } from '../docs/manual.ts'
import { LIFE_LIMIT_MS, oneOfEach, stateOf, timelineOf, withLab } from './rig.ts'

const PAGE = PAGES.find(({ path }) => path === 'docs/how-to/proxy.md')!
const config = PAGE.fences
  .find(({ text }) => text.includes('dhcp-boot='))!
  .text.trim()
  .split('\n')

test('BIOS and UEFI machines install themselves by the lines of the manual', {
  timeout: 2 * LIFE_LIMIT_MS,
}, async () => {
  await withLab({ machines: oneOfEach(), otherServer: { config } }, async ({ lab, start, machines }) => {
    const ends = await Promise.all(
      machines.map(async ({ name }) => {
        const { outcome } = await untilDiskBooted(await start(name), { limitMs: LIFE_LIMIT_MS })
        return [outcome, await stateOf(lab, name)]
      }),
    )
    expect(ends).toEqual(machines.map(() => ['installed', 'installed']))
    for (const { name } of machines) {
      const texts = (await timelineOf(lab, name)).map(({ source, text }) => `${source} ${text}`)
      // By DHCP nothing was said to anybody.
      expect(texts.filter(text => text.startsWith('dhcp'))).toEqual([])
      expect(texts.findLast(text => text.startsWith('http'))).toContain('told it to boot its local disk')
    }
  })
})
