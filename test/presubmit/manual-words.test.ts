/** The words of the manual are those of the product: reasons, codes, keys. And what is an alarm or an error is told of. */
import { expect, test } from 'vitest'
import { COMMANDS } from '../../services/cli/run.ts'
import { SITE_WORDS, siteFile } from '../../services/site/schema.ts'
import { inlineCode, MANUAL, PAGES } from '../docs/manual.ts'

const REFERENCE = PAGES.find(({ path }) => path === 'docs/reference/reasons.md')!

/** What the reference has, which is made of the closed tables: each code with the heading above it, and its severity where it has one. */
const REASONS = REFERENCE.text.split(/^## /m).flatMap(section =>
  section.split('\n').flatMap(line => {
    const [, code] = /^\| `([a-z0-9-]+)` \|/.exec(line) ?? []
    return code === undefined
      ? []
      : [{ code, section: section.split('\n')[0]!, severity: line.split('|').at(-2)!.trim() }]
  }),
)
const REASON_WORDS = new Set(REASONS.map(({ code }) => code))

const TABLE_PATHS = [
  ...Object.keys(siteFile.shape).map(name => [name]),
  ['dhcp', 'subnet', 0],
  ['dhcp', 'reservation', 0],
  ['dns', 'record', 0],
]
const SITE_KEYS = new Set(
  TABLE_PATHS.flatMap(path => [...SITE_WORDS.keysOf(path), ...SITE_WORDS.keysOf([...path, 0])]).concat(
    Object.keys(siteFile.shape),
  ),
)

/** Words with dashes that are neither reasons nor keys: names of programs, files, packages, layers, headers and of others' formats. */
const OTHER_WORDS = new Set(
  `x-csrf-token idempotency-key rackrise-event rackrise-signature rackrise-user
  proxmox-auto-installer proxmox-auto-installer-cert-fingerprint proxmox-auto-install-assistant proxmox-start-auto-installer proxmox-fetch-answer
  shim-signed grub-efi-amd64-signed systemd-timesyncd systemd-resolved ansible-core vagrant-libvirt
  webhook-given-up answer-failed gave-up first-boot from-dhcp from-answer from-iso second-initrd uefi-http uefi-secure
  zfs-mirror one-rack many-racks http-boot hand-over secure-boot static-addresses random-passwords wiki-server
  default-leaf known_hosts node1 prepare-iso reboot-on-error root-password root-password-hashed root-ssh-keys disk-list disk-setup filter-match
  post-installation-webhook cert-fingerprint x86-bios x64-uefi arm64-uefi next-server force-up`
    .split(/\s+/)
    .filter(word => word !== ''),
)

const OPTIONS = new Set(COMMANDS.flatMap(({ options }) => Object.keys(options)))
/** Of `[dhcp]` or of `dhcp`, and the last key of `dhcp.lease-time`. */
const isKey = (word: string): boolean => SITE_KEYS.has(word)

/** Made of the code, and compared with it. */
const IS_GENERATED = /^docs\/(reference\/|metrics\.md$)/

test('every word with dashes is a reason, a key, an option, or one that is known', () => {
  const wrong = MANUAL.filter(({ path }) => !IS_GENERATED.test(path)).flatMap(page =>
    inlineCode(page).flatMap(({ line, code }) =>
      /^[a-z][a-z0-9]*(-[a-z0-9]+)+$/.test(code) &&
      !REASON_WORDS.has(code) &&
      !isKey(code) &&
      !OPTIONS.has(code) &&
      !OTHER_WORDS.has(code)
        ? [`${page.path}:${line}: ${code}`]
        : [],
    ),
  )
  expect(wrong).toEqual([])
})

test('what is an alarm or an error is told of where people look for a symptom', () => {
  // What a command or the API answers at once says itself what to do.
  const isMet = (section: string): boolean => /^(DHCP|DNS|TFTP|HTTP|Console|Doctor|ISOs|Further alarms)/.test(section)
  const severe = REASONS.flatMap(({ code, section, severity }) =>
    isMet(section) && (/^(alarm|error)/.test(severity) || section === 'Further alarms') ? [code] : [],
  )
  expect(severe.length).toBeGreaterThan(50)
  const told = new Set(
    MANUAL.filter(({ path }) => path.startsWith('docs/troubleshooting/')).flatMap(page =>
      inlineCode(page).map(({ code }) => code),
    ),
  )
  expect([...new Set(severe)].filter(code => !told.has(code)).toSorted()).toEqual([])
})
