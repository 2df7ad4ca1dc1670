/** Entry of the page. */
import { render } from 'preact'
import { App } from './app.tsx'
import { startLink } from './one-time-link.ts'
import { startRouter } from './router.ts'
import { startClock } from './store/clock.ts'
import { startShown } from './store/shown.ts'
import { startTheme } from './theme.tsx'
import { startSession } from './session.ts'

const link = startLink()
startTheme()
startClock()
startRouter()
startShown()
startSession(link)
render(<App />, document.querySelector('#page')!)
