import { describe, expect, test } from 'vitest'
import { type BootClient, type ClientFacts, describeClient } from '../../services/boot/client.ts'
import { type BootView, dhcpPlan, loaderFileFor, signedLoadersMissing, scriptPlan } from '../../services/boot/plan.ts'
import type { AttemptId, MachineId } from '../../services/machine/event.ts'
import { BACK_WITHIN_MS, type Machine, newMachine } from '../../services/machine/lifecycle.ts'

const facts = (partial: Partial<ClientFacts>): ClientFacts => ({
  userClasses: [],
  architectures: [],
  requested: [],
  ...partial,
})

describe('what speaks', () => {
  test.each<[string, ClientFacts, BootClient]>([
    [
      'a BIOS PXE ROM',
      facts({ vendorClass: 'PXEClient:Arch:00000:UNDI:002001', architectures: [0] }),
      { stage: 'firmware', via: 'tftp', architecture: 'x86-bios' },
    ],
    [
      'OVMF',
      facts({ vendorClass: 'PXEClient:Arch:00007:UNDI:003000', architectures: [7] }),
      { stage: 'firmware', via: 'tftp', architecture: 'x64-uefi' },
    ],
    [
      'UEFI HTTP boot',
      facts({ vendorClass: 'HTTPClient:Arch:00016:UNDI:003000', architectures: [16] }),
      { stage: 'firmware', via: 'http', architecture: 'x64-uefi' },
    ],
    [
      'an arm64 board',
      facts({ vendorClass: 'PXEClient:Arch:00011:UNDI:003000', architectures: [11] }),
      { stage: 'firmware', via: 'tftp', architecture: 'arm64-uefi' },
    ],
    [
      'a ROM that lists an unknown type first',
      facts({ vendorClass: 'PXEClient', architectures: [99, 9] }),
      { stage: 'firmware', via: 'tftp', architecture: 'x64-uefi' },
    ],
    [
      'iPXE, which calls itself PXEClient too',
      facts({ vendorClass: 'PXEClient:Arch:00000:UNDI:002001', userClasses: ['iPXE'], architectures: [0] }),
      { stage: 'ipxe', architecture: 'x86-bios' },
    ],
    [
      'a ROM with option 175 but without the user class is not iPXE',
      facts({ vendorClass: 'PXEClient:Arch:00000', architectures: [0] }),
      { stage: 'firmware', via: 'tftp', architecture: 'x86-bios' },
    ],
    ['the automated installer', facts({ requested: [1, 28, 2, 3, 15, 6, 119, 12, 250, 251] }), { stage: 'installer' }],
    ['an installed system', facts({ requested: [1, 28, 2, 3, 15, 6, 119, 12] }), { stage: 'system' }],
    ['firmware with an empty vendor class', facts({ vendorClass: '' }), { stage: 'system' }],
  ])('%s', (_, given, client) => {
    expect(describeClient(given)).toEqual(client)
  })
})

describe('what DHCP says about booting', () => {
  const url = 'http://10.77.0.1/boot.ipxe?mac=52:54:00:77:01:01'
  const view: BootView = { scriptUrl: url }
  const bios: BootClient = { stage: 'firmware', via: 'tftp', architecture: 'x86-bios' }
  test.each([
    ['BIOS gets undionly', bios, view, { do: 'load', loader: 'undionly.kpxe', via: 'tftp' }],
    [
      'UEFI gets snponly',
      { ...bios, architecture: 'x64-uefi' },
      view,
      { do: 'load', loader: 'snponly.efi', via: 'tftp' },
    ],
    [
      '32-bit UEFI has no loader',
      { ...bios, architecture: 'x86-uefi' },
      view,
      { do: 'nothing', reason: 'unsupported-architecture' },
    ],
    [
      'ARM64 gets snponly',
      { ...bios, architecture: 'arm64-uefi' },
      view,
      { do: 'load', loader: 'snponly-arm64.efi', via: 'tftp' },
    ],
    [
      'iPXE gets the script, never a loader again',
      { stage: 'ipxe', architecture: 'x86-bios' },
      view,
      { do: 'script', url },
    ],
    [
      'the installer of nobody gets no answer URL',
      { stage: 'installer' },
      view,
      { do: 'nothing', reason: 'no-answer-due' },
    ],
    [
      'the installer of an attempt gets it',
      { stage: 'installer' },
      { ...view, answer: { url: 'https://a/answer/t', fingerprint: 'AB' } },
      { do: 'answer', url: 'https://a/answer/t', fingerprint: 'AB' },
    ],
    ['an installed system gets an address', { stage: 'system' }, view, { do: 'nothing', reason: 'not-booting' }],
    ['a blocked machine hears nothing', bios, { ...view, silent: 'blocked' }, { do: 'silence', reason: 'blocked' }],
  ] as [string, BootClient, BootView, object][])('%s', (_, client, given, plan) => {
    expect(dhcpPlan(client, given, new Set(['undionly.kpxe', 'snponly.efi', 'snponly-arm64.efi']))).toEqual(plan)
  })

  test.each([
    [
      'Debian 13’s folder has one for ARM64',
      ['ipxe-arm64.efi', 'snponly.efi'],
      { do: 'load', loader: 'ipxe-arm64.efi' },
    ],
    ['snponly first, where both are there', ['ipxe-arm64.efi', 'snponly-arm64.efi'], { loader: 'snponly-arm64.efi' }],
    ['Debian 12’s folder has none', ['undionly.kpxe', 'snponly.efi'], { do: 'nothing', reason: 'loader-missing' }],
  ])('H04 the loader folder decides: %s', (_, files, plan) => {
    expect(dhcpPlan({ ...bios, architecture: 'arm64-uefi' }, view, new Set(files))).toMatchObject(plan)
  })
})

describe('loader = "grub"', () => {
  const view: BootView = { scriptUrl: 'http://10.77.0.1/boot.ipxe' }
  const signed = ['shimx64.efi.signed', 'grubnetx64.efi.signed']
  const uefi: BootClient = { stage: 'firmware', via: 'tftp', architecture: 'x64-uefi' }
  test.each<[string, BootClient, string[], object]>([
    ['UEFI x64 loads shim', uefi, signed, { do: 'load', loader: 'grub/shimx64.efi', via: 'tftp' }],
    ['by HTTP Boot, too', { ...uefi, via: 'http' }, signed, { loader: 'grub/shimx64.efi', via: 'http' }],
    ['without GRUB, shim is of no use', uefi, signed.slice(0, 1), { do: 'nothing', reason: 'loader-missing' }],
    [
      'a BIOS knows no Secure Boot',
      { ...uefi, architecture: 'x86-bios' },
      ['undionly.kpxe', ...signed],
      { loader: 'undionly.kpxe' },
    ],
    ['what runs iPXE all the same is told its script', { stage: 'ipxe' }, signed, { do: 'script' }],
  ])('%s', (_, client, files, plan) => {
    expect(dhcpPlan(client, { ...view, loader: 'grub' }, new Set(files))).toMatchObject(plan)
  })

  test('shim and GRUB are served by the names that firmware and shim ask for', () => {
    const there = new Set(['shimx64.efi', 'grubnetx64.efi.signed', 'snponly.efi'])
    const names = ['grub/shimx64.efi', 'grub/grubx64.efi', 'snponly.efi', 'grub/mmx64.efi']
    expect(names.map(name => loaderFileFor(name, there))).toEqual([
      'shimx64.efi',
      'grubnetx64.efi.signed',
      'snponly.efi',
      'grub/mmx64.efi',
    ])
    expect(loaderFileFor('grub/grubx64.efi', new Set())).toBeUndefined()
    expect(signedLoadersMissing(new Set(['shimx64.efi.signed']))).toEqual(['grubnetx64.efi.signed'])
  })
})

describe('what the script says', () => {
  const attempt = { id: 'a1a1a1a1' as AttemptId, profile: 'pve', startedAt: 0, resumes: 0 }
  const machine = (partial: Partial<Machine>): Machine => ({
    ...newMachine('bc:24:11:ab:12:21' as MachineId, 0),
    ...partial,
  })
  const install = (resumed: boolean): object => ({ do: 'install', attempt: 'a1a1a1a1', profile: 'pve', resumed })
  const told = 1_000_000
  const installing = (partial: object): Machine =>
    machine({ state: 'installing', attempt: { ...attempt, answeredAt: 5, ...partial } })
  test.each<[string, Machine, number, boolean, object]>([
    ['a machine that nobody approved boots its disk', machine({}), told, false, { do: 'local-disk', because: 'held' }],
    ['an approved machine installs', machine({ state: 'approved', attempt }), told, false, install(false)],
    [
      'a machine that broke off while loading installs',
      machine({ state: 'booting', attempt }),
      told,
      false,
      install(false),
    ],
    [
      'a state without an attempt never installs',
      machine({ state: 'approved' }),
      told,
      false,
      { do: 'local-disk', because: 'held' },
    ],
    ['after the answer it boots its disk', installing({}), told, false, { do: 'local-disk', because: 'installing' }],
    [
      'asking twice in one boot is not coming back',
      installing({ toldLocalAt: told }),
      told + 2000,
      false,
      { do: 'local-disk', because: 'installing' },
    ],
    [
      'back from firmware within three minutes: it resumes',
      installing({ toldLocalAt: told, backAt: told + 30_000 }),
      told + 31_000,
      false,
      install(true),
    ],
    [
      'back after three minutes: it boots its disk',
      installing({ toldLocalAt: told, backAt: told + 400_000 }),
      told + BACK_WITHIN_MS + 1,
      false,
      { do: 'local-disk', because: 'installing' },
    ],
    [
      'its script says that the disk failed: it resumes',
      installing({ toldLocalAt: told }),
      told + 500,
      true,
      install(true),
    ],
    [
      'the fourth time it gives up',
      installing({ toldLocalAt: told, resumes: 3 }),
      told + 500,
      true,
      { do: 'give-up', attempt: 'a1a1a1a1', reason: 'its disk did not boot after 3 resumed installations' },
    ],
    [
      'an installed machine boots its disk, even if that fails',
      machine({ state: 'installed', attempt }),
      told,
      true,
      { do: 'local-disk', because: 'installed' },
    ],
    [
      'a stalled machine boots its disk',
      machine({ state: 'stalled', attempt }),
      told,
      false,
      { do: 'local-disk', because: 'stalled' },
    ],
    [
      'a failed machine boots its disk',
      machine({ state: 'failed', attempt }),
      told,
      false,
      { do: 'local-disk', because: 'failed' },
    ],
  ])('%s', (_, given, now, diskFailed, plan) => {
    expect(scriptPlan(given, now, diskFailed)).toEqual(plan)
  })
})
