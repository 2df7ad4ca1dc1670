/** Signs of one line weight, drawn here: no font and no picture has to load. */
import type { State } from '../words/state-words.ts'

/** Each on 16 × 16; `S` is stroked, `F` filled. Every state has an outline of its own, so that it is known without its colour. */
const SHAPES = {
  held: 'S M8 1.75a6.25 6.25 0 1 0 0 12.5a6.25 6.25 0 1 0 0-12.5 M6.3 5.6v4.8 M9.7 5.6v4.8',
  approved: 'S M8 1.75a6.25 6.25 0 1 0 0 12.5a6.25 6.25 0 1 0 0-12.5 M6.6 5.2l4.2 2.8l-4.2 2.8z',
  booting: 'S M8 2v7.6 M4.7 6.6L8 9.9l3.3-3.3 M2.5 13.25h11',
  installing: 'S M2.2 4.2h11.6v3.4H2.2z M2.2 8.4h11.6v3.4H2.2z M4.6 5.9h.01 M4.6 10.1h.01 M8 14.2h0',
  installed: 'F M8 1.2a6.8 6.8 0 1 0 0 13.6A6.8 6.8 0 1 0 8 1.2z M4.6 8.2l1.1-1.1l1.6 1.6l3.1-3.3l1.1 1.1l-4.2 4.5z',
  failed: 'S M5 1.75h6l3.25 3.25v6L11 14.25H5L1.75 11V5z M5.8 5.8l4.4 4.4 M10.2 5.8l-4.4 4.4',
  stalled: 'S M8 2L14.6 13.5H1.4z M8 6.3v3.4 M8 11.6h.01',
  blocked: 'S M8 1.75a6.25 6.25 0 1 0 0 12.5a6.25 6.25 0 1 0 0-12.5 M3.6 3.6l8.8 8.8',
  attention: 'S M8 2L14.6 13.5H1.4z M8 6.3v3.4 M8 11.6h.01',
  close: 'S M4 4l8 8 M12 4l-8 8',
  search: 'S M7 2.5a4.5 4.5 0 1 0 0 9a4.5 4.5 0 1 0 0-9 M10.4 10.4L14 14',
  rows: 'S M2 4h12 M2 8h12 M2 12h12',
  tiles: 'S M2.5 2.5h4.4v4.4H2.5z M9.1 2.5h4.4v4.4H9.1z M2.5 9.1h4.4v4.4H2.5z M9.1 9.1h4.4v4.4H9.1z',
  up: 'S M8 13V3 M4 7l4-4l4 4',
  down: 'S M8 3v10 M4 9l4 4l4-4',
  light:
    'S M8 5a3 3 0 1 0 0 6a3 3 0 1 0 0-6 M8 1v1.5 M8 13.5V15 M1 8h1.5 M13.5 8H15 M3 3l1.1 1.1 M11.9 11.9L13 13 M13 3l-1.1 1.1 M4.1 11.9L3 13',
  dark: 'S M13.5 9.6A5.8 5.8 0 0 1 6.4 2.5a5.8 5.8 0 1 0 7.1 7.1z',
  system: 'S M2 3h12v8H2z M5.5 14h5 M8 11v3',
  live: 'F M8 4a4 4 0 1 0 0 8a4 4 0 1 0 0-8z',
  broken: 'S M2 8h3.5 M10.5 8H14 M6.5 5.5l3 5 M9.5 5.5l-3 5',
  info: 'S M8 1.75a6.25 6.25 0 1 0 0 12.5a6.25 6.25 0 1 0 0-12.5 M8 7.4v3.6 M8 5h.01',
  back: 'S M10 3L5 8l5 5',
} as const satisfies Record<State, string> & Record<string, string>

export type IconName = keyof typeof SHAPES

/** Decoration: what it means stands beside it, or is the name of the button around it. */
export function Icon({ name }: { name: IconName }) {
  const [kind, path] = [SHAPES[name][0], SHAPES[name].slice(2)]
  return (
    <svg class={kind === 'F' ? 'icon filled' : 'icon'} viewBox="0 0 16 16" aria-hidden="true">
      <path d={path} fill-rule="evenodd" />
    </svg>
  )
}
