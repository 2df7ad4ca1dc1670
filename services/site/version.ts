/** The version of the site file's schema: what a file is written in says its key `version`; without it, it is 1. */
import { type Finding, wrong } from './finding.ts'

/** Grows when a file that was right before would mean something else, or be refused. New keys are no reason. */
export const SITE_VERSION = 1

/** A file of a later version is not searched for mistakes: what it means is not known here. */
export function newerVersion({ version }: Record<string, unknown>): Finding | undefined {
  if (typeof version !== 'number' || !Number.isInteger(version) || version <= SITE_VERSION) return undefined
  return wrong(
    'newer-version',
    ['version'],
    `this file is written for a newer Rackrise: version ${version} of the site file, and this one reads version ${SITE_VERSION}`,
    'install that Rackrise, or restore the site file of before',
  )
}
