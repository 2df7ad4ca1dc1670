/** The words of the manual are those of the product: reasons, codes, keys. And what is an alarm or an error is told of. */
import { expect, test } from 'vitest'
import { ANSWER_PROBLEM_CODES } from '../../services/answer/problems.ts'
import { COMMANDS } from '../../services/cli/run.ts'
import { REASONS as CONSOLE } from '../../services/console/reasons.ts'
import { REASONS as DHCP } from '../../services/dhcp/reasons.ts'
import { REASONS as DNS } from '../../services/dns/reasons.ts'
import { FINDINGS } from '../../services/health/codes.ts'
import { REASONS as HTTP } from '../../services/http/reasons.ts'
import { SITE_PROBLEM_CODES } from '../../services/site/finding.ts'
import { SITE_WORDS, siteFile } from '../../services/site/schema.ts'
import { REASONS as TFTP } from '../../services/tftp/reasons.ts'
import { inlineCode, MANUAL, PAGES } from '../docs/manual.ts'

type Severe = { severity: string }

/** Codes whose closed table is the README of their room, which a test there compares with the code. */
function codesInReadme(room: string): { code: string; severity: string }[] {
  const { text } = PAGES.find(({ path }) => path === `services/${room}/README.md`)!
  return text.split('\n').flatMap(line => {
    const cells = line.split('|').map(cell => cell.trim())
    const codes = [...(cells[1] ?? '').matchAll(/`([a-z][a-z0-9-]*)`/g)].map(([, code]) => code!)
    return line.startsWith('| `') ? codes.map(code => ({ code, severity: cells.at(-2)! })) : []
  })
}

const TABLES: Record<string, Severe> = { ...DNS, ...TFTP, ...HTTP, ...DHCP, ...CONSOLE, ...FINDINGS }
const OF_ROOMS = ['http', 'iso', 'webhook'].flatMap(codesInReadme)
/** Alarms that the README of `machine` tells of in its text. */
const OF_MACHINES = ['boot-loop', 'identity-conflict']

const REASON_WORDS = new Set([
  ...Object.keys(TABLES),
  ...OF_ROOMS.map(({ code }) => code),
  ...OF_MACHINES,
  ...ANSWER_PROBLEM_CODES,
  ...SITE_PROBLEM_CODES,
])

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
  shim-signed grub-efi-amd64-signed systemd-timesyncd systemd-resolved ansible-core
  answer-failed gave-up first-boot from-dhcp from-answer from-iso second-initrd uefi-http uefi-secure
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
  const severe = [
    ...Object.entries(TABLES).flatMap(([code, { severity }]) => (['alarm', 'error'].includes(severity) ? [code] : [])),
    ...OF_ROOMS.flatMap(({ code, severity }) => (/^(alarm|error)/.test(severity) ? [code] : [])),
    ...OF_MACHINES,
    'certificate-waits',
    'webhook-failing',
  ]
  expect(severe.length).toBeGreaterThan(50)
  const told = new Set(
    MANUAL.filter(({ path }) => path.startsWith('docs/troubleshooting/')).flatMap(page =>
      inlineCode(page).map(({ code }) => code),
    ),
  )
  expect([...new Set(severe)].filter(code => !told.has(code)).toSorted()).toEqual([])
})
