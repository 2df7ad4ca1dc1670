/** The files that a site names: which there are, and what their state on disk says (M05). Pure; `load.ts` looks at the disk. */
import { posix } from 'node:path'
import { doubtful, shown, wrong, type Finding, type Path } from './finding.ts'
import type { Draft } from './schema.ts'

export type NamedFile = {
  path: Path
  /** Absolute. */
  file: string
  /** Holds what nobody else may read. */
  isSecret: boolean
  /** What happens if it is not there, where that is fine. */
  absence?: string
}

/** `mode` holds the permission bits, `uid` whose it is; an error code is that of the operating system. */
export type FileState = { isFile: boolean; mode: number; size: number; uid: number } | { error: string }

/** Whose secrets may be, and the folder that shows it to a person: it is the appliance's own. */
export type Keepers = { uids: readonly number[]; stateFolder: string }

export function namedFiles(draft: Draft, base: string): NamedFile[] {
  const rows: [string | undefined, Path, Omit<NamedFile, 'path' | 'file'>][] = [
    [draft.http['certificate-file'], ['http', 'certificate-file'], { isSecret: false }],
    [draft.http['key-file'], ['http', 'key-file'], { isSecret: true }],
    [draft.http['answer-token-file'], ['http', 'answer-token-file'], { isSecret: true }],
    ...draft.webhook.flatMap((webhook, at): typeof rows => [
      [webhook['secret-file'], ['webhook', at, 'secret-file'], { isSecret: true }],
      [webhook['ca-file'], ['webhook', at, 'ca-file'], { isSecret: false }],
    ]),
    [
      draft.console['users-file'],
      ['console', 'users-file'],
      { isSecret: true, absence: '`rackrise user add` makes it; until then `rackrise console link` is the way in' },
    ],
  ]
  return rows.flatMap(([written, path, rest]) =>
    written ? [{ path, file: posix.resolve(base, written), ...rest }] : [],
  )
}

const BY_OTHERS = 0o066

/** Without `keepers` any owner is fine. */
export function judgeFile(
  { path, file, isSecret, absence }: NamedFile,
  state: FileState,
  keepers?: Keepers,
): Finding[] {
  if ('error' in state) {
    if (state.error === 'ENOENT' && absence) return [doubtful(path, `${shown(file)} does not exist`, absence)]
    const message =
      state.error === 'ENOENT' ? `${shown(file)} does not exist` : `${shown(file)} cannot be read (${state.error})`
    return [wrong('file-missing', path, message, 'make it, or correct the path')]
  }
  if (!state.isFile) return [wrong('file-missing', path, `${shown(file)} is not a file`, 'name a regular file')]
  if (isSecret && (state.mode & BY_OTHERS) !== 0) {
    const mode = (state.mode & 0o777).toString(8).padStart(4, '0')
    const message = `${shown(file)} holds a secret and has mode ${mode}`
    return [wrong('file-open', path, message, `take it away from group and others: chmod 600 ${shown(file)}`)]
  }
  if (isSecret && keepers && !keepers.uids.includes(state.uid)) {
    const message = `${shown(file)} holds a secret and belongs to user ${state.uid}, who may replace it`
    const command = `chown --reference=${shown(keepers.stateFolder)} ${shown(file)}`
    return [wrong('file-open', path, message, `give it to the user that the appliance runs as: ${command}`)]
  }
  return state.size === 0
    ? [wrong('file-missing', path, `${shown(file)} is empty`, 'write it, or take the key out')]
    : []
}
