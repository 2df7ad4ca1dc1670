/**
 * A Debian in a folder, made by mmdebstrap from the archive that this host's apt uses. What runs in it has a mount and process namespace of its own, an empty
 * environment, and nothing of the host: no Node, no checkout.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync, readFileSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Outcome } from './appliance-rig.ts'

const MAKE_LIMIT_MS = 240_000
const COMMAND_LIMIT_MS = 120_000

/** What the package depends on, and what the tests look with. */
const INCLUDED = ['ipxe', 'libatomic1', 'libstdc++6', 'systemd', 'iproute2', 'bash-completion']

/** $0 is the folder, what follows is run. All mounts end with the namespace. */
const ENTER = `set -e
mount -t proc proc "$0/proc"
mount -t sysfs sysfs "$0/sys"
mount -t tmpfs tmpfs "$0/dev"
for device in null zero full random urandom tty; do touch "$0/dev/$device"; mount --bind "/dev/$device" "$0/dev/$device"; done
exec chroot "$0" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"`

function suite(): string {
  const [, name] = /^VERSION_CODENAME=(.*)$/m.exec(readFileSync('/etc/os-release', 'utf8')) ?? []
  return name!
}

/** Where apt here gets this release from. */
function archive(release: string): string {
  const format = ['indextargets', '--format', '$(CODENAME) $(ORIGIN) $(REPO_URI)', 'Created-By: Packages']
  const targets = execFileSync('apt-get', format, { encoding: 'utf8' }).split('\n')
  return targets.find(line => line.startsWith(`${release} Debian `))!.split(' ')[2]!
}

export class PackageRoot {
  readonly folder: string

  private constructor(folder: string) {
    this.folder = folder
  }

  static make(folder: string): PackageRoot {
    const release = suite()
    const line = ['--variant=essential', `--include=${INCLUDED.join()}`, '--quiet', release, folder, archive(release)]
    execFileSync('mmdebstrap', line, { stdio: 'pipe', timeout: MAKE_LIMIT_MS })
    return new PackageRoot(folder)
  }

  path(inside: string): string {
    return join(this.folder, inside)
  }

  /** A command line for the host that runs another one inside. */
  command(words: readonly string[]): string[] {
    return ['unshare', '--mount', '--pid', '--fork', '--kill-child', 'sh', '-c', ENTER, this.folder, ...words]
  }

  run(...words: string[]): Outcome {
    const [program, ...rest] = this.command(words)
    const { status, stdout, stderr } = spawnSync(program!, rest, { encoding: 'utf8', timeout: COMMAND_LIMIT_MS })
    return { status, stdout, stderr }
  }

  /** As dpkg does it where nobody can be asked: a file that was edited stays as it is. */
  install(deb: string): Outcome {
    const inside = `/var/tmp/${basename(deb)}`
    copyFileSync(deb, this.path(inside))
    const done = this.run('dpkg', '--force-confold', '--install', inside)
    rmSync(this.path(inside))
    return done
  }
}
