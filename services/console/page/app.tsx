/** The frame around every view: where you are, whether it is live, who you are. */
import { useSignalEffect } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { ConnectionMark } from './parts/connection-mark.tsx'
import { OrderDialog } from './parts/order-dialog.tsx'
import { SiteLine } from './parts/site-line.tsx'
import { Toasts } from './parts/toasts.tsx'
import type { PagePath } from './paths.ts'
import { ROUTES } from './routes.tsx'
import { place } from './router.ts'
import { announced, appliance, counts, isOutdated } from './store/live.ts'
import { toQuery } from './store/choice.ts'
import { choice } from './store/shown.ts'
import { ThemeSwitch } from './theme.tsx'
import { NotFoundView } from './views/not-found.tsx'
import { SignInView } from './views/sign-in.tsx'
import { access, signOut } from './wire/api.ts'
import { pageTitle } from './words/state-words.ts'

function Links() {
  const links = Object.entries(ROUTES).filter(([, route]) => route.link !== undefined)
  if (links.length < 2) return null
  return (
    <nav aria-label="Views">
      {links.map(([path, route]) => (
        <a
          key={path}
          href={path === '/' ? `/${toQuery(choice.value)}` : path}
          aria-current={place.value?.path === path ? 'page' : undefined}
        >
          {route.link}
          {route.count && <route.count />}
        </a>
      ))}
    </nav>
  )
}

function Header() {
  const { value } = access
  return (
    <header class="header">
      <a href="/" class="brand">
        <img src="/favicon.svg" alt="" width="20" height="20" />
        {appliance.value?.name ?? 'Rackrise'}
      </a>
      {value.kind === 'in' && <Links />}
      <div class="header-end">
        {value.kind === 'in' && <ConnectionMark />}
        <ThemeSwitch />
        {value.kind === 'in' && (
          <button
            type="button"
            class="plain"
            onClick={() => void signOut()}
            title={`Signed in as ${value.session.user.name}, ${value.session.user.role}`}
          >
            <span class="user">{value.session.user.name}</span> Sign out
          </button>
        )}
      </div>
    </header>
  )
}

function Here() {
  const at = place.value
  const main = useRef<HTMLElement>(null)
  const isFirst = useRef(true)
  const key = at ? `${at.path} ${JSON.stringify(at.params)}` : ''
  useEffect(() => {
    // Opening the page moves nothing; from then on a new view is where reading goes on.
    if (!isFirst.current) main.current?.querySelector<HTMLElement>('h1')?.focus({ preventScroll: true })
    isFirst.current = false
  }, [key])
  const View = at ? ROUTES[at.path as PagePath].view : NotFoundView
  return (
    <main id="main" ref={main}>
      <View key={key} params={at?.params ?? {}} />
    </main>
  )
}

function useTitle(): void {
  useSignalEffect(() => {
    const at = place.value
    const view = access.value.kind === 'out' ? 'Sign in' : at ? ROUTES[at.path].title(at.params) : 'Not found'
    document.title = pageTitle(view, appliance.value?.name, counts.value.attention)
  })
}

function Body() {
  if (access.value.kind === 'asking') return <main id="main" class="waiting" aria-busy="true" />
  if (access.value.kind === 'out')
    return (
      <main id="main">
        <SignInView problem={access.value.problem} />
      </main>
    )
  return <Here />
}

export function App() {
  useTitle()
  return (
    <>
      <a class="skip" href="#main">
        Skip to content
      </a>
      <Header />
      {isOutdated.value && (
        <p class="notice is-info" role="status">
          Rackrise was updated. <a href="">Load the page again</a> to see its new version.
        </p>
      )}
      {access.value.kind === 'in' && <SiteLine />}
      <Body />
      <OrderDialog />
      <Toasts />
      <div class="hidden" aria-live="polite">
        {announced.value}
      </div>
    </>
  )
}
