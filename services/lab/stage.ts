/** Where a machine of the lab stands, simulated or QEMU: what the live table shows and what decides when a run is over. */

export type Stage =
  | { at: 'off' }
  | { at: 'power-on' }
  | { at: 'dhcp' }
  | { at: 'loader' }
  | { at: 'script' }
  | { at: 'kernel' }
  /** Bytes of the initrd with the ISO in it; `total` where the server told it. */
  | { at: 'iso'; received: number; total?: number }
  | { at: 'answer' }
  | { at: 'installing' }
  | { at: 'reboot' }
  | { at: 'installed' }
  | { at: 'booted-disk' }
  | { at: 'held' }
  | { at: 'failed'; why: string }

/** How a machine's run ended. `held` and `booted-disk` are as good an end as `installed`, if that was the plan. */
export type Outcome =
  | { outcome: 'installed' }
  | { outcome: 'booted-disk' }
  | { outcome: 'held' }
  | { outcome: 'failed'; why: string }

export function stageOf(outcome: Outcome): Stage {
  return outcome.outcome === 'failed' ? { at: 'failed', why: outcome.why } : { at: outcome.outcome }
}

/** True for stages that no machine leaves on its own. */
export function isFinal(stage: Stage): boolean {
  return ['installed', 'booted-disk', 'held', 'failed'].includes(stage.at)
}
