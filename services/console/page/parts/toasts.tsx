/** What just happened, said once and gone by itself; what is wrong stays until it is closed. */
import { signal } from '@preact/signals'
import { Icon } from './icon.tsx'

type Toast = { key: number; text: string; isBad: boolean }

const toasts = signal<readonly Toast[]>([])
let latest = 0

const SHOWN_MS = 8000

function dismiss(key: number): void {
  toasts.value = toasts.value.filter(toast => toast.key !== key)
}

export function toast(text: string, { isBad = false } = {}): void {
  const key = ++latest
  toasts.value = [...toasts.value, { key, text, isBad }].slice(-4)
  if (!isBad) setTimeout(() => dismiss(key), SHOWN_MS)
}

export function Toasts() {
  return (
    <div class="toasts" role="status">
      {toasts.value.map(({ key, text, isBad }) => (
        <div key={key} class={isBad ? 'toast is-bad' : 'toast'}>
          <Icon name={isBad ? 'attention' : 'installed'} />
          <span>{text}</span>
          <button type="button" class="plain" aria-label="Dismiss" onClick={() => dismiss(key)}>
            <Icon name="close" />
          </button>
        </div>
      ))}
    </div>
  )
}
