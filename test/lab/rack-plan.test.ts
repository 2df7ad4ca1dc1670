import { parse } from 'smol-toml'
import { expect, test } from 'vitest'
import { labSiteText, type LabFirmware, type LabMachine, planMachines } from '../../services/lab/rack-plan.ts'

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
