import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { EnvironmentProblem } from '../../services/kit/problem.ts'
import { backUp, restore } from '../../services/store/backup.ts'
import { loadKey } from '../../services/store/key.ts'
import { openStore } from '../../services/store/store.ts'

const NOW = new Date(Date.UTC(2026, 10, 26, 8))

let folder: string
let state: string
let backup: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rackrise-backup-'))
  state = join(folder, 'state')
  backup = join(folder, 'rack.backup')
  await append('sighted')
  await loadKey(state)
})
afterEach(() => rm(folder, { recursive: true }))

async function append(...types: string[]): Promise<void> {
  const store = await openStore(state)
  for (const type of types) await store.events.append({ machine: 'm', at: 1, source: 'dhcp', type, body: '{}' })
  await store.close()
}

async function typesIn(from = state): Promise<string[]> {
  const store = await openStore(from)
  const types = (await store.events.page(0, 1000)).map(({ type }) => type)
  await store.close()
  return types
}

const modeOf = async (path: string): Promise<string> => ((await stat(path)).mode & 0o777).toString(8)

describe('a backup', () => {
  test('is private, and brings back database, key and their modes', async () => {
    const key = await readFile(join(state, 'secret.key'))
    expect(await backUp(state, backup, NOW)).toMatchObject({ files: ['secret.key'], events: 1, leases: 0 })
    expect(await modeOf(backup)).toBe('600')
    await append('later')
    await writeFile(join(state, 'secret.key'), Buffer.alloc(32, 1))

    const restored = await restore(backup, state, NOW)
    expect(restored).toEqual({
      files: ['secret.key'],
      events: 1,
      leases: 0,
      madeAt: NOW.getTime(),
      setAside: join(state, 'before-restore-2026-11-26T08-00-00-000Z'),
    })
    expect(await typesIn()).toEqual(['sighted'])
    expect(await readFile(join(state, 'secret.key'))).toEqual(key)
    expect(await modeOf(join(state, 'secret.key'))).toBe('600')
    expect(await modeOf(join(state, 'state.sqlite'))).toBe('600')
    expect(await typesIn(restored.setAside)).toEqual(['sighted', 'later'])
  })

  test('goes to a new machine, into a folder that is not there yet', async () => {
    await backUp(state, backup, NOW)
    await rm(state, { recursive: true })
    expect(await restore(backup, state, NOW)).toEqual({
      ...{ files: ['secret.key'], events: 1, leases: 0, madeAt: NOW.getTime() },
    })
    expect(await modeOf(state)).toBe('700')
    expect((await readdir(state)).toSorted()).toEqual(['secret.key', 'state.sqlite'])
  })

  test('tells how far it is, up to the whole', async () => {
    const db = new DatabaseSync(join(state, 'state.sqlite'))
    db.exec('create table ballast (a)')
    const insert = db.prepare('insert into ballast values (randomblob(1000000))')
    for (let row = 0; row < 60; row++) insert.run()
    db.close()
    const told: [number, number][] = []
    const { bytes } = await backUp(state, backup, NOW, (done, total) => told.push([done, total]))
    expect(told.length).toBeGreaterThan(0)
    expect(told.every(([done, total]) => done <= total && Math.abs(total - bytes) < bytes / 10)).toBe(true)
    expect(told.map(([done]) => done)).toEqual(told.map(([done]) => done).toSorted((a, b) => a - b))
    const steps: string[] = []
    await restore(backup, state, NOW, { onStep: ({ doing }) => steps.push(doing) })
    expect([...new Set(steps)].filter(doing => doing !== 'copying')).toEqual([
      'checking',
      'bringing up to date',
      'replacing',
    ])
  })

  test('of a folder without a state is none, and leaves no file', async () => {
    await expect(backUp(join(folder, 'nothing'), backup, NOW)).rejects.toThrow(EnvironmentProblem)
    expect(await readdir(folder)).toEqual(['state'])
  })

  test('is of one instant while somebody writes', async () => {
    const store = await openStore(state)
    let isDone = false
    const writing = (async () => {
      for (let at = 0; !isDone; at++) {
        // Two that belong together, in one turn and so in one commit.
        const pair = ['a', 'b'].map(type => ({ machine: 'm', at, source: 'dhcp', type, body: '{}' }))
        await Promise.all(pair.map(event => store.events.append(event)))
      }
    })()
    for (let copy = 0; copy < 5; copy++) await backUp(state, `${backup}${copy}`, NOW)
    isDone = true
    await writing
    await store.close()
    for (let copy = 0; copy < 5; copy++) {
      const db = new DatabaseSync(`${backup}${copy}`, { readOnly: true })
      expect(db.prepare("SELECT at FROM event WHERE type <> 'sighted' GROUP BY at HAVING count(*) <> 2").all()).toEqual(
        [],
      )
      db.close()
    }
  })
})

describe('T16 what holds machines back', () => {
  const LATER = new Date(NOW.getTime() + 3_600_000)
  const restored = { machine: 'm', at: LATER.getTime(), source: 'operator', type: 'restored', body: '{}' }
  const tablesIn = (path: string): unknown[] => {
    const db = new DatabaseSync(path, { readOnly: true })
    const rows = db.prepare("SELECT name FROM sqlite_schema WHERE name LIKE 'backup%'").all()
    db.close()
    return rows
  }
  const restorationIn = async (): Promise<unknown> => {
    const store = await openStore(state)
    const restoration = await store.events.restoration()
    await store.close()
    return restoration
  }

  test('is in the state before that is in its place, with when the backup was made', async () => {
    await backUp(state, backup, NOW)
    const seen: unknown[] = []
    await restore(backup, state, LATER, {
      holdBack: ({ events }, restoration) => {
        seen.push(
          [...events(0)].map(({ type }) => type),
          restoration,
        )
        return [restored]
      },
      onStep: ({ doing }) => doing === 'replacing' && seen.push(existsSync(join(state, 'restore.new', 'state.sqlite'))),
    })
    expect(seen).toEqual([['sighted'], { at: LATER.getTime(), backupOf: NOW.getTime() }, true])
    expect(await typesIn()).toEqual(['sighted', 'restored'])
    expect(await restorationIn()).toEqual({ at: LATER.getTime(), backupOf: NOW.getTime() })
    expect(tablesIn(join(state, 'state.sqlite'))).toEqual([])
  })

  test('cannot be written: then nothing is restored', async () => {
    await backUp(state, backup, NOW)
    await append('later')
    const holdBack = () => {
      throw new Error('no')
    }
    await expect(restore(backup, state, LATER, { holdBack })).rejects.toThrow(/can't restore .*: no/)
    expect(await typesIn()).toEqual(['sighted', 'later'])
    expect(await restorationIn()).toBeUndefined()
  })

  test.each([
    ['checking', ['sighted', 'later']],
    ['bringing up to date', ['sighted', 'later']],
    ['holding back', ['sighted', 'later']],
    ['replacing', ['sighted', 'later']],
    ['done', ['sighted', 'restored']],
  ])('is there or nothing is restored, when the process is killed at: %s', async (moment, types) => {
    await backUp(state, backup, NOW)
    await append('later')
    const dies = `import { restore } from ${JSON.stringify(join(import.meta.dirname, '../../services/store/backup.ts'))}
      const at = moment => moment === ${JSON.stringify(moment)} && process.kill(process.pid, 'SIGKILL')
      const holdBack = () => (at('holding back'), [${JSON.stringify(restored)}])
      const options = { onStep: ({ doing }) => at(doing), holdBack }
      await restore(${JSON.stringify(backup)}, ${JSON.stringify(state)}, new Date(${LATER.getTime()}), options)
      at('done')`
    await writeFile(join(folder, 'dies.mjs'), dies)
    const child = spawn(process.execPath, [join(folder, 'dies.mjs')], { stdio: 'inherit' })
    expect(await once(child, 'exit')).toEqual([null, 'SIGKILL'])
    expect(await typesIn()).toEqual(types)
    await restore(backup, state, new Date(LATER.getTime() + 1), { holdBack: () => [restored] })
    expect(await typesIn()).toEqual(['sighted', 'restored'])
  })

  test('is all or nothing', async () => {
    await backUp(state, backup, NOW)
    const holdBack = () => [restored, { ...restored, machine: null as never }]
    await expect(restore(backup, state, LATER, { holdBack })).rejects.toThrow(/NOT NULL/)
    expect(await typesIn()).toEqual(['sighted'])
  })

  test('is not there without it; a backup of a state that has it, has it', async () => {
    await backUp(state, backup, NOW)
    await restore(backup, state, NOW)
    expect(await restorationIn()).toBeUndefined()
    await restore(backup, state, LATER, { holdBack: () => [] })
    await backUp(state, `${backup}2`, LATER)
    await restore(`${backup}2`, state, new Date(LATER.getTime() + 1))
    expect(await restorationIn()).toEqual({ at: LATER.getTime(), backupOf: NOW.getTime() })
  })

  test('of a backup that does not say when it was made, its last event does', async () => {
    await backUp(state, backup, NOW)
    const db = new DatabaseSync(backup)
    db.exec('DROP TABLE backup_made')
    db.close()
    expect((await restore(backup, state, LATER)).madeAt).toBe(1)
  })
})

test('a restore that was cut off in the middle is done again before anything else happens', async () => {
  await backUp(state, backup, NOW)
  await writeFile(join(state, 'restore.unfinished'), '')
  const refused = /a restore into .* was cut off, so that parts of two states are there/
  await expect(openStore(state)).rejects.toThrow(refused)
  await expect(backUp(state, join(folder, 'other.backup'), NOW)).rejects.toThrow(refused)
  const { setAside } = await restore(backup, state, NOW)
  expect(await readdir(setAside!)).not.toContain('restore.unfinished')
  expect(await readdir(state)).not.toContain('restore.unfinished')
  expect(await typesIn()).toEqual(['sighted'])
})

describe('what is no backup changes nothing', () => {
  const spoil: Record<string, () => Promise<void>> = {
    'a text': () => writeFile(backup, 'not a database at all, but long enough to be looked at'),
    'a backup that was cut': () => truncate(backup, 9000),
    'a backup with a flipped page': async () => {
      const bytes = await readFile(backup)
      await writeFile(backup, bytes.fill(0xaa, 4096, 8192))
    },
    'a database of something else': async () => {
      await rm(backup)
      const db = new DatabaseSync(backup)
      db.exec('CREATE TABLE other (a)')
      db.close()
    },
    'a backup of a newer version': async () => {
      const db = new DatabaseSync(backup)
      db.exec("INSERT INTO kysely_migration VALUES ('9999-later', '2030-01-01')")
      db.close()
    },
    'a file with a path in its name': async () => {
      const db = new DatabaseSync(backup)
      db.exec("UPDATE backup_file SET name = '..'")
      db.close()
    },
    nothing: () => rm(backup),
  }
  test.each(Object.keys(spoil))('%s', async name => {
    await backUp(state, backup, NOW)
    await spoil[name]!()
    const before = (await readdir(state)).toSorted()
    await expect(restore(backup, state, NOW)).rejects.toThrow(EnvironmentProblem)
    expect((await readdir(state)).toSorted()).toEqual(before)
    expect(await typesIn()).toEqual(['sighted'])
  })

  test('a name that points elsewhere stays in the folder', async () => {
    await backUp(state, backup, NOW)
    const db = new DatabaseSync(backup)
    db.exec("UPDATE backup_file SET name = '../../escaped'")
    db.close()
    await restore(backup, state, NOW)
    expect(await readdir(folder)).not.toContain('escaped')
    expect(await readdir(state)).toContain('escaped')
  })
})
