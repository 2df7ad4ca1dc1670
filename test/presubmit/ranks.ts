/** Who may import whom: the one table, for the test that holds it and for the map in CONTRIBUTING.md. */

/** A room may import itself and rooms of lower rank. Rooms of one rank never import each other. */
export const RANKS: Record<string, number> = {
  kit: 0,
  site: 1,
  store: 2,
  machine: 3,
  boot: 4,
  iso: 4,
  answer: 4,
  webhook: 4,
  dhcp: 5,
  dns: 5,
  tftp: 5,
  http: 5,
  console: 5,
  reload: 6,
  // It asks every protocol from outside, as a machine would; nobody but the programs above asks it.
  health: 6,
  'main.ts': 7,
  cli: 7,
  lab: 7,
}

/** One rank, several rooms, and yet one arrow: building applications is HTTP's, and rank 7 is the top, where everything meets. */
export const TOP = 7
