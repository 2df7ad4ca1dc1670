/**
 * What was found out about ISOs at some cost, kept in the state folder: one small file for each fact, so that the
 * appliance and the command line never write over each other. A note counts only for the very file that it is about.
 */
import { chown, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { Instant } from '../kit/clock.ts'
import type { Identity } from './identity.ts'
import { isSame } from './identity.ts'
import { verificationShape } from './verification.ts'

const FOLDER = 'isos'
const PRIVATE_FOLDER = 0o700
const PRIVATE_FILE = 0o600
const MOST_BYTES = 16 * 1024

const SHAPES = {
  checksum: verificationShape,
  /** The initrd's size unpacked, in bytes. */
  initrd: z.object({ unpackedBytes: z.number().int().nonnegative() }),
}

export type NoteKind = keyof typeof SHAPES
export type Note<Kind extends NoteKind> = z.infer<(typeof SHAPES)[Kind]>

const fileShape = z.object({ size: z.number(), changedAt: z.number(), inode: z.number(), note: z.unknown() })

/** Reads and writes notes by the name of a file in the library, which has no slash. */
export interface Notes {
  /** Undefined without a note, with one about another file of that name, and with one that cannot be read. */
  recall<Kind extends NoteKind>(kind: Kind, file: string, about: Identity): Promise<Note<Kind> | undefined>
  /** Rejects when it cannot be written. */
  keep<Kind extends NoteKind>(kind: Kind, file: string, about: Identity, note: Note<Kind>): Promise<void>
}

async function readText(path: string): Promise<string> {
  const file = await open(path)
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(MOST_BYTES), 0, MOST_BYTES, 0)
    return buffer.toString('utf8', 0, bytesRead)
  } finally {
    await file.close()
  }
}

/** Under another name first, so that a reader sees all or nothing; the file belongs to whom the state belongs, also where root writes it. */
async function writeWhole(state: string, path: string, text: string): Promise<void> {
  const { uid, gid } = await stat(state)
  const isRoot = process.getuid?.() === 0
  await mkdir(join(state, FOLDER), { mode: PRIVATE_FOLDER, recursive: true })
  if (isRoot) await chown(join(state, FOLDER), uid, gid)
  const partial = `${path}.${process.pid}.new`
  const file = await open(partial, 'w', PRIVATE_FILE)
  try {
    await file.writeFile(text)
    if (isRoot) await file.chown(uid, gid)
  } finally {
    await file.close()
  }
  await rename(partial, path)
}

/** @param state the state folder; made with the first note if it is not there */
export function notesIn(state: string): Notes {
  const pathOf = (kind: NoteKind, file: string): string => join(state, FOLDER, `${file}.${kind}.json`)
  return {
    async recall(kind, file, about) {
      try {
        const { note, ...kept } = fileShape.parse(JSON.parse(await readText(pathOf(kind, file))))
        return isSame(kept, about) ? (SHAPES[kind].parse(note) as Note<typeof kind>) : undefined
      } catch {
        // None yet, or damaged: it is found out again.
        return undefined
      }
    },
    async keep(kind, file, { size, changedAt, inode }, note) {
      await mkdir(state, { mode: PRIVATE_FOLDER, recursive: true })
      await writeWhole(state, pathOf(kind, file), `${JSON.stringify({ size, changedAt, inode, note })}\n`)
    },
  }
}

/**
 * Removes notes that were written before that instant about files that are gone: a library that is just not mounted is there again tomorrow.
 * Resolves with how many. @param present the files of the library
 */
async function pruneNotes(state: string, present: readonly string[], before: Instant): Promise<number> {
  const folder = join(state, FOLDER)
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  const kept = new Set(present.flatMap(file => Object.keys(SHAPES).map(kind => `${file}.${kind}.json`)))
  let gone = 0
  for (const name of names.filter(one => !kept.has(one))) {
    const path = join(folder, name)
    if ((await stat(path)).mtimeMs >= before) continue
    await rm(path)
    gone += 1
  }
  return gone
}

/** What grows old among them. */
export function staleNotes(library: { files(): { file: string }[] }, state: string) {
  const prune = (before: Instant): Promise<number> =>
    pruneNotes(
      state,
      library.files().map(({ file }) => file),
      before,
    )
  return { what: 'notes of ISOs that are gone', prune }
}

/** For who keeps nothing. */
export function notesInMemory(): Notes {
  const kept = new Map<string, Identity & { note: unknown }>()
  return {
    async recall(kind, file, about) {
      const found = kept.get(`${kind} ${file}`)
      return found && isSame(found, about) ? (found.note as Note<typeof kind>) : undefined
    },
    async keep(kind, file, { size, changedAt, inode }, note) {
      kept.set(`${kind} ${file}`, { size, changedAt, inode, note })
    },
  }
}
