import { createHash, generateKeyPairSync, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, stat, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { generate } from 'selfsigned'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  BEFORE_END_MS,
  type Certificate,
  certificateProblems,
  wantedCertificate,
} from '../../services/http/certificate.ts'
import type { Ipv4 } from '../../services/kit/ipv4.ts'
import { EnvironmentProblem } from '../../services/kit/problem.ts'
import type { Site } from '../../services/site/types.ts'
import { siteOf } from '../machine/rig.ts'
import { Rig } from './rig.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rackrise-certificate-'))
})
afterEach(() => rm(folder, { recursive: true }))

const site = (http: Partial<Site['http']> = {}): Site => {
  const right = siteOf()
  return { ...right, paths: { ...right.paths, state: folder }, http: { ...right.http, ...http } }
}

/** Some day, as the appliance's clock has it. */
const TODAY = Date.UTC(2026, 10, 20)
const DAY_MS = 86_400_000
const loadCertificate = (of: Site, now = TODAY): Promise<Certificate> => wantedCertificate(of, now)

test('H27 the fingerprint is the SHA-256 of what is served', async () => {
  const rig = await Rig.start()
  const socket = connect({ host: '127.0.0.1', port: rig.ports.tls, rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  const served = socket.getPeerCertificate().raw
  socket.destroy()
  expect(rig.context.certificate.current.fingerprint).toBe(
    createHash('sha256').update(served).digest('hex').toUpperCase(),
  )
  await rig.close()
})

describe('the self-signed certificate', () => {
  test('is made once and kept over restarts, its key private', async () => {
    const first = await loadCertificate(site())
    expect(await loadCertificate(site())).toEqual(first)
    expect(first.fingerprint).toMatch(/^[0-9A-F]{64}$/)
    expect(((await stat(join(folder, 'tls-key.pem'))).mode & 0o777).toString(8)).toBe('600')
  })

  test('a crash between key and certificate is made good', async () => {
    await loadCertificate(site())
    await unlink(join(folder, 'tls-certificate.pem'))
    const again = await loadCertificate(site())
    expect(await loadCertificate(site())).toEqual(again)
  })

  test('names the appliance and its address, and is still good in nine years', async () => {
    const { cert, notAfter } = await loadCertificate(site())
    const leaf = new X509Certificate(cert)
    expect([leaf.checkIP('10.77.0.1'), leaf.checkHost('rackrise.rack.test'), leaf.ca]).toEqual([
      '10.77.0.1',
      'rackrise.rack.test',
      false,
    ])
    expect(notAfter.getTime()).toBeGreaterThan(TODAY + 9 * 365 * DAY_MS)
  })

  test('is made anew a month before it ends, and not a day earlier', async () => {
    const first = await loadCertificate(site())
    const due = first.notAfter.getTime() - BEFORE_END_MS
    expect(await loadCertificate(site(), due)).toEqual(first)
    const second = await loadCertificate(site(), due + 1000)
    expect(second.fingerprint).not.toBe(first.fingerprint)
    expect(await loadCertificate(site(), due + 1000)).toEqual(second)
  })

  test.each([
    ['another address', { network: { ...siteOf().network, address: '10.77.0.2' as Ipv4 } }],
    ['another domain', { domain: 'other.test' }],
  ])('is made anew for %s', async (_, change) => {
    const first = await loadCertificate(site())
    expect((await loadCertificate({ ...site(), ...change })).fingerprint).not.toBe(first.fingerprint)
  })

  test('halves of two, as a crash leaves them, are made good', async () => {
    const first = await loadCertificate(site())
    await unlink(join(folder, 'tls-certificate.pem'))
    await loadCertificate(site())
    await writeFile(join(folder, 'tls-certificate.pem'), first.cert)
    const again = await loadCertificate(site())
    expect(again.fingerprint).not.toBe(first.fingerprint)
    expect(await loadCertificate(site())).toEqual(again)
  })
})

describe('the site’s own certificate', () => {
  const own = (): Partial<Site['http']> => ({
    certificateFile: join(folder, 'own.pem'),
    keyFile: join(folder, 'own.key'),
  })

  test('is served as it is', async () => {
    const made = await loadCertificate(site())
    await writeFile(own().certificateFile!, made.cert)
    await writeFile(own().keyFile!, made.key, { mode: 0o600 })
    expect(await loadCertificate(site(own()))).toEqual(made)
  })

  test.each([
    ['in a year', 365, []],
    ['in thirty days', 30, []],
    ['in a week', 7, ['warning certificate-expires']],
    ['since yesterday', -1, ['warning certificate-expired']],
  ])('that ends %s', async (_, days, expected) => {
    const made = await loadCertificate(site())
    await writeFile(own().certificateFile!, made.cert)
    await writeFile(own().keyFile!, made.key, { mode: 0o600 })
    const problems = await certificateProblems(site(own()), made.notAfter.getTime() - days * DAY_MS)
    expect(problems.map(({ severity, code }) => `${severity} ${code}`)).toEqual(expected)
    for (const { message } of problems) expect(message).toContain(own().certificateFile!)
  })

  test.each([
    ['RSA of 2048 bits', { keyType: 'rsa', keySize: 2048 }, []],
    ['RSA of 1024 bits', { keyType: 'rsa', keySize: 1024 }, ['error certificate-key']],
    ['P-384', { keyType: 'ec', curve: 'P-384' }, []],
    ['P-521', { keyType: 'ec', curve: 'P-521' }, ['error certificate-key']],
  ] as const)('with a key of %s', async (_, key, expected) => {
    const made = await generate([{ name: 'commonName', value: 'x' }], { ...key, notBeforeDate: new Date(TODAY) })
    await writeFile(own().certificateFile!, made.cert)
    await writeFile(own().keyFile!, made.private, { mode: 0o600 })
    expect((await certificateProblems(site(own()), TODAY)).map(({ severity, code }) => `${severity} ${code}`)).toEqual(
      expected,
    )
  })

  test('that can not be used is one of the problems of `check`', async () => {
    expect((await certificateProblems(site(own()), TODAY)).map(({ code }) => code)).toEqual(['certificate'])
    expect(await certificateProblems(site(), TODAY)).toEqual([])
  })

  test.each([
    ['that is missing', async () => {}],
    [
      'that is no certificate',
      async () => Promise.all([writeFile(own().certificateFile!, 'hello'), writeFile(own().keyFile!, 'hello')]),
    ],
    [
      'whose key belongs to another one',
      async () => {
        await writeFile(own().certificateFile!, (await loadCertificate(site())).cert)
        await writeFile(
          own().keyFile!,
          generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }),
        )
      },
    ],
  ])('%s is a problem that says which file, and what to do', async (_, prepare) => {
    await prepare()
    const failure = await loadCertificate(site(own())).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(EnvironmentProblem)
    expect((failure as EnvironmentProblem).problem).toMatchObject({
      code: 'certificate',
      hint: 'see http.certificate-file and http.key-file: both in PEM form, belonging together, readable by this user',
    })
    expect((failure as EnvironmentProblem).message).toContain(own().certificateFile!)
  })
})
