import { parse } from 'smol-toml'
import { expect, test } from 'vitest'
import {
  labSiteText,
  type LabFirmware,
  type LabMachine,
  networkFor,
  planMachines,
} from '../../services/lab/rack-plan.ts'

const TEMPLATE = '[dhcp]\nlease-time = "10m"\n[[profile]]\nname = "pve"\niso = "pve:latest"\n'

test.each<[LabFirmware, string[]]>([
  ['bios', ['bios', 'bios', 'bios']],
  ['uefi', ['uefi', 'uefi', 'uefi']],
  ['uefi-http', ['uefi by HTTP', 'uefi by HTTP', 'uefi by HTTP']],
  ['uefi-secure', ['uefi and Secure Boot', 'uefi and Secure Boot', 'uefi and Secure Boot']],
  ['mixed', ['bios', 'uefi', 'bios']],
])('machines of %s', (firmware, kinds) => {
  const machines = planMachines(3, firmware, true)
  const kindOf = ({ firmware: kind, httpBoot, secureBoot }: LabMachine): string =>
    `${kind}${httpBoot ? ' by HTTP' : ''}${secureBoot ? ' and Secure Boot' : ''}`
  expect(machines.map(kindOf)).toEqual(kinds)
  expect(new Set(machines.map(({ mac }) => mac)).size).toBe(3)
})

test('the site beside another server is the template’s, as a proxy', () => {
  const lab = { template: TEMPLATE, machines: [], paths: { isos: 'i', answers: 'a', state: 's' }, loaders: 'l' }
  expect(parse(labSiteText(lab))['dhcp']).toEqual({ 'lease-time': '10m' })
  expect(parse(labSiteText({ ...lab, dhcpMode: 'proxy' }))['dhcp']).toEqual({ 'lease-time': '10m', mode: 'proxy' })
})

test('machines with Secure Boot get signed loaders by the site', () => {
  const machines = planMachines(1, 'uefi-secure', true)
  const lab = { template: TEMPLATE, machines, paths: { isos: 'i', answers: 'a', state: 's' }, loaders: 'l' }
  expect(parse(labSiteText(lab))['machine']).toMatchObject([{ name: 'node1', loader: 'grub' }])
})

test.each([
  [250, '10.77.0.1/22', '10.77.2.0/23', '10.77.2.1-10.77.3.239'],
  [239, '10.77.0.1/23', '10.77.1.0/24', '10.77.1.1-10.77.1.239'],
  [8000, '10.77.0.1/18', '10.77.32.0/19', '10.77.32.1-10.77.63.239'],
])('a network for %i machines at once', (addresses, address, range, pool) => {
  expect(networkFor(addresses)).toEqual({ address, range, pool })
  const lab = { template: TEMPLATE, machines: [], paths: { isos: 'i', answers: 'a', state: 's' }, loaders: 'l' }
  const site = parse(labSiteText({ ...lab, network: networkFor(addresses), leaseTime: '2m' }))
  expect(site['network']).toEqual({ address })
  expect(site['dhcp']).toMatchObject({ 'lease-time': '2m', subnet: [{ pools: [pool] }] })
})
