/** Dark, light, or as the system says; kept in this browser. */
import { effect, signal } from '@preact/signals'
import { Icon } from './parts/icon.tsx'

const THEMES = ['system', 'dark', 'light'] as const
type Theme = (typeof THEMES)[number]

const KEY = 'theme'

function kept(): Theme {
  try {
    const word = localStorage.getItem(KEY)
    return THEMES.find(theme => theme === word) ?? 'system'
  } catch {
    // A browser that keeps nothing shows the page all the same.
    return 'system'
  }
}

const theme = signal<Theme>(kept())

export function startTheme(): void {
  effect(() => {
    document.documentElement.dataset['theme'] = theme.value
    try {
      localStorage.setItem(KEY, theme.value)
    } catch {
      // As above.
    }
  })
}

export function ThemeSwitch() {
  const next = THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length]!
  return (
    <button type="button" class="plain" title={`Theme: ${theme.value}`} onClick={() => (theme.value = next)}>
      <Icon name={theme.value} />
      <span class="hidden">
        Theme: {theme.value}. Change to {next}
      </span>
    </button>
  )
}
