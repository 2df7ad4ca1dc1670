/**
 * What another site file says otherwise, in the words of the file. Pure; whose plan that changes is for the machines to tell
 * (`services/machine/fleet-changes.ts`).
 */
import { prefixToString } from '../kit/ipv4.ts'
import { describeCondition } from './condition.ts'
import { type ChangedSetting, changedSettings } from './settings.ts'
import type { ExtraOption, Profile, Reservation, Rule, Site, StaticRecord, Subnet, WebhookTarget } from './types.ts'
import { shownUrl } from './urls.ts'

export type SiteChange = {
  what: 'setting' | 'subnet' | 'pool' | 'reservation' | 'record' | 'profile' | 'rule' | 'webhook'
  /** Which one: a key, a prefix, a name. */
  name: string
  change: 'added' | 'removed' | 'changed'
  /** Of what is there before and after: what of it is another value. A value that is absent is not set. */
  keys: ChangedSetting[]
}

/** One thing of the file as it is compared: what tells it from others of its kind, what it is called, and its values by key. */
type Thing = { id: string; name: string; values: Record<string, string | undefined> }

export function siteChanges(before: Site, after: Site): SiteChange[] {
  return [
    ...changedSettings(before, after).map(setting => changeOf('setting', setting.key, 'changed', [setting])),
    ...changesOf('subnet', before.dhcp.subnets.map(subnetThing), after.dhcp.subnets.map(subnetThing)),
    ...changesOf('pool', before.dhcp.subnets.flatMap(poolThings), after.dhcp.subnets.flatMap(poolThings)),
    ...changesOf(
      'reservation',
      before.dhcp.reservations.map(reservationThing),
      after.dhcp.reservations.map(reservationThing),
    ),
    ...changesOf('record', before.dns.records.map(recordThing), after.dns.records.map(recordThing)),
    ...changesOf(
      'profile',
      [...before.profiles.values()].map(profileThing),
      [...after.profiles.values()].map(profileThing),
    ),
    ...changesOf('rule', ...ruleThings(before.rules, after.rules)),
    ...changesOf('webhook', before.webhooks.map(webhookThing), after.webhooks.map(webhookThing)),
  ]
}

function changeOf(
  what: SiteChange['what'],
  name: string,
  change: SiteChange['change'],
  keys: ChangedSetting[] = [],
): SiteChange {
  return { what, name, change, keys }
}

/** What is gone first, then what is new or otherwise, in the order of the file. */
function changesOf(what: SiteChange['what'], before: readonly Thing[], after: readonly Thing[]): SiteChange[] {
  const was = new Map(before.map(thing => [thing.id, thing]))
  const is = new Set(after.map(({ id }) => id))
  const gone = before.filter(({ id }) => !is.has(id)).map(({ name }) => changeOf(what, name, 'removed'))
  const others = after.flatMap(({ id, name, values }) => {
    const known = was.get(id)
    if (!known) return [changeOf(what, name, 'added')]
    const keys = changedValues(known.values, values)
    return keys.length === 0 ? [] : [changeOf(what, name, 'changed', keys)]
  })
  return [...gone, ...others]
}

/** Keys of both, in the order of the second. */
export function changedValues(
  before: Readonly<Record<string, string | undefined>>,
  after: Readonly<Record<string, string | undefined>>,
): ChangedSetting[] {
  return [...new Set([...Object.keys(after), ...Object.keys(before)])].flatMap(key => {
    const [was, is] = [before[key], after[key]]
    if (was === is) return []
    return [{ key, ...(was === undefined ? {} : { before: was }), ...(is === undefined ? {} : { after: is }) }]
  })
}

/** Undefined for none. */
export function listed(values: readonly string[]): string | undefined {
  return values.length === 0 ? undefined : values.join(', ')
}

function wordsOfOption({ code, type, value }: ExtraOption): string {
  if (type === 'routes')
    return `${code} ${value.map(({ to, via }) => `${prefixToString(to)} via ${via}`).join(' and ')}`
  return `${code} ${Array.isArray(value) ? value.join(' and ') : String(value)}`
}

export function wordsOfOptions(options: readonly ExtraOption[]): string | undefined {
  return listed(options.map(wordsOfOption))
}

function subnetThing({ prefix, router, dns, ntp, relays, options }: Subnet): Thing {
  const name = prefixToString(prefix)
  return {
    id: name,
    name,
    values: {
      router,
      dns: listed(dns),
      ntp: listed(ntp),
      relays: listed(relays),
      options: wordsOfOptions(options),
    },
  }
}

function poolThings({ prefix, pools }: Subnet): Thing[] {
  return pools.map(({ first, last }) => {
    const name = `${first}-${last} of ${prefixToString(prefix)}`
    return { id: name, name, values: {} }
  })
}

function reservationThing({ key, address, name, options }: Reservation): Thing {
  const by = key.by === 'circuit-id' && key.relay ? `${key.by} ${key.value} of ${key.relay}` : `${key.by} ${key.value}`
  return { id: by, name: by, values: { address, name, options: wordsOfOptions(options) } }
}

/** A record is all that there is to it: another value is another record. */
function recordThing({ name, type, value }: StaticRecord): Thing {
  const words = `${name} ${type} ${value}`
  return { id: words, name: words, values: {} }
}

/** What it installs, in words. */
export function valuesOfProfile(profile: Profile): Record<string, string | undefined> {
  const { iso, isoDelivery, answers, kernelArgs, firstBoot, loader } = profile
  return {
    iso,
    'iso-delivery': isoDelivery,
    answers: listed(answers),
    'kernel-args': listed(kernelArgs),
    'first-boot': firstBoot,
    loader,
  }
}

function profileThing(profile: Profile): Thing {
  return { id: profile.name, name: profile.name, values: valuesOfProfile(profile) }
}

/** A rule is known by its conditions. Its place counts among those that both files have: the first that fits takes a machine. */
function ruleThings(before: readonly Rule[], after: readonly Rule[]): [Thing[], Thing[]] {
  const idOf = ({ when }: Rule): string => JSON.stringify(when.map(({ fact, any, none }) => [fact, any, none]))
  const inBoth = (rules: readonly Rule[], others: readonly Rule[]): string[] => {
    const known = new Set(others.map(idOf))
    return rules.map(idOf).filter(id => known.has(id))
  }
  const things = (rules: readonly Rule[], common: readonly string[]): Thing[] =>
    rules.map(rule => {
      const { index, when, profile, name, answers, approve, loader } = rule
      const id = idOf(rule)
      const place = common.indexOf(id)
      return {
        id,
        name: `${index + 1} (${when.map(describeCondition).join(', ')})`,
        values: {
          profile,
          name,
          answers: listed(answers),
          approve: String(approve),
          loader,
          place: place < 0 ? undefined : String(place + 1),
        },
      }
    })
  return [things(before, inBoth(before, after)), things(after, inBoth(after, before))]
}

/** Paths of such URLs are secrets more often than not. */
function webhookThing({ url, events, secretFile, caFile }: WebhookTarget, at: number): Thing {
  return {
    id: url,
    name: `${at + 1} (${shownUrl(url)})`,
    values: { events: listed(events), 'secret-file': secretFile, 'ca-file': caFile },
  }
}
