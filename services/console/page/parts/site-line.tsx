/** That the site file was loaded again, or refused: a quiet line on every other view than health, until it is old or closed. */
import { signal, useComputed } from '@preact/signals'
import { place } from '../router.ts'
import { secondsSince } from '../store/clock.ts'
import { siteNews } from '../store/live.ts'
import { isWorthALine, siteNewsInWords } from '../words/site-words.ts'
import { Age } from './age.tsx'
import { Icon } from './icon.tsx'
import { Words } from './words.tsx'

/** The one that a person closed. */
const closed = signal<string | undefined>(undefined)

export function SiteLine() {
  const news = siteNews.value
  // Seconds tick; whether it is shown does not.
  const isShown = useComputed(() => {
    const { value } = siteNews
    return value !== undefined && value.at !== closed.value && isWorthALine(value, secondsSince(value.at))
  })
  // There it is told in full.
  if (!news || !isShown.value || place.value?.path === '/health') return null
  const isRefused = news.outcome === 'refused'
  const hint = isRefused ? news.problems[0]?.hint : undefined
  return (
    <aside aria-label="Site file" class={`notice site-line ${isRefused ? 'is-warn' : 'is-info'}`}>
      <Icon name={isRefused ? 'attention' : 'installed'} />
      <p>
        <Words text={siteNewsInWords(news)} />.{' '}
        {hint && (
          <>
            What to do: <Words text={hint} />.{' '}
          </>
        )}
        <span class="dim">
          <Age at={news.at} suffix=" ago" />
        </span>{' '}
        <a href="/health">{isRefused ? 'All of it' : 'What changed'}</a>
      </p>
      <button type="button" class="plain" aria-label="Close this line" onClick={() => (closed.value = news.at)}>
        <Icon name="close" />
      </button>
    </aside>
  )
}
