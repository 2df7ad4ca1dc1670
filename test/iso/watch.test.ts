import { mkdir, mkdtemp, rename, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { IsoCatalogue, openCatalogue } from '../../services/iso/catalogue.ts'
import { type FolderWatch, LibraryWatch } from '../../services/iso/watch.ts'
import { systemClock } from '../../services/kit/clock.ts'
import { silentLog } from '../../services/kit/log.ts'
import { FakeClock } from '../fake/clock.ts'
import { proxmoxImage } from './small-image.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rackrise-watch-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

/** A folder that is watched by hand, over a real one. */
class FakeWatch implements FolderWatch {
  identity: number | undefined = 1
  opened: string[] = []
  closed = 0
  change: () => void = () => {}
  open(path: string, onChange: () => void): () => void {
    this.opened.push(path)
    this.change = onChange
    return () => {
      this.closed += 1
    }
  }
  async identify(): Promise<number | undefined> {
    return this.identity
  }
}

async function rig() {
  const clock = new FakeClock()
  const catalogue = await openCatalogue(folder, silentLog, { clock })
  const rescan = vi.spyOn(catalogue, 'rescan')
  const watcher = new FakeWatch()
  const failures: unknown[] = []
  const library = new LibraryWatch(catalogue, clock, error => failures.push(error), watcher)
  /** Moves time, then lets the look that began come to its end. */
  const after = async (ms: number): Promise<number> => {
    clock.advance(ms)
    await vi.waitFor(() => expect(clock.pendingTimers).toBe(1))
    return rescan.mock.calls.length
  }
  library.start()
  await after(0)
  return { clock, catalogue, rescan, watcher, library, failures, after }
}

test('without news it looks every thirty seconds', async () => {
  const { library, after } = await rig()
  expect(await after(29_999)).toBe(1)
  expect(await after(1)).toBe(2)
  expect(await after(30_000)).toBe(3)
  await library.stop()
})

test('many changes are one look, a second later', async () => {
  const { library, watcher, after } = await rig()
  for (let index = 0; index < 100; index++) watcher.change()
  expect(await after(999)).toBe(1)
  // A copy that goes on does not put the look off.
  watcher.change()
  expect(await after(1)).toBe(2)
  await library.stop()
})

test('a file that is written to is looked at every second until it is left alone', async () => {
  const { library, catalogue, clock, watcher, after } = await rig()
  await writeFile(join(folder, 'a.iso'), proxmoxImage())
  await utimes(join(folder, 'a.iso'), clock.now() / 1000, clock.now() / 1000)
  watcher.change()
  expect(await after(1000)).toBe(2)
  expect(catalogue.entries()).toEqual([])
  expect(await after(1000)).toBe(3)
  expect(catalogue.entries()).toHaveLength(1)
  expect(await after(29_999)).toBe(3)
  await library.stop()
})

test('a folder that was replaced, or made late, is watched anew', async () => {
  const { library, watcher, after } = await rig()
  watcher.identity = undefined
  await after(30_000)
  expect([watcher.opened.length, watcher.closed]).toEqual([1, 1])
  watcher.identity = 2
  await after(30_000)
  expect(watcher.opened).toEqual([folder, folder])
  await library.stop()
  expect(watcher.closed).toBe(2)
})

test('a look that fails is told, and is not the last', async () => {
  const { library, rescan, failures, after } = await rig()
  rescan.mockRejectedValueOnce(new Error('planted'))
  await after(30_000)
  expect(failures).toEqual([new Error('planted')])
  expect(await after(30_000)).toBe(3)
  await library.stop()
})

test('after the stop nothing is looked at any more', async () => {
  const { library, clock, watcher, rescan } = await rig()
  await library.stop()
  watcher.change()
  clock.advance(120_000)
  expect([rescan.mock.calls.length, clock.pendingTimers]).toEqual([1, 0])
})

test('the kernel tells of files that come, go and are renamed', async () => {
  // Twenty seconds ahead, so that nothing has to settle.
  const catalogue = new IsoCatalogue(join(folder, 'isos'), silentLog, { clock: { now: () => Date.now() + 20_000 } })
  await mkdir(join(folder, 'isos'))
  const soon = { ...systemClock, after: (ms: number, run: () => void) => systemClock.after(ms / 100, run) }
  const library = new LibraryWatch(catalogue, soon, error => expect(error).toBeUndefined())
  const files = () => catalogue.entries().map(({ file }) => file)
  library.start()
  try {
    await writeFile(join(folder, 'isos', 'a.iso'), proxmoxImage())
    await vi.waitFor(() => expect(files()).toEqual(['a.iso']))
    await rename(join(folder, 'isos', 'a.iso'), join(folder, 'isos', 'b.iso'))
    await vi.waitFor(() => expect(files()).toEqual(['b.iso']))
    await rm(join(folder, 'isos', 'b.iso'))
    await vi.waitFor(() => expect(files()).toEqual([]))
  } finally {
    await library.stop()
  }
})
