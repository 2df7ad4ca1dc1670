/** An attempt as a picture. It repeats what the list below it and the line above say, so it is not read aloud. */
import type { MachineView } from '../../../schema/machine.ts'
import { now } from '../../store/clock.ts'
import type { Step } from '../../timeline/attempts.ts'
import { type Bar, type Lane, type LiveBar, type Mark, pictureOf } from '../../timeline/picture.ts'
import { bytes, duration, rate } from '../../words/quantities.ts'
import { progressInWords } from '../../words/state-words.ts'

const percent = (part: number): string => `${(part * 100).toFixed(2)}%`

/** Entries that somebody should look at have another shape. */
const BAD = new Set([
  'answer-failed',
  'answer-refused',
  'gave-up',
  'stalled',
  'load-failed',
  'boot-looped',
  'identity-conflicted',
  'restored',
])

function MarkDot({ mark: { at, entry } }: { mark: Mark }) {
  return (
    <span
      class={`mark ${BAD.has(entry.type) ? 'is-bad' : ''}`}
      style={{ left: percent(at) }}
      title={`${entry.source}: ${entry.text}`}
    />
  )
}

function DownloadBar({ bar: { from, to, entry, download } }: { bar: Bar }) {
  return (
    <span
      class="bar"
      style={{ left: percent(from), width: percent(to - from) }}
      title={`${entry.text}: ${bytes(download.bytes)} in ${duration(download.seconds)}, ${rate(download.bytesPerSecond)}`}
    />
  )
}

type Progress = NonNullable<MachineView['progress']>

/** As long as it lasts so far, and filled as far as it is. */
function LiveDownload({ bar: { from, to, part } }: { bar: LiveBar }) {
  return (
    <span class="bar is-live" style={{ left: percent(from), width: percent(to - from) }}>
      <span style={{ transform: `scaleX(${part})` }} />
    </span>
  )
}

function LiveWords({ progress }: { progress: Progress }) {
  const { file, percent: done, rate: speed, left } = progressInWords(progress)
  return (
    <p class="under-way">
      <span class="bar is-live" /> {file}: {done} %, {speed}
      {left && `, ${left} left`}
    </p>
  )
}

function LaneLine({ lane: { source, marks, bars, live } }: { lane: Lane }) {
  return (
    <div class="lane">
      <span class="lane-name">{source}</span>
      <div class="lane-line">
        {bars.map(bar => (
          <DownloadBar key={bar.entry.seq} bar={bar} />
        ))}
        {live && <LiveDownload bar={live} />}
        {marks.map(mark => (
          <MarkDot key={mark.entry.seq} mark={mark} />
        ))}
      </div>
    </div>
  )
}

/** @param progress of a download that belongs to these steps */
export function Waterfall({ steps, progress }: { steps: readonly Step[]; progress: Progress | undefined }) {
  const { lanes, ticks, breaks } = pictureOf(steps, progress && { progress, now: now.value })
  return (
    <div class="waterfall" aria-hidden="true">
      <div class="lanes">
        {lanes.map(lane => (
          <LaneLine key={lane.source} lane={lane} />
        ))}
        <div class="breaks">
          {breaks.map(at => (
            <span key={at} class="break" style={{ left: percent(at) }} title="a long silence, drawn shorter" />
          ))}
        </div>
      </div>
      <div class="axis">
        {ticks.map(({ at, text }) => (
          <span key={at} class={at > 0.9 ? 'axis-tick is-last' : 'axis-tick'} style={{ left: percent(at) }}>
            {text}
          </span>
        ))}
      </div>
      {progress && <LiveWords progress={progress} />}
    </div>
  )
}
