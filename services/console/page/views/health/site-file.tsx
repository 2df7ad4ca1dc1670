/** The site file that is served: since when, by whom, what it changed; and the last one that was refused. */
import { useSignal } from '@preact/signals'
import type { SiteNewsView } from '../../../schema/reload.ts'
import { Age } from '../../parts/age.tsx'
import { Problems } from '../../parts/problems.tsx'
import { appliance, machines as fleet, siteNews } from '../../store/live.ts'
import { canOrder } from '../../wire/api.ts'
import { counted } from '../../words/quantities.ts'
import { countsInWords } from '../../words/site-words.ts'
import { ReloadDialog } from './reload-dialog.tsx'
import { ChangeLists, Installs } from './site-changes.tsx'

function Served() {
  const file = appliance.value?.siteFile
  if (!file) return null
  return (
    <p>
      {file.by === 'the start' ? 'Served since the appliance started' : `Loaded again by ${file.by}`},{' '}
      <Age key={file.at} at={file.at} suffix=" ago" />; SHA-256{' '}
      <code title={file.sha256}>{file.sha256.slice(0, 12)}…</code>
    </p>
  )
}

function LastLoaded({ news }: { news: Extract<SiteNewsView, { outcome: 'loaded' }> }) {
  const { counts, changes, machines, warnings } = news
  if (counts.changes + counts.machines + counts.warnings === 0) return null
  // Those that have booted since are told by their own state.
  const waiting = machines.filter(({ id }) => fleet.value.get(id)?.value.state === 'approved')
  return (
    <>
      <Installs machines={waiting} isDone />
      <details>
        <summary>What that changed: {countsInWords(counts)}</summary>
        <ChangeLists changes={changes} machines={machines} counts={counts} />
      </details>
      {warnings.length > 0 && (
        <details>
          <summary>{counted(counts.warnings, 'warning')}</summary>
          <Problems problems={warnings} />
        </details>
      )}
    </>
  )
}

function LastRefused({ news }: { news: Extract<SiteNewsView, { outcome: 'refused' }> }) {
  const { by, at, problems, counts } = news
  const rest = counts.problems - problems.length
  return (
    <>
      <p>
        <strong>{by} wanted it loaded again</strong> <Age key={at} at={at} suffix=" ago" />, and it is refused: the one
        of before is served on.
      </p>
      <Problems problems={problems} />
      {rest > 0 && (
        <p class="dim">
          and {rest} more: <code>rackrise check</code> has all
        </p>
      )}
    </>
  )
}

export function SiteFile() {
  const isAsking = useSignal(false)
  const news = siteNews.value
  return (
    <section aria-labelledby="site-file">
      <div class="section-head">
        <h2 id="site-file">Site file</h2>
        {canOrder() && (
          <button type="button" onClick={() => (isAsking.value = true)}>
            Load it again…
          </button>
        )}
      </div>
      <Served />
      {news?.outcome === 'loaded' && news.by !== 'the start' && <LastLoaded news={news} />}
      {news?.outcome === 'refused' && <LastRefused news={news} />}
      {isAsking.value && <ReloadDialog onClose={() => (isAsking.value = false)} />}
    </section>
  )
}
