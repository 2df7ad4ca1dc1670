/** Alternated runs: A B C, A B C, ... so that a machine that grows slow is slow for everybody. */
import { BenchNetwork, type Readiness, type Running } from './network.ts'
import { type Choices, isChosen } from './suite.ts'

export type Started = { command: readonly string[]; ready: Readiness; environment?: Record<string, string> }

/** A program that is measured: how to start it afresh in a folder that is empty. */
export type Contender = { name: string; prepare(folder: string, network: BenchNetwork): Promise<Started> }

/** As the unit starts the appliance (`Nice=` in systemd/rackrise.service): where processors are short, it goes before the clients, which stand elsewhere in a rack. */
const AS_ITS_UNIT = ['nice', '-n', '-5']

/** A contender that whoever loads the same machine gives way to. */
export function asItsUnit(contender: Contender): Contender {
  return {
    name: contender.name,
    async prepare(folder, network) {
      const started = await contender.prepare(folder, network)
      return { ...started, command: [...AS_ITS_UNIT, ...started.command] }
    },
  }
}

/** Starts a contender, lets `measure` ask it, and stops it. */
export async function withContender<T>(
  network: BenchNetwork,
  contender: Contender,
  measure: (running: Running, folder: string) => Promise<T>,
): Promise<T> {
  const folder = network.freshFolder(contender.name.replaceAll(/[^a-z0-9]+/g, '-'))
  const { command, ready, environment } = await contender.prepare(folder, network)
  const running = network.spawn('server', command, environment)
  try {
    await running.untilReady(contender.name, ready)
    return await measure(running, folder)
  } finally {
    await running.stop()
  }
}

/** Every contender once a round, each afresh; results in the order of the rounds. */
export async function alternate<T>(
  contenders: readonly Contender[],
  rounds: number,
  choices: Choices,
  measure: (contender: Contender, round: number) => Promise<T>,
): Promise<{ contender: string; results: T[] }[]> {
  const chosen = contenders.filter(({ name }) => isChosen(name, choices))
  const all = chosen.map(contender => ({ contender: contender.name, results: [] as T[] }))
  for (let round = 1; round <= rounds; round++) {
    for (const [index, contender] of chosen.entries()) {
      choices.tell(`round ${round} of ${rounds}: ${contender.name}`)
      all[index]!.results.push(await measure(contender, round))
    }
  }
  return all
}

/** The network is gone afterwards, whatever happens, also on an interrupt. */
export async function withNetwork<T>(work: (network: BenchNetwork) => Promise<T>): Promise<T> {
  const network = BenchNetwork.open()
  const interrupted = (): void => void network.close().finally(() => process.exit(130))
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted)
  try {
    return await work(network)
  } finally {
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted)
    await network.close()
  }
}
