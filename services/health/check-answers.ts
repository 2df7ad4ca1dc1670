/** Every answer that can be tried out before power-on: of listed machines, of rules, and of files that are named by a MAC. */
import { namesOf } from '../kit/amount.ts'
import { composeAnswer } from '../answer/answer.ts'
import { dialectOf } from '../answer/dialect.ts'
import { answerInputFor } from '../answer/for-machine.ts'
import type { Layers } from '../answer/layer.ts'
import { NO_HASH } from '../answer/placeholders.ts'
import { urlsOf } from '../boot/urls.ts'
import type { IsoCatalogue } from '../iso/catalogue.ts'
import { isProblem } from '../kit/is-problem.ts'
import type { Ipv4 } from '../kit/ipv4.ts'
import { type Mac, parseMac } from '../kit/mac.ts'
import type { Problem } from '../kit/problem.ts'
import type { MachineId } from '../machine/event.ts'
import { type Machine, newMachine } from '../machine/lifecycle.ts'
import { fromRule, type Listing, listingOf, profileFor } from '../machine/listing.ts'
import type { ListedMachine, Rule, Site } from '../site/types.ts'

/** One answer to try; `title` is what a person calls it. */
type Trial = { title: string; machine: Machine; listing: Listing; address?: Ipv4 | undefined }

function trialOfListed(listed: ListedMachine, site: Site): Trial {
  const { serial, uuid, macs, address, name } = listed
  const known = { ...(serial ? { serial } : {}), ...(uuid ? { uuid } : {}) }
  const machine = { ...newMachine(macs[0] as MachineId, 0), macs, ...known }
  return { title: name, machine, listing: listingOf(machine, site), address }
}

/** Nobody's, as is all that a machine of a rule is made of here. */
const SOME_MAC = parseMac('02:00:00:00:00:01') as Mac
const SOME_UUID = '4c4c4544-004b-3210-8051-b7c04f583933'

function trialOfRule(rule: Rule, site: Site): Trial {
  const number = rule.name === undefined ? {} : { number: { series: rule.name, index: 1 } }
  const machine = { ...newMachine(SOME_MAC as MachineId, 0), serial: 'SERIAL1', uuid: SOME_UUID, ...number }
  return { title: `a machine of rule ${rule.index + 1}`, machine, listing: fromRule(rule, machine, site.domain) }
}

/** As much of such a machine as its MAC tells: what it is beside that nobody knows yet. */
function trialOfFile(mac: Mac, site: Site): Trial {
  const machine = newMachine(mac as MachineId, 0)
  return { title: mac, machine, listing: listingOf(machine, site) }
}

function trials(site: Site, layers: Layers): Trial[] {
  const listed = new Set(site.machines.flatMap(({ macs }) => macs))
  const broken = [...layers.broken.keys()].flatMap(key => parseMac(key) ?? [])
  const files = [...layers.byMac.keys(), ...broken].filter(mac => !listed.has(mac))
  return [
    ...site.machines.map(machine => trialOfListed(machine, site)),
    ...site.rules.map(rule => trialOfRule(rule, site)),
    ...files.map(mac => trialOfFile(mac, site)),
  ]
}

/** As the live path would compose it; nothing where no profile would be installed. */
function tryOut(
  { machine, listing, address }: Trial,
  site: Site,
  layers: Layers,
  catalogue: Pick<IsoCatalogue, 'find'>,
): Problem[] {
  const profile = site.profiles.get(profileFor(listing, site) ?? '')
  if (!profile) return []
  const iso = catalogue.find(profile.iso)
  const { product, release } = isProblem(iso) ? { product: 'pve', release: '9.2' } : iso.release
  const input = answerInputFor({
    machine,
    listing,
    profile,
    site,
    layers,
    // A machine without a reservation has its address from the pool by then.
    address: address ?? site.network.address,
    dialect: dialectOf({ product, release }),
    product,
    urls: { webhook: urlsOf(site).webhook('x'), firstBoot: urlsOf(site).firstBoot('x') },
    fingerprint: '0'.repeat(64),
  })
  const composed = composeAnswer({ ...input, passwordHash: NO_HASH })
  return Array.isArray(composed) ? composed : composed.warnings
}

/** So many answers are tried in one go: a few milliseconds, in which nobody else is heard. */
const TRIALS_AT_ONCE = 16

/**
 * What is wrong with several answers alike is told once; what is wrong with a file, with the file only.
 * @param breathe lets others work
 */
export async function checkAnswers(
  site: Site,
  layers: Layers,
  catalogue: Pick<IsoCatalogue, 'find'>,
  breathe: () => Promise<void>,
): Promise<Problem[]> {
  const found: { name: string; problem: Problem }[] = []
  for (const [at, trial] of trials(site, layers).entries()) {
    if (at % TRIALS_AT_ONCE === TRIALS_AT_ONCE - 1) await breathe()
    for (const problem of tryOut(trial, site, layers, catalogue)) found.push({ name: trial.title, problem })
  }
  const alike = [...Map.groupBy(found, ({ problem }) => JSON.stringify(problem)).values()]
  const answers = alike.map(group => {
    const { problem } = group[0]!
    return { ...problem, message: `answer of ${namesOf(group.map(({ name }) => name))}: ${problem.message}` }
  })
  return [...layers.problems, ...answers]
}
