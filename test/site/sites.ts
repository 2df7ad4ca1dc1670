/** Site files for tests: a small right one, and a way to spoil it. */
import { formatProblem } from '../../services/kit/problem.ts'
import { parseSite, type Environment } from '../../services/site/parse.ts'

export const NO_INTERFACES: Environment = { interfaceAddress: () => undefined }

/** Lines 1 to 9. */
export const RIGHT = `[site]
domain = "rack.test"
[network]
interface = "eth1"
address = "10.77.0.1/24"
[[dhcp.subnet]]
prefix = "10.77.0.0/24"
pools = ["10.77.0.100-10.77.0.199"]
router = "10.77.0.254"
`

/** The right site with one more profile, for lines from 13 on. */
export const WITH_PROFILE = `${RIGHT}[[profile]]
name = "pve"
iso = "pve:latest"
`

/** Every problem of the source as the command line prints it. */
export function problemsOf(source: string, environment: Environment = NO_INTERFACES): string[] {
  const outcome = parseSite(source, 's.toml', environment)
  return ('problems' in outcome ? outcome.problems : outcome.warnings).map(formatProblem)
}

/** The right site with one piece of it replaced. */
export function changed(from: string, to: string): string {
  if (!RIGHT.includes(from)) throw new Error(`the right site has no ${from}`)
  return RIGHT.replace(from, to)
}

/** A listed machine, for sources with the profile `pve`: name, MAC and profile on the second to fourth line. */
export function machine(name: string, mac: string, more = ''): string {
  return `[[machine]]\nname = "${name}"\nmac = ["${mac}"]\nprofile = "pve"\n${more}`
}

/** The right site with a profile that has one kernel argument, on line 13. */
export function withKernelArgument(word: string): string {
  return `${WITH_PROFILE}kernel-args = ["${word}"]\n`
}

/** The right site with extra options of its subnet, on line 10. */
export function withOptions(options: string): string {
  return `${RIGHT}options = [${options}]\n`
}

/** A record; its name is on the second line. */
export function record(name: string, type: string, value: string): string {
  return `[[dns.record]]\nname = "${name}"\ntype = "${type}"\nvalue = "${value}"\n`
}
