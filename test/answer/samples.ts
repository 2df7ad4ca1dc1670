/** Values that several tests of this room share. */
import { type Dialect, dialectOfVersion, type InstallerVersion } from '../../services/answer/dialect.ts'
import type { AnswerTable } from '../../services/answer/keys.ts'
import { type Layers, readLayer } from '../../services/answer/layer.ts'
import type { AnswerTarget } from '../../services/answer/dialect.ts'
import { validateAnswer } from '../../services/answer/validate.ts'
import { parseMac } from '../../services/kit/mac.ts'

export const NEWEST: Dialect = dialectOfVersion([9, 2])

export const HASH = '$y$j9T$Zc0JrJ0tq1kUuQyWbQ5rM/$wY7bT0o2s9S4n2gkq8h3l1cVbq2m6nE4r5t6u7v8w9A'

export const ED25519 = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMTytTAHEFvIYyd7DX3reoEm/IkxykZXnnEXfBEsLwyX ops'
export const ECDSA =
  'ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBMlfPgAheRhmmxeG4w/4OQAsv6O7RCDTZfUihFjIlTv0ngxxgRe2i3elXh/W8aNGk0V6RZAd7PTFcME2LCGpI8s= ops'

export function bytesOf(value: unknown): Uint8Array {
  return new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value))
}

/** A small answer that every installer accepts; parts of it may be replaced. */
export function answerWith(
  parts: { global?: AnswerTable; network?: AnswerTable; disks?: AnswerTable } & AnswerTable = {},
) {
  const { global, network, disks, ...sections } = parts
  return {
    global: {
      keyboard: 'de',
      country: 'de',
      fqdn: 'node7.rack7.example.org',
      mailto: 'ops@example.org',
      timezone: 'Europe/Berlin',
      'root-password': 'correct horse',
      ...global,
    },
    network: { source: 'from-dhcp', ...network },
    'disk-setup': disks ?? { filesystem: 'ext4', 'disk-list': ['sda'] },
    ...sections,
  } satisfies AnswerTable
}

/** Layers as they would be loaded from files of those names. */
export function layersOf(texts: Record<string, string>): Layers {
  const layers: Layers = { byName: new Map(), byMac: new Map(), broken: new Map(), problems: [] }
  for (const [name, text] of Object.entries(texts)) {
    const { layer, problems } = readLayer(name, `answers/${name}.toml`, text)
    layers.problems.push(...problems)
    const mac = parseMac(name)
    if (layer && mac) layers.byMac.set(mac, layer)
    else if (layer) layers.byName.set(name, layer)
    else if (problems[0]) layers.broken.set(mac ?? name, problems[0])
  }
  return layers
}

export const PVE = { installer: [9, 2] as InstallerVersion, product: 'pve' }

/** What the validator says of it, one line each. */
export function say(answer: unknown, target: AnswerTarget = PVE): string[] {
  return validateAnswer(answer, target).map(({ severity, code, message }) => `${severity} ${code}: ${message}`)
}

/** How most of those lines begin. */
export const E = 'error wrong-value: '
