/** The fleet as it is now: the list once, then the stream of events, and again from where it broke off. */
import { batch, computed, type ReadonlySignal, type Signal, signal } from '@preact/signals'
import type { ApplianceView } from '../../schema/appliance.ts'
import type { MachineView, TimelineEntry } from '../../schema/machine.ts'
import type { SiteNewsView } from '../../schema/reload.ts'
import type { WorkView } from '../../schema/work.ts'
import { access, get, type Outcome } from '../wire/api.ts'
import { type EventReader, openEvents } from '../wire/events.ts'
import type { Message, Topic } from '../wire/messages.ts'
import { UNREACHABLE } from '../wire/problem.ts'
import { type Counts, countGroups } from './choice.ts'
import { tellTime } from './clock.ts'
import { advance, type Connection, type ConnectionNews, SILENCE_MS, waitBefore } from './connection.ts'
import { announcement, collectNews, withProgress } from './fleet.ts'
import { siteNewsInWords } from '../words/site-words.ts'
import { withWork, workAnnouncement, type Works } from './work.ts'

export const connection = signal<Connection>({ kind: 'connecting' })
export const appliance = signal<ApplianceView | undefined>(undefined)

/** One signal for each machine, so that what happens to one repaints one row. The map changes when machines come and go. */
export const machines = signal<ReadonlyMap<string, Signal<MachineView>>>(new Map())
/** False until the first page of the list came once: no machines, and not asked yet, are two things. */
export const isLoaded = signal(false)
/** False until all pages came once: not there, and not come yet, are two things as well. */
export const isWhole = signal(false)
/** Counts the changes that may move a machine to another group or place; mere progress does not. */
export const changes = signal(0)

/** All of them as they are now. Who reads this follows `changes`, or looks when it must. */
export function views(): MachineView[] {
  return Array.from(machines.peek().values(), machine => machine.peek())
}

export const counts: ReadonlySignal<Counts> = computed(() => {
  void changes.value
  return countGroups(views())
})

/** Whose each MAC is. */
export const idsByMac: ReadonlySignal<ReadonlyMap<string, string>> = computed(() => {
  void changes.value
  return new Map(views().flatMap(({ id, macs }) => macs.map(mac => [mac, id] as const)))
})

/** What a screen reader is told: ends of installations, new machines, and the connection. */
export const announced = signal('')
/** The appliance was updated while the page was open. */
export const isOutdated = signal(false)

/** Long work that runs, or ended since the page was opened. */
export const works = signal<Works>(new Map())

/** How the site file was loaded last, or refused. */
export const siteNews = signal<SiteNewsView | undefined>(undefined)

/** Changes when everything was asked for again, so what was heard in between may be missing. */
export const refetched = signal(0)

const topics = new Map<Topic, Signal<number>>()

/** Changes when what it stands for should be fetched again. */
export function topicSignal(topic: Topic): Signal<number> {
  const known = topics.get(topic) ?? signal(0)
  topics.set(topic, known)
  return known
}

/** Something was changed from here; the appliance may say so later, too. */
export function askAgain(topic: Topic): void {
  topicSignal(topic).value++
}

function staleAll(): void {
  for (const topic of topics.values()) topic.value++
}

type Listener = (machine: string, event: TimelineEntry) => void
const listeners = new Set<Listener>()

/** Every event of every machine as it comes. @returns what ends it */
export function onEvent(listener: Listener): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/** @param isAll whether those that are not among them are gone */
function putMachines(views: readonly MachineView[], isAll: boolean): void {
  const before = machines.peek()
  const after = new Map<string, Signal<MachineView>>(isAll ? [] : before)
  for (const view of views) {
    const known = before.get(view.id)
    if (known) known.value = view
    after.set(view.id, known ?? signal(view))
  }
  machines.value = after
  changes.value++
}

/** Orders answer with the new view, which need not wait for its event. */
export function putMachine(view: MachineView): void {
  const known = machines.peek().get(view.id)
  if (known) known.value = view
  else machines.value = new Map(machines.peek()).set(view.id, signal(view))
  changes.value++
}

const MACHINES = '/api/v1/machines'
/** A machine that ends a page and is forgotten before the next one is asked for: then from the beginning. */
const BEGINNINGS_MOST = 5

/** All of them, page after page. Nothing is on the screen yet the first time, so the first page is shown when it comes, and the rest together. */
async function fetchMachines(page: Outcome<MachineView[]>): Promise<boolean> {
  const all: MachineView[] = []
  let beginnings = 1
  for (;;) {
    if (!page.ok) {
      if (page.problem.code !== 'unknown-machine' || ++beginnings > BEGINNINGS_MOST) return false
      all.length = 0
      page = await get<MachineView[]>(MACHINES)
      continue
    }
    all.push(...page.value)
    if (page.next === undefined) break
    if (!isLoaded.peek()) {
      const { value } = page
      batch(() => {
        putMachines(value, false)
        isLoaded.value = true
      })
    }
    page = await get<MachineView[]>(page.next)
  }
  batch(() => {
    putMachines(all, true)
    isLoaded.value = true
    isWhole.value = true
  })
  return true
}

async function fetchFleet(): Promise<boolean> {
  const askedAt = Date.now()
  const [about, first] = await Promise.all([get<ApplianceView>('/api/v1/appliance'), get<MachineView[]>(MACHINES)])
  const heardAt = Date.now()
  if (!about.ok) return false
  batch(() => {
    tellTime(about.value.now, askedAt, heardAt)
    appliance.value = about.value
  })
  return fetchMachines(first)
}

function apply(messages: readonly Message[]): void {
  const news = collectNews(messages)
  const said: string[] = []
  batch(() => {
    for (const view of news.machines.values()) {
      const text = announcement(machines.peek().get(view.id)?.peek(), view)
      if (text) said.push(text)
      putMachine(view)
    }
    for (const progressed of news.progress.values()) {
      const known = machines.peek().get(progressed.id)
      if (known) known.value = withProgress(known.peek(), progressed)
    }
    // A rack that ends all at once is one sentence, not forty.
    if (said.length > 0)
      announced.value = said.length > 3 ? `${said.length} machines changed their state` : said.join('. ')
  })
  for (const message of messages)
    if (message.kind === 'machine') for (const listener of listeners) listener(message.machine.id, message.event)
}

const TOPIC_OF: Record<WorkView['what'], Topic> = { doctor: 'doctor', verify: 'isos' }

function applyWork(work: WorkView): void {
  batch(() => {
    works.value = withWork(works.peek(), work, Date.now())
    if (!work.end) return
    announced.value = workAnnouncement(work) ?? ''
    askAgain(TOPIC_OF[work.what])
  })
}

/** What runs is told next; what ended while nobody heard it is told by what it led to. */
function forgetWork(): void {
  for (const { work } of works.peek().values()) if (!work.end) askAgain(TOPIC_OF[work.what])
  works.value = new Map()
}

/** Messages are applied together this often: under what an eye notices, and far above what a browser paints in. */
const TOGETHER_MS = 40

class Live {
  private reader: EventReader | undefined
  private lastId: string | undefined
  private version: string | undefined
  private waiting: Message[] = []
  private timer: ReturnType<typeof setTimeout> | undefined
  private silence: ReturnType<typeof setTimeout> | undefined
  private isFetching = false
  /** What is on its way is older than what was said since. */
  private isStale = false

  start(): void {
    this.stop()
    connection.value = { kind: 'connecting' }
    this.open()
  }

  /** Nobody is signed in any more: what was seen is not for the next one who looks. */
  stop(): void {
    this.reader?.close()
    clearTimeout(this.timer)
    clearTimeout(this.silence)
    this.timer = undefined
    this.waiting = []
    this.lastId = undefined
    batch(() => {
      machines.value = new Map()
      changes.value++
      isLoaded.value = false
      isWhole.value = false
      appliance.value = undefined
      works.value = new Map()
      siteNews.value = undefined
    })
  }

  /** At once, because a person asked or the computer woke up. */
  retry(): void {
    if (connection.peek().kind === 'reconnecting') this.open()
  }

  private open(): void {
    clearTimeout(this.silence)
    this.reader?.close()
    this.reader = openEvents(this.lastId, {
      opened: () => this.tell({ kind: 'opened' }),
      heard: () => this.listen(),
      message: (message, id) => this.take(message, id),
      ended: status => this.ended(status),
    })
    this.listen()
  }

  private tell(news: ConnectionNews): void {
    connection.value = advance(connection.peek(), news)
  }

  private listen(): void {
    clearTimeout(this.silence)
    this.silence = setTimeout(() => this.ended(0), SILENCE_MS)
  }

  private ended(status: number): void {
    clearTimeout(this.silence)
    this.reader?.close()
    if (status === 401) {
      this.tell({ kind: 'refused' })
      void get('/api/v1/session')
      return
    }
    // Refused, and yet somebody answers: then what is asked for now and again is better than nothing.
    if (status >= 400) void fetchFleet()
    this.tell({ kind: 'broke', at: Date.now() })
    const now = connection.peek()
    const tries = now.kind === 'reconnecting' ? now.tries : 0
    this.silence = setTimeout(() => this.open(), waitBefore(tries, Math.random()))
  }

  private take(message: Message, id: string | undefined): void {
    if (id !== undefined) this.lastId = id
    if (message.kind === 'hello') {
      forgetWork()
      if (this.version !== undefined && this.version !== message.version) isOutdated.value = true
      this.version = message.version
      siteNews.value = message.site
      // After a gap that could be bridged the missed events follow; else everything is asked for, once.
      if (!isWhole.peek()) void this.fetchAll()
      else void this.askAppliance()
      return
    }
    if (message.kind === 'reset') return void this.fetchAll()
    if (message.kind === 'work') return applyWork(message.work)
    if (message.kind === 'site') return this.takeSite(message.news)
    if (message.kind === 'changed') {
      topicSignal(message.what).value++
      if (message.what === 'machines') void this.fetchAll()
      return
    }
    this.waiting.push(message)
    this.timer ??= setTimeout(() => this.flush(), TOGETHER_MS)
  }

  private flush(): void {
    this.timer = undefined
    // The list that is on its way is older than what waits here.
    if (this.isFetching) return
    const messages = this.waiting
    this.waiting = []
    if (messages.length > 0) apply(messages)
  }

  private takeSite(news: SiteNewsView): void {
    siteNews.value = news
    announced.value = siteNewsInWords(news)
    // What it decides is everywhere: names, profiles, rules, layers, webhooks, what `check` says.
    if (news.outcome === 'loaded') void this.fetchAll()
  }

  /** The time, and whether the site file is another one than before the gap. */
  private async askAppliance(): Promise<void> {
    const askedAt = Date.now()
    const about = await get<ApplianceView>('/api/v1/appliance')
    if (!about.ok) return
    tellTime(about.value.now, askedAt, Date.now())
    const loadedAt = appliance.peek()?.siteFile.at
    appliance.value = about.value
    if (loadedAt !== about.value.siteFile.at) void this.fetchAll()
  }

  private async fetchAll(): Promise<void> {
    this.isStale = true
    if (this.isFetching) return
    this.isFetching = true
    let came = true
    while (came && this.isStale) {
      this.isStale = false
      came = await fetchFleet()
    }
    this.isFetching = false
    if (!came && access.peek().kind === 'in') return this.ended(0)
    refetched.value++
    staleAll()
    this.flush()
  }
}

export const live = new Live()

/** What the page says in place of the fleet while nothing was ever heard. */
export const firstProblem = computed(() =>
  connection.value.kind === 'reconnecting' && !isLoaded.value ? UNREACHABLE : undefined,
)
