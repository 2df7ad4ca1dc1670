/** The certificate of the TLS port: the site's own, or a self-signed one made once and kept, so that its fingerprint stays. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { generate } from 'selfsigned'
import { EnvironmentProblem } from '../kit/problem.ts'
import type { Site } from '../site/types.ts'

export type Certificate = {
  cert: string
  key: string
  /** SHA-256 of the leaf's DER form, 64 upper-case hexadecimal digits: what the installer pins (H27). */
  fingerprint: string
  notAfter: Date
}

const KEPT_YEARS = 10
const PRIVATE_MODE = 0o600

function describe(cert: string, key: string): Certificate {
  const leaf = new X509Certificate(cert)
  if (!leaf.checkPrivateKey(createPrivateKey(key))) throw new Error('the key belongs to another certificate')
  return { cert, key, fingerprint: leaf.fingerprint256.replaceAll(':', ''), notAfter: new Date(leaf.validTo) }
}

async function makeCertificate(site: Site): Promise<{ cert: string; key: string }> {
  const now = new Date()
  const notAfterDate = new Date(now)
  notAfterDate.setFullYear(now.getFullYear() + KEPT_YEARS)
  const made = await generate([{ name: 'commonName', value: `rackrise.${site.domain}` }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    // A machine whose clock lags by a year still finds it valid; with a pin the installer does not look at dates at all.
    notBeforeDate: new Date(now.getTime() - 365 * 24 * 3_600_000),
    notAfterDate,
    extensions: [
      { name: 'basicConstraints', cA: false },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: `rackrise.${site.domain}` },
          { type: 7, ip: site.network.address },
        ],
      },
    ],
  })
  return { cert: made.cert, key: made.private }
}

async function readPair(certificateFile: string, keyFile: string): Promise<Certificate> {
  try {
    return describe(await readFile(certificateFile, 'utf8'), await readFile(keyFile, 'utf8'))
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error)
    throw new EnvironmentProblem(
      'certificate',
      `can't use the certificate ${certificateFile}: ${what}`,
      'see http.certificate-file and http.key-file: both in PEM form, belonging together, readable by this user',
    )
  }
}

async function writeWhole(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text, { mode: PRIVATE_MODE })
  await rename(`${path}.new`, path)
}

/** The file of the certificate that is served: the site's, or the kept self-signed one, which may not have been made yet. */
function certificateFileOf({ http, paths }: Pick<Site, 'http' | 'paths'>): string {
  return http.certificateFile ?? join(paths.state, 'tls-certificate.pem')
}

/** The fingerprint of the certificate as it is on disk, for who only looks; undefined where there is none that can be read. */
export async function fingerprintOnDisk(site: Pick<Site, 'http' | 'paths'>): Promise<string | undefined> {
  try {
    return new X509Certificate(await readFile(certificateFileOf(site))).fingerprint256.replaceAll(':', '')
  } catch {
    // Not made yet, or not ours to read.
    return undefined
  }
}

/** Reads the site's certificate, or the kept self-signed one, which is made on first use. Throws EnvironmentProblem `certificate`. */
export async function loadCertificate(site: Site): Promise<Certificate> {
  const { certificateFile, keyFile } = site.http
  if (certificateFile && keyFile) return readPair(certificateFile, keyFile)
  const kept = { cert: certificateFileOf(site), key: join(site.paths.state, 'tls-key.pem') }
  const exists = await readFile(kept.cert, 'utf8').catch(() => undefined)
  if (exists === undefined) {
    const made = await makeCertificate(site)
    // The key first: a crash in between leaves a key without certificate, which is made anew, never a certificate without key.
    await writeWhole(kept.key, made.key)
    await writeWhole(kept.cert, made.cert)
  }
  return readPair(kept.cert, kept.key)
}
