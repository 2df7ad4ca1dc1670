/** What this appliance is, under `/api/v1`; that it runs, and that it can do its work, for who restarts it. */
import { resolve } from 'node:path'
import type { Clock, Instant } from '../kit/clock.ts'
import type { Log } from '../kit/log.ts'
import type { Problem } from '../kit/problem.ts'
import { sharedRun } from '../kit/shared-run.ts'
import type { Site } from '../site/types.ts'
import type { ConsoleApp } from './app.ts'
import type { Loaded } from './reload-api.ts'
import { applianceView, type ApplianceView, works } from './schema/appliance.ts'
import { problemSchema } from './schema/problem.ts'

export type ApplianceContext = {
  site: Site
  version: string
  startedAt: Instant
  fingerprint: () => string | undefined
  /** Of the site file that is served. */
  loaded: () => Loaded
  /** Rejects when the state can't be written: without it no lease is acknowledged and no answer served. */
  prove: () => Promise<void>
  clock: Clock
  log: Log
}

/** Who asks often makes no more writes than this, in milliseconds. */
const PROVEN_MS = 1_000

function viewAppliance({ site, version, startedAt, loaded, fingerprint, clock }: ApplianceContext): ApplianceView {
  const { file, name, domain, network, dhcp, boot, profiles } = site
  const print = fingerprint()
  const { at, ...rest } = loaded()
  return {
    ...{ name, domain, version },
    startedAt: new Date(startedAt).toISOString(),
    now: new Date(clock.now()).toISOString(),
    siteFile: { file: resolve(file), at: new Date(at).toISOString(), ...rest },
    interface: network.interface,
    address: network.address,
    ...(print === undefined ? {} : { fingerprint: print }),
    mode: dhcp.mode,
    profiles: [...profiles.values()].map(profile => ({
      name: profile.name,
      iso: profile.iso,
      answers: profile.answers,
      kernelArgs: profile.kernelArgs,
      ...(profile.firstBoot ? { firstBoot: profile.firstBoot } : {}),
    })),
    unknown: boot.unknown,
  }
}

/** Anybody may ask, so the cause is in the log only. */
const UNWRITABLE: Problem = {
  code: 'not-ready',
  message: 'the state can not be written; see the log',
  hint: 'make room on the disk of paths.state; until then nothing is leased and nothing installs',
  severity: 'error',
}

/** Whether it runs, and whether it can do its work. */
export function addProbes(
  app: ConsoleApp,
  { prove, clock, log }: Pick<ApplianceContext, 'prove' | 'clock' | 'log'>,
): void {
  // All ports are open before there is anybody to ask this; what is left to fail is the disk.
  const lastProof = sharedRun(prove, { freshMs: PROVEN_MS, clock })
  app.get(
    '/healthz',
    {
      config: { role: 'none' },
      schema: { operationId: 'isAlive', summary: 'It runs', tags: ['appliance'], response: { 200: works } },
    },
    async () => ({ status: 'ok' as const }),
  )
  app.get(
    '/readyz',
    {
      config: { role: 'none' },
      schema: {
        operationId: 'isReady',
        summary: 'It can do its work: its ports are open, and its state is written',
        tags: ['appliance'],
        response: { 200: works, '4xx': problemSchema },
      },
    },
    async () =>
      lastProof().then(
        () => ({ status: 'ok' as const }),
        (error: unknown) => {
          log.error({ error: String(error) }, 'not ready: the state can not be written')
          return UNWRITABLE
        },
      ),
  )
}

export function addApplianceApi(app: ConsoleApp, context: ApplianceContext): void {
  addProbes(app, context)
  app.get(
    '/api/v1/appliance',
    {
      config: { role: 'viewer' },
      schema: {
        operationId: 'getAppliance',
        summary: 'What this appliance is: who it serves, and with what',
        tags: ['appliance'],
        response: { 200: applianceView },
      },
    },
    async () => viewAppliance(context),
  )
}
