/** How fast a simulated machine lives. Everything that waits stands here, so that nothing waits for ever. */

export type Pace = {
  /** Self test before the first DISCOVER. */
  postMs: number
  /** How long each try of DISCOVER or REQUEST waits. */
  dhcpWaitsMs: readonly number[]
  tftpWaitMs: number
  tftpTries: number
  dnsWaitMs: number
  dnsTries: number
  /** A download that hears nothing for so long is broken off. */
  idleMs: number
  /** Pauses of boot scripts are cut to this. */
  longestScriptPauseMs: number
  /** From the start of the kernel to the installer's first DISCOVER. */
  kernelMs: number
  /** The installer's limit for one request, all in all. */
  requestLimitMs: number
  /** From the answer to a bootable disk. */
  installMs: number
  /** From a reset, or from a disk that does not boot, to the next self test. */
  rebootMs: number
  /** A life that takes longer is ended. */
  lifeLimitMs: number
}

/** As real machines are, apart from their self test: 20 to 90 s from kernel to DISCOVER, 2 to 15 minutes of installing. */
const REAL_PACE: Pace = {
  postMs: 5_000,
  dhcpWaitsMs: [4_000, 8_000, 16_000, 32_000],
  tftpWaitMs: 4_000,
  tftpTries: 6,
  dnsWaitMs: 5_000,
  dnsTries: 3,
  idleMs: 60_000,
  longestScriptPauseMs: 60_000,
  kernelMs: 30_000,
  requestLimitMs: 60_000,
  installMs: 180_000,
  rebootMs: 5_000,
  lifeLimitMs: 3_600_000,
}

/** What the lab uses: the waiting for others is real, the waiting for oneself is short. */
export const LAB_PACE: Pace = {
  ...REAL_PACE,
  postMs: 200,
  dhcpWaitsMs: [1_000, 2_000, 4_000, 8_000],
  longestScriptPauseMs: 1_000,
  kernelMs: 500,
  installMs: 2_000,
  rebootMs: 500,
  lifeLimitMs: 900_000,
}
