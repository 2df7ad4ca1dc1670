/** Certificates of the TLS port, as files: the site's own, or a self-signed one that is made, kept and made anew before it ends. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { open, readFile, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { generate } from 'selfsigned'
import type { Instant } from '../kit/clock.ts'
import { giveToOwnerOf } from '../kit/ownership.ts'
import { EnvironmentProblem, type Problem } from '../kit/problem.ts'
import { readSecret } from '../site/read-secret.ts'
import type { Site } from '../site/types.ts'

export type Certificate = {
  cert: string
  key: string
  /** SHA-256 of the leaf's DER form, 64 upper-case hexadecimal digits: what the installer pins (H27). */
  fingerprint: string
  notAfter: Date
}

const KEPT_YEARS = 10
const DAY_MS = 24 * 3_600_000
/** How long before its end a self-signed certificate is made anew, and the end of another one is told. */
export const BEFORE_END_MS = 30 * DAY_MS
const PRIVATE_MODE = 0o600

function describe(cert: string, key: string): Certificate {
  const leaf = new X509Certificate(cert)
  if (!leaf.checkPrivateKey(createPrivateKey(key))) throw new Error('the key belongs to another certificate')
  return { cert, key, fingerprint: leaf.fingerprint256.replaceAll(':', ''), notAfter: new Date(leaf.validTo) }
}

/** The one name of the appliance, for people; machines come by address. */
const hostOf = ({ domain }: Pick<Site, 'domain'>): string => `rackrise.${domain}`

async function makeCertificate(site: Site, now: Instant): Promise<Certificate> {
  const notAfterDate = new Date(now)
  notAfterDate.setFullYear(notAfterDate.getFullYear() + KEPT_YEARS)
  const made = await generate([{ name: 'commonName', value: hostOf(site) }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    // A machine whose clock lags by a year still finds it valid; with a pin the installer does not look at dates at all.
    notBeforeDate: new Date(now - 365 * DAY_MS),
    notAfterDate,
    extensions: [
      { name: 'basicConstraints', cA: false },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: hostOf(site) },
          { type: 7, ip: site.network.address },
        ],
      },
    ],
  })
  return describe(made.cert, made.private)
}

async function readPair(certificateFile: string, keyFile: string): Promise<Certificate> {
  try {
    return describe(await readFile(certificateFile, 'utf8'), await readSecret(keyFile))
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error)
    throw new EnvironmentProblem(
      'certificate',
      `can't use the certificate ${certificateFile}: ${what}`,
      'see http.certificate-file and http.key-file: both in PEM form, belonging together, readable by this user',
    )
  }
}

/** Writes a file that its owner alone reads, whole and on stable storage; `rename` makes it the one that counts. */
export async function writePrivate(path: string, text: string): Promise<void> {
  const file = await open(path, 'w', PRIVATE_MODE)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await giveToOwnerOf(dirname(path), path)
}

async function replaceFile(path: string, text: string): Promise<void> {
  await writePrivate(`${path}.new`, text)
  await rename(`${path}.new`, path)
}

type PairFiles = { cert: string; key: string }

function ownFiles({ paths }: Pick<Site, 'paths'>): PairFiles {
  return { cert: join(paths.state, 'tls-certificate.pem'), key: join(paths.state, 'tls-key.pem') }
}

const orMissing = (error: NodeJS.ErrnoException): undefined => {
  if (error.code !== 'ENOENT') throw error
}

/** The kept self-signed pair; undefined if there is none, or halves of two: a crash came between them. */
async function readOwn(files: PairFiles): Promise<Certificate | undefined> {
  try {
    const cert = await readFile(files.cert, 'utf8').catch(orMissing)
    const key = await readFile(files.key, 'utf8').catch(orMissing)
    if (cert === undefined || key === undefined) return undefined
    return new X509Certificate(cert).checkPrivateKey(createPrivateKey(key)) ? describe(cert, key) : undefined
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error)
    throw new EnvironmentProblem(
      'certificate',
      `can't use the certificate ${files.cert}: ${what}`,
      'restore it and tls-key.pem from a backup, or delete both: others are made then',
    )
  }
}

/** Whether a self-signed certificate has to be followed by another: it ends soon, or is about another address or domain. */
function isDue({ cert, notAfter }: Certificate, site: Site, now: Instant): boolean {
  const leaf = new X509Certificate(cert)
  const isRight = leaf.checkIP(site.network.address) !== undefined && leaf.checkHost(hostOf(site)) !== undefined
  return !isRight || notAfter.getTime() - now < BEFORE_END_MS
}

/**
 * The certificate that the site wants served: its own, or the kept self-signed one, which is made on first use and made anew in time.
 * Throws EnvironmentProblem `certificate`.
 */
export async function wantedCertificate(site: Site, now: Instant): Promise<Certificate> {
  const { certificateFile, keyFile } = site.http
  if (certificateFile && keyFile) return readPair(certificateFile, keyFile)
  const files = ownFiles(site)
  const kept = await readOwn(files)
  if (kept && !isDue(kept, site, now)) return kept
  const made = await makeCertificate(site, now)
  await replaceFile(files.key, made.key)
  await replaceFile(files.cert, made.cert)
  return made
}

/** Key and certificate of what is served, in one file: it changes as a whole. */
export function servedFile({ paths }: Pick<Site, 'paths'>): string {
  return join(paths.state, 'tls-served.pem')
}

export function servedText({ cert, key }: Certificate): string {
  return `${key.trim()}\n${cert.trim()}\n`
}

const KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?-----END [A-Z ]*PRIVATE KEY-----\n?/

/** What was served last; undefined if nothing was, or if that can't be read any more. */
export async function readServed(site: Pick<Site, 'paths'>): Promise<Certificate | undefined> {
  const text = await readFile(servedFile(site), 'utf8').catch(() => '')
  try {
    return describe(text.replace(KEY, ''), KEY.exec(text)?.[0] ?? '')
  } catch {
    return undefined
  }
}

/** The certificate (PEM) that is served, or will be, for who only looks; undefined where there is none that can be read. */
export async function keptCertificate(site: Pick<Site, 'http' | 'paths'>): Promise<string | undefined> {
  const served = await readServed(site)
  if (served) return served.cert
  try {
    // The first of a chain.
    return new X509Certificate(await readFile(site.http.certificateFile ?? ownFiles(site).cert)).toString()
  } catch {
    // Not made yet, or not ours to read.
    return undefined
  }
}

/** Its fingerprint. */
export async function fingerprintOnDisk(site: Pick<Site, 'http' | 'paths'>): Promise<string | undefined> {
  const cert = await keptCertificate(site)
  return cert === undefined ? undefined : new X509Certificate(cert).fingerprint256.replaceAll(':', '')
}

/** What the installer's TLS (rustls) can verify; it knows neither P-521 nor Ed448, and no short RSA keys. */
function isKnownToInstaller({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): boolean {
  if (asymmetricKeyType === 'rsa') return (asymmetricKeyDetails?.modulusLength ?? 0) >= 2048
  if (asymmetricKeyType === 'ec') return ['prime256v1', 'secp384r1'].includes(asymmetricKeyDetails?.namedCurve ?? '')
  return asymmetricKeyType === 'ed25519'
}

const REPLACE =
  'replace the files of http.certificate-file and http.key-file; they are picked up while the appliance runs'

/** What is doubtful about the site's own certificate. A self-signed one is made anew in time. */
export function doubtsAbout({ cert, notAfter }: Certificate, site: Pick<Site, 'http'>, now: Instant): Problem[] {
  const { certificateFile } = site.http
  if (!certificateFile) return []
  const doubts: Problem[] = []
  if (!isKnownToInstaller(new X509Certificate(cert).publicKey)) {
    const message = `${certificateFile} has a key that installers can't verify`
    const hint = 'use RSA with 2048 bits or more, P-256, P-384 or Ed25519'
    doubts.push({ code: 'certificate-key', message, hint, severity: 'error' })
  }
  const left = notAfter.getTime() - now
  if (left >= BEFORE_END_MS) return doubts
  const [code, verb] = left <= 0 ? ['certificate-expired', 'ended'] : ['certificate-expires', 'ends']
  const message = `${certificateFile} ${verb} at ${notAfter.toISOString()}; installers that are told its fingerprint do not mind, everybody else refuses it`
  return [...doubts, { code, message, hint: REPLACE, severity: 'warning' }]
}

/** For `check`, which makes nothing: what is wrong or doubtful about the site's own certificate. */
export async function certificateProblems(site: Site, now: Instant): Promise<Problem[]> {
  const { certificateFile, keyFile } = site.http
  if (!certificateFile || !keyFile) return []
  try {
    return doubtsAbout(await readPair(certificateFile, keyFile), site, now)
  } catch (error) {
    if (error instanceof EnvironmentProblem) return [error.problem]
    throw error
  }
}
