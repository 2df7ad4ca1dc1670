/** Debian packages that the lab needs, told by files they bring. */
import { access } from 'node:fs/promises'
import { EnvironmentProblem } from '../kit/problem.ts'

export type Need = { file: string; package: string }

/** Packages of which a file is missing, each once, in order. */
export async function missingPackages(needs: readonly Need[]): Promise<string[]> {
  const missing = await Promise.all(needs.map(async need => ((await exists(need.file)) ? [] : [need.package])))
  return [...new Set(missing.flat())]
}

/** What a person types to get them. */
export function aptLine(packages: readonly string[]): string {
  return `apt-get install --no-install-recommends ${packages.join(' ')}`
}

export function missingPackagesProblem(packages: readonly string[], what: string): EnvironmentProblem {
  return new EnvironmentProblem('missing-packages', `${what} needs ${packages.join(', ')}`, `run: ${aptLine(packages)}`)
}

function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  )
}
