/** The library: which ISOs there are, who installs them, and whether they are what was published. */
import type { LibraryView } from '../../schema/iso.ts'
import type { IsoView } from '../../schema/iso.ts'
import { Age } from '../parts/age.tsx'
import { EmptyState } from '../parts/empty-state.tsx'
import { Loaded } from '../parts/loaded.tsx'
import { PageHead } from '../parts/page-head.tsx'
import { Problems } from '../parts/problems.tsx'
import { useResource } from '../parts/resource.ts'
import { SeverityMark } from '../parts/severity-mark.tsx'
import { type Column, Table } from '../parts/table.tsx'
import { Words } from '../parts/words.tsx'
import { toast } from '../parts/toasts.tsx'
import { WorkProgress } from '../parts/work-progress.tsx'
import { works } from '../store/live.ts'
import { runningIn } from '../store/work.ts'
import { canOrder, post } from '../wire/api.ts'
import { checksumInWords, preparedInWords } from '../words/iso-words.ts'
import { bytes, counted } from '../words/quantities.ts'

const STATE_WORDS: Record<IsoView['state'], string> = {
  usable: 'can be installed',
  growing: 'is being copied',
  unusable: 'is not served',
}

function State({ state, problems }: IsoView) {
  const severity =
    state === 'growing' ? 'info' : state === 'unusable' ? 'error' : problems.length > 0 ? 'warning' : 'ok'
  return <SeverityMark severity={severity}>{STATE_WORDS[state]}</SeverityMark>
}

function Name({ file, facts }: IsoView) {
  const prepared = preparedInWords(facts?.prepared)
  return (
    <>
      <strong>{facts ? `${facts.productLong} ${facts.release}-${facts.spin}` : file}</strong>
      {facts && <div class="mono dim">{file}</div>}
      {facts && !facts.autoInstall && <div>has no automated installer</div>}
      {prepared && <div class="dim">{prepared}</div>}
    </>
  )
}

async function order(path: string): Promise<void> {
  const answer = await post(path, undefined)
  if (!answer.ok) toast(answer.problem.message, { isBad: true })
}

function Verifying({ file }: { file: string }) {
  const heard = runningIn(works.value, `verify:${file}`)
  if (!heard) return null
  return (
    <>
      <WorkProgress heard={heard} label={`Verifying ${file}`} />
      {canOrder() && (
        <button
          type="button"
          class="small"
          aria-label={`Cancel: verifying ${file}`}
          onClick={() => void order(`/api/v1/work/${encodeURIComponent(heard.work.id)}/cancel`)}
        >
          Cancel
        </button>
      )}
    </>
  )
}

function Checksum({ file, facts, checksum }: IsoView) {
  if (runningIn(works.value, `verify:${file}`)) return <Verifying file={file} />
  const { severity, ...words } = checksumInWords(checksum)
  return (
    <>
      <SeverityMark severity={severity}>{words.state}</SeverityMark> <Words text={words.why} />
      {checksum && (
        <span class="dim">
          , <Age at={checksum.at} suffix=" ago" />
        </span>
      )}
      {facts && canOrder() && (
        <div>
          <button
            type="button"
            class="small"
            aria-label={`${checksum ? 'Verify again' : 'Verify'}: ${file}`}
            onClick={() => void order(`/api/v1/isos/${encodeURIComponent(file)}/verify`)}
          >
            {checksum ? 'Verify again' : 'Verify'}
          </button>
        </div>
      )}
    </>
  )
}

const COLUMNS: Column<IsoView>[] = [
  { title: 'ISO', cell: iso => <Name {...iso} /> },
  {
    title: 'State',
    cell: iso => <State {...iso} />,
  },
  { title: 'For', cell: ({ facts }) => facts?.architecture ?? <span class="dim">not known</span> },
  { title: 'Size', isNumber: true, cell: ({ bytes: count }) => bytes(count) },
  {
    title: 'Memory needed',
    isNumber: true,
    cell: ({ facts }) =>
      facts ? `${facts.initrd.unpackedBytes === undefined ? 'about ' : ''}${bytes(facts.memoryBytes)}` : '',
  },
  {
    title: 'Installed by',
    cell: ({ profiles }) => (profiles.length > 0 ? profiles.join(', ') : <span class="dim">no profile</span>),
  },
  { title: 'Checksum', cell: iso => <Checksum {...iso} /> },
]

function Library({ library: { folder, isos, problems } }: { library: LibraryView }) {
  if (isos.length === 0)
    return (
      <>
        <Problems problems={problems} />
        <EmptyState title="No ISOs yet">
          <p>
            Copy an ISO of Proxmox VE, Backup Server, Mail Gateway or Datacenter Manager into <code>{folder}</code>, as
            it is published. It appears here within half a minute.
          </p>
        </EmptyState>
      </>
    )
  return (
    <>
      <p class="dim">
        {counted(isos.length, 'file')} in <code>{folder}</code>. A machine holds the whole ISO in memory while it
        installs, so it needs as much as is said here.
      </p>
      <Problems problems={[...problems, ...isos.flatMap(iso => iso.problems)]} />
      <Table caption="ISOs" columns={COLUMNS} rows={isos} keyOf={({ file }) => file} />
      <p class="dim">
        Verifying compares an ISO with the <code>SHA256SUMS</code> beside it, and that list with its signature. It reads
        the whole file, in small pieces, while machines are served; so does <code>rackrise iso verify</code>.
      </p>
    </>
  )
}

export function IsosView() {
  const library = useResource<LibraryView>('/api/v1/isos', 'isos')
  return (
    <section class="view">
      <PageHead title="ISOs" />
      <Loaded resource={library}>{value => <Library library={value} />}</Loaded>
    </section>
  )
}
