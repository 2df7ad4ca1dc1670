/**
 * `explain` and `answer render`: what one machine would get, by the code of the live path, without anything happening to it. A machine that
 * nobody has seen is a what-if; so is one with a system information that it has not posted.
 */
import type { AnswerInput } from '../answer/answer.ts'
import { dialectOf } from '../answer/dialect.ts'
import { answerInputFor, profileDoubt } from '../answer/for-machine.ts'
import type { Layers } from '../answer/layer.ts'
import { parseSystemInformation, type SystemInformation } from '../answer/system-information.ts'
import { firstKnown, sightingIn } from '../answer/told.ts'
import type { Urls } from '../boot/urls.ts'
import type { IsoEntry } from '../iso/entry.ts'
import type { Clock } from '../kit/clock.ts'
import { isProblem } from '../kit/is-problem.ts'
import { type Mac, parseMac } from '../kit/mac.ts'
import type { Problem } from '../kit/problem.ts'
import { type Conflict, isNoted } from '../machine/conflict.ts'
import { advance, type Machine } from '../machine/lifecycle.ts'
import { type Listing, listingOf, profileFor } from '../machine/listing.ts'
import { nextNumber } from '../machine/numbering.ts'
import type { Registry } from '../machine/registry.ts'
import type { SecretPurpose } from '../machine/secrets.ts'
import { aboutFact } from '../site/facts.ts'
import type { Profile, Site } from '../site/types.ts'
import type { DocumentStore, PasswordStore } from '../store/types.ts'
import { explainAnswer } from './explain-answer.ts'
import { explainFacts, explainPlan, explainRefusal, explainRules } from './explain-machine.ts'
import { pickMachine } from './pick-machine.ts'
import { nameOfOperator } from './principal.ts'
import { rehearsalFor } from './rehearsal.ts'
import type { Explanation } from './schema/explanation.ts'

export type ExplainContext = {
  registry: Registry
  site: Site
  catalogue: { find(selector: string): IsoEntry | Problem }
  layers: () => Promise<Layers>
  urls: Urls
  /** Of the certificate that is served; undefined before there is one. */
  fingerprint: () => string | undefined
  passwords: Pick<PasswordStore, 'get'>
  documents: Pick<DocumentStore, 'get'>
  clock: Pick<Clock, 'now'>
}

export interface Explainer {
  /** @param query a machine as people name it, or any MAC; absent: whoever the body speaks of. @param posted a system information. @param profile as if it was approved with that one */
  explain(query: string | undefined, posted?: Uint8Array, profile?: string): Promise<Explanation | Problem>
  /** With all secrets, for an operator whose name is kept on the timeline. */
  reveal(query: string, by: string): Promise<Explanation | Problem>
  close(): Promise<void>
}

/** `before` is what is known, and held if what it posts shows that it must be; `machine` what it would be once it had posted. */
type Subject = { before: Machine; machine: Machine; seen: boolean; claims: Conflict[]; information?: SystemInformation }

/** As labels and switches print it, too. */
function anyMac(text: string): Mac | undefined {
  return parseMac(
    text
      .trim()
      .replaceAll(/[:.-]/g, '')
      .replaceAll(/..(?=.)/g, '$&:'),
  )
}

function machineFor(
  { registry, clock }: ExplainContext,
  query: string | undefined,
  information: SystemInformation | undefined,
): { machine: Machine; seen: boolean } | Problem {
  const mac = query === undefined ? information?.macs[0] : anyMac(query)
  const found = query === undefined ? firstKnown(information?.macs ?? [], registry) : pickMachine(registry, query)
  if (found && !isProblem(found)) return { machine: found, seen: true }
  if (mac && !registry.byMac(mac)) return { machine: registry.newcomers.seenFirst(mac, clock.now()), seen: false }
  if (found) return { ...found, hint: `${found.hint}; any MAC can be asked about, too` }
  const hint = 'it is what `proxmox-auto-install-assistant system-info` prints'
  return { code: 'no-mac', message: 'the system information names no NIC', hint, severity: 'error' }
}

function subjectOf(context: ExplainContext, query: string | undefined, posted?: Uint8Array): Subject | Problem {
  const { registry, site, clock } = context
  const information = posted && parseSystemInformation(posted)
  if (information && isProblem(information)) return information
  const found = machineFor(context, query, information)
  if (isProblem(found)) return found
  const { machine: before, seen } = found
  const own = (information?.macs ?? []).filter(mac => (registry.byMac(mac)?.id ?? before.id) === before.id)
  const step = (fact: Parameters<typeof registry.record>[1], machine: Machine): Machine =>
    advance(machine, { ...fact, at: clock.now(), source: 'answer' }).machine
  const told = information ? step({ type: 'sighted', ...sightingIn(information, [before.id, ...own]) }, before) : before
  const { series } = listingOf(told, site)
  const claims = registry.conflictsOf(told, information?.macs)
  const news = claims.filter(conflict => !isNoted(before, conflict))
  const held = news.length > 0 ? step({ type: 'identity-conflicted', conflicts: news }, before) : before
  const isNumbered = series === undefined || !series.includes('{{index}}') || told.number?.series === series
  const index = isNumbered ? 0 : nextNumber(series, registry.machines(), site)
  const machine = isNumbered ? told : step({ type: 'numbered', series, index }, told)
  return { before: held, machine, seen, claims, ...(information ? { information } : {}) }
}

const UNDER_WAY = new Set<Machine['state']>(['approved', 'booting', 'installing', 'stalled'])

/** What is installed: the profile of the attempt that runs, else the one that an approval would take. */
function profileOf(
  { before }: Subject,
  listing: Listing,
  site: Site,
  chosen?: string,
): { profile: Profile; why: string } | Problem {
  const { attempt, state } = before
  const running = attempt && UNDER_WAY.has(state) ? attempt : undefined
  const name = chosen ?? running?.profile ?? profileFor(listing, site)
  const profile = name === undefined ? undefined : site.profiles.get(name)
  if (!profile) {
    const message =
      name === undefined ? 'nothing in the site file names a profile for it' : `there is no profile "${name}"`
    const hint = 'list it, add a rule, or approve it with `rackrise machine approve --profile`'
    return { code: 'no-profile', message, hint, severity: 'error' }
  }
  if (chosen !== undefined) return { profile, why: 'as if a person named it' }
  const byAttempt = running && `attempt ${running.id}${running.chosen ? ', for which a person named it' : ''}`
  return {
    profile,
    why: byAttempt ?? (listing.profile === undefined ? 'the only profile there is' : listedBy(listing)),
  }
}

/** Stands for the token of an attempt that is not there, or is not to be seen. */
const NO_TOKEN = 'TOKEN-OF-THE-ATTEMPT'

function notYet(notes: string[]): string {
  notes.push('there is no certificate yet; the appliance makes one when it starts')
  return '0'.repeat(64)
}

type Asking = { profile: Profile; product: string; release: string; reveal: boolean; notes: string[] }

function inputFor(
  context: ExplainContext,
  subject: Subject,
  listing: Listing,
  asking: Asking,
  layers: Layers,
): AnswerInput {
  const { registry, site, urls, fingerprint } = context
  const { machine, before } = subject
  const { profile, product, release, reveal, notes } = asking
  const token = (purpose: SecretPurpose): string =>
    reveal && before.attempt ? registry.token(before.attempt.id, purpose) : NO_TOKEN
  const known = machine.address ?? listing.address
  const address = known ?? site.dhcp.subnets[0]?.pools[0]?.first
  if (!known && address) notes.push(`it has no address yet; ${address} is an example`)
  return answerInputFor({
    machine,
    listing,
    profile,
    site,
    layers,
    address,
    dialect: dialectOf({ product, release }),
    product,
    urls: { webhook: urls.webhook(token('webhook')), firstBoot: urls.firstBoot(token('first-boot')) },
    fingerprint: fingerprint() ?? notYet(notes),
  })
}

/** Of the installer that asked; else of the ISO; else the newest. */
function releaseOf(
  { information }: Subject,
  iso: IsoEntry | Problem,
  notes: string[],
): { product: string; release: string } {
  if (information?.product) return information
  if (!isProblem(iso)) return iso.release
  notes.push('its ISO is not there, so this is the answer for Proxmox VE 9.2')
  return { product: 'pve', release: '9.2' }
}

/** What is known when it boots: of a machine that nobody has seen not what only its installer will tell. */
function atBoot({ before, machine, seen }: Subject): Machine {
  if (seen) return before
  const told = Object.entries(machine.told ?? {}).filter(([fact]) => aboutFact(fact)?.told === 'boot')
  return { ...machine, told: Object.fromEntries(told) }
}

function listedBy({ from, rule = 0 }: Listing): string {
  return { machine: 'its entry', rule: `rule ${rule + 1}`, nothing: 'nothing' }[from]
}

async function explain(
  context: ExplainContext,
  subject: Subject,
  { reveal, profile: chosen }: { reveal: boolean; profile?: string | undefined },
): Promise<Explanation> {
  const { registry, site, catalogue, clock, passwords } = context
  const { machine, before, seen, claims, information } = subject
  const listing = listingOf(machine, site)
  const refusal = explainRefusal(before, listingOf(before, site), information)
  const boots = listingOf(atBoot(subject), site)
  const notes: string[] = []
  if (listedBy(boots) !== listedBy(listing))
    notes.push(`when it boots ${listedBy(boots)} takes it; ${listedBy(listing)} by what its installer tells`)
  const found = profileOf(subject, listing, site, chosen)
  const who = {
    machine: {
      id: machine.id,
      ...(listing.name ? { name: listing.name } : {}),
      macs: machine.macs,
      seen,
      ...(seen ? { state: before.state } : {}),
      ...(before.reason ? { reason: before.reason } : {}),
    },
    conflicts: claims.map(({ with: id, by, value }) => {
      const name = registry.titleOf(registry.byMac(id)!)
      return { name, id, by, value }
    }),
    facts: explainFacts(machine),
    listed: listing.from,
    rules: explainRules(machine, listing, site),
    plan: explainPlan(before, boots, site, clock.now()),
    ...(refusal ? { refusal } : {}),
  }
  if (isProblem(found)) return { ...who, problems: [found], notes }
  const { profile, why } = found
  const iso = catalogue.find(profile.iso)
  const { product, release } = releaseOf(subject, iso, notes)
  const doubt = before.attempt && UNDER_WAY.has(before.state) ? profileDoubt(listing, before.attempt) : undefined
  const asking = { profile, product, release, reveal, notes }
  const input = inputFor(context, subject, listing, asking, await context.layers())
  const kept = reveal ? await passwords.get(machine.id) : undefined
  const hash = kept?.attempt === before.attempt?.id ? kept?.hash : undefined
  const { answer, composed, problems } = explainAnswer(input, { listing, profile, release, reveal, hash })
  const rehearsal = seen && composed ? await rehearsalFor(machine.id, composed, context.documents) : undefined
  return {
    ...who,
    profile: { name: profile.name, why, ...(isProblem(iso) ? {} : { iso: iso.file }) },
    ...(answer ? { answer } : {}),
    ...(rehearsal ? { rehearsal } : {}),
    problems: [...(isProblem(iso) ? [iso] : []), ...(doubt ? [doubtProblem(doubt)] : []), ...problems],
    notes,
  }
}

function doubtProblem(message: string): Problem {
  return { code: 'profile-doubt', message, hint: 'approve it again', severity: 'error' }
}

export function localExplainer(context: ExplainContext, close: () => Promise<void>): Explainer {
  return {
    async explain(query, posted, profile) {
      const subject = subjectOf(context, query, posted)
      return isProblem(subject) ? subject : explain(context, subject, { reveal: false, profile })
    },
    async reveal(query, by) {
      const subject = subjectOf(context, query)
      if (isProblem(subject)) return subject
      // Told before it is shown.
      if (subject.seen)
        await context.registry.record(
          subject.before.id,
          { type: 'answer-revealed', by: nameOfOperator(by) },
          'operator',
        )
      return explain(context, subject, { reveal: true })
    },
    close,
  }
}
