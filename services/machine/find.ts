/** What a person may type for a machine. */
import type { Machine } from './lifecycle.ts'
import type { Listing } from './listing.ts'

/** Host name, FQDN, MAC in any spelling, serial number, or address; in any case of letters. */
export function answersTo(query: string, machine: Machine, listing: Listing): boolean {
  const wanted = query.trim().toLowerCase()
  const mac = wanted.replaceAll(/[:.-]/g, '')
  const { name, fqdn, serial, address } = listing
  const names = [name, fqdn, serial, address, machine.serial, machine.address, machine.installed?.fqdn]
  return (
    names.some(value => value?.toLowerCase() === wanted) || machine.macs.some(own => own.replaceAll(':', '') === mac)
  )
}
