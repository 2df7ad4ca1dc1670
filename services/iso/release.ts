/** Which Proxmox product and release an image is: `/.cd-info` and `/.disk/info`, one `KEY='value'` a line. */

export const PRODUCTS = ['pve', 'pbs', 'pmg', 'pdm'] as const
export type Product = (typeof PRODUCTS)[number]

export type Release = {
  product: Product
  /** `Proxmox VE`: for people. */
  productLong: string
  /** `9.2` */
  release: string
  /** The spin of that release: `1` of `proxmox-ve_9.2-1.iso`. */
  isorelease: string
  /** Debian's word for it, `amd64` or `arm64`; images that do not say are `amd64`. */
  arch: string
}

const LONG_NAMES: Record<Product, string> = {
  pve: 'Proxmox VE',
  pbs: 'Proxmox Backup Server',
  pmg: 'Proxmox Mail Gateway',
  pdm: 'Proxmox Datacenter Manager',
}

/** Names that other tools give to the same architecture. */
const ARCHITECTURES: Record<string, string> = { x86_64: 'amd64', aarch64: 'arm64' }

const LINE = /^\s*([A-Z_]+)\s*=\s*(?:'([^']*)'|"([^"]*)"|([^\s#'"]*))\s*(?:#.*)?$/
/** Real lines have about thirty characters; matching takes quadratic time, so that longer ones are not looked at. */
const MOST_LINE_CHARACTERS = 256
const RELEASE = /^\d{1,4}(\.\d{1,4}){0,3}$/
const ARCHITECTURE = /^[a-z][a-z0-9_-]{0,15}$/
const SPIN = /^\w[\w.-]{0,31}$/

function readPairs(text: string): Map<string, string> {
  const pairs = new Map<string, string>()
  for (const line of text.split(/\r?\n/)) {
    const match = line.length <= MOST_LINE_CHARACTERS ? LINE.exec(line) : null
    if (match) pairs.set(match[1]!, match[2] ?? match[3] ?? match[4] ?? '')
  }
  return pairs
}

function asProduct(text: string | undefined): Product | undefined {
  return PRODUCTS.find(product => product === text)
}

/** Reads the text of `/.cd-info`; undefined unless it names a Proxmox product and a release. */
export function parseRelease(text: string): Release | undefined {
  const pairs = readPairs(text)
  const product = asProduct(pairs.get('PRODUCT'))
  const release = pairs.get('RELEASE') ?? ''
  const isorelease = pairs.get('ISORELEASE') ?? ''
  if (!product || !RELEASE.test(release) || !SPIN.test(isorelease)) return undefined
  const arch = pairs.get('ARCH') || 'amd64'
  if (!ARCHITECTURE.test(arch)) return undefined
  return {
    product,
    productLong: pairs.get('PRODUCTLONG') || LONG_NAMES[product],
    release,
    isorelease,
    arch: ARCHITECTURES[arch] ?? arch,
  }
}

/** Below zero if `a` is older. Numbers are compared as numbers, part by part: 9.10 is newer than 9.2. */
export function compareVersions(a: string, b: string): number {
  const left = a.split(/[.-]/)
  const right = b.split(/[.-]/)
  for (let part = 0; part < Math.max(left.length, right.length); part++) {
    const difference = (Number.parseInt(left[part] ?? '0', 10) || 0) - (Number.parseInt(right[part] ?? '0', 10) || 0)
    if (difference !== 0) return difference
  }
  return 0
}

/** By release, then by spin. */
export function compareReleases(a: Release, b: Release): number {
  return compareVersions(a.release, b.release) || compareVersions(a.isorelease, b.isorelease)
}

/** `pve 9.2-1`, with the architecture where it is not the usual one. */
export function formatRelease({ product, release, isorelease, arch }: Release): string {
  return `${product} ${release}-${isorelease}${arch === 'amd64' ? '' : ` ${arch}`}`
}
