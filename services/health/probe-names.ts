/** What `doctor` looks at, one word each. */

/** In the order in which their findings are shown. */
export const PROBE_NAMES = [
  'servers',
  'ports',
  'link',
  'firewall',
  'relays',
  'routers',
  'pools',
  'clock',
  'certificate',
  'loaders',
  'isos',
  'check',
  'dns',
  'state',
] as const
export type ProbeName = (typeof PROBE_NAMES)[number]
