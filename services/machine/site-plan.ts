/** What a machine is, and would be installed with, by a site file: words by key, so that what two files make of it can be compared. Pure. */
import { listed, valuesOfProfile, wordsOfOptions } from '../site/changes.ts'
import type { Site } from '../site/types.ts'
import { type Listing, profileFor } from './listing.ts'

export type SitePlan = Readonly<Record<string, string | undefined>>

/** @param profileName that of an attempt; else what the site would choose */
export function sitePlanOf(listing: Listing, site: Pick<Site, 'profiles'>, profileName?: string): SitePlan {
  const name = profileName ?? profileFor(listing, site)
  const profile = name === undefined ? undefined : site.profiles.get(name)
  const values = profile ? valuesOfProfile(profile) : {}
  const layers = [...(profile?.answers ?? []), ...listing.answers]
  return {
    name: listing.name,
    profile: name,
    ...values,
    answers: listed(layers),
    loader: listing.loader ?? values['loader'],
    address: listing.address,
    serial: listing.serial,
    uuid: listing.uuid,
  }
}

/** What of it changes at once, whatever the machine does: nothing of this is part of an installation. */
export function servedBy({ options, approve }: Listing): SitePlan {
  return { options: wordsOfOptions(options), approve: String(approve) }
}
