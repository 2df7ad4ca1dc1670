import { createHash, generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, stat, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { loadCertificate } from '../../services/http/certificate.ts'
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

test('H27 the fingerprint is the SHA-256 of what is served', async () => {
  const rig = await Rig.start()
  const socket = connect({ host: '127.0.0.1', port: rig.ports.tls, rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  const served = socket.getPeerCertificate().raw
  socket.destroy()
  expect(rig.context.certificate.fingerprint).toBe(createHash('sha256').update(served).digest('hex').toUpperCase())
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

  test('is still good in nine years', async () => {
    const { notAfter } = await loadCertificate(site())
    expect(notAfter.getTime()).toBeGreaterThan(Date.now() + 9 * 365 * 86_400_000)
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
    await writeFile(own().keyFile!, made.key)
    expect(await loadCertificate(site(own()))).toEqual(made)
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
