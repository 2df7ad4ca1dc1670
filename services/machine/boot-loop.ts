/**
 * A machine that is given its loader again and again and never gets as far as its boot script: a NIC that hangs, a loader that its firmware
 * cannot run, a port that is closed. Pure; what ends it is progress, or a person who approves the machine anew (H19).
 */
import type { Instant } from '../kit/clock.ts'
import type { Fact, MachineEvent } from './event.ts'

/** Boots since the last progress by stage, the latest last, no more than it takes. */
export type FutileBoots = { firmware?: readonly Instant[]; ipxe?: readonly Instant[] }

/**
 * So many within that time. The slowest servers take ten minutes from reset to loader, so a machine that does nothing else is noticed within the hour,
 * as is firmware that asks twice a minute within three; a person who power-cycles a machine, or one that is rebooted daily, stays below it.
 */
export const BOOTS_MOST = 6
export const WITHIN_MS = 60 * 60_000
/** Firmware asks two to six times in one boot, and through each of its NICs: what comes so soon is the same boot. */
export const SAME_BOOT_MS = 30_000

/** The stage that was given something to boot; undefined for every other event. */
export function stageToldOf(event: MachineEvent): 'firmware' | 'ipxe' | undefined {
  if (event.type !== 'leased' && event.type !== 'boot-told') return undefined
  if (event.stage === 'firmware') return event.loader === undefined ? undefined : 'firmware'
  return event.stage === 'ipxe' ? 'ipxe' : undefined
}

/** Those of the last hour; of those that lie ahead, since the clock was set back, nobody knows when they were. */
function recentOf(boots: FutileBoots, stage: 'firmware' | 'ipxe', now: Instant): Instant[] {
  return (boots[stage] ?? []).filter(boot => boot <= now && now - boot < WITHIN_MS)
}

export function countBoot(boots: FutileBoots, stage: 'firmware' | 'ipxe', at: Instant): FutileBoots {
  const recent = recentOf(boots, stage, at)
  const last = recent.at(-1)
  if (last !== undefined && at - last < SAME_BOOT_MS) return boots
  return { ...boots, [stage]: [...recent, at].slice(-BOOTS_MOST) }
}

/** The fact that another boot, beginning now, makes true, if it does: the one before it may still be on its way. */
export function loopIn(
  boots: FutileBoots,
  stage: 'firmware' | 'ipxe',
  now: Instant,
): Extract<Fact, { type: 'boot-looped' }> | undefined {
  const recent = recentOf(boots, stage, now)
  const [first, last] = [recent[0], recent.at(-1)]
  if (first === undefined || last === undefined || recent.length < BOOTS_MOST || now - last < SAME_BOOT_MS)
    return undefined
  return { type: 'boot-looped', stage, boots: recent.length, seconds: Math.round((now - first) / 1000) }
}
