import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib'
import fastify, { type FastifyInstance } from 'fastify'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { addPage } from '../../services/console/page-files.ts'

const SCRIPT = 'console.log("page")\n'.repeat(100)
const HASHED = '/assets/index-BXAYSBWk.js'

let folder: string
let app: FastifyInstance

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rackrise-page-'))
  app = fastify()
})

afterEach(async () => {
  await app.close()
  rmSync(folder, { recursive: true })
})

function build(): void {
  mkdirSync(join(folder, 'assets'))
  writeFileSync(join(folder, 'index.html'), '<!doctype html><title>Rackrise</title>')
  writeFileSync(join(folder, HASHED), SCRIPT)
  writeFileSync(join(folder, `${HASHED}.br`), brotliCompressSync(SCRIPT))
  writeFileSync(join(folder, `${HASHED}.gz`), gzipSync(SCRIPT))
}

test.each(['/', '/machines/bc:24:11:00:00:01'])('%s is the page', async url => {
  build()
  addPage(app, folder)
  const answer = await app.inject({ url })
  expect(answer.statusCode).toBe(200)
  expect(answer.headers['content-type']).toBe('text/html; charset=utf-8')
  expect(answer.headers['cache-control']).toBe('no-cache')
  expect(answer.body).toContain('<title>Rackrise</title>')
})

test.each(['/machines', '/api/v1/nothing', '/index.html', '/assets/', '/assets/../index.html', `${HASHED}.br`])(
  '%s is not the page',
  async url => {
    build()
    addPage(app, folder)
    expect((await app.inject({ url })).statusCode).toBe(404)
  },
)

test.each([
  ['gzip, deflate, br', 'br', (body: Buffer) => brotliDecompressSync(body)],
  ['gzip', 'gzip', (body: Buffer) => gunzipSync(body)],
  ['br;q=0, gzip;q=0.5', 'gzip', (body: Buffer) => gunzipSync(body)],
  ['identity', undefined, (body: Buffer) => body],
  ['br;q=0.0', undefined, (body: Buffer) => body],
])('for %s a script comes as %s', async (accept, coding, decode) => {
  build()
  addPage(app, folder)
  const answer = await app.inject({ url: HASHED, headers: { 'accept-encoding': accept } })
  expect(answer.headers['content-encoding']).toBe(coding)
  expect(answer.headers['content-type']).toBe('text/javascript; charset=utf-8')
  expect(answer.headers.vary).toBe('accept-encoding')
  expect(decode(answer.rawPayload).toString()).toBe(SCRIPT)
})

test('a name with a hash in it is kept for ever', async () => {
  build()
  addPage(app, folder)
  expect((await app.inject({ url: HASHED })).headers['cache-control']).toBe('public, max-age=31536000, immutable')
})

test('who has it is told so, and the forms have tags of their own', async () => {
  build()
  addPage(app, folder)
  const plain = await app.inject({ url: HASHED })
  const packed = await app.inject({ url: HASHED, headers: { 'accept-encoding': 'br' } })
  expect(plain.headers.etag).not.toBe(packed.headers.etag)
  const again = await app.inject({ url: HASHED, headers: { 'if-none-match': `"other", ${plain.headers.etag}` } })
  expect([again.statusCode, again.body]).toEqual([304, ''])
  const other = await app.inject({ url: HASHED, headers: { 'if-none-match': String(packed.headers.etag) } })
  expect(other.statusCode).toBe(200)
})

test('a page that was not built says how it is', async () => {
  addPage(app, folder)
  const answer = await app.inject({ url: '/' })
  expect(answer.statusCode).toBe(503)
  expect(answer.body).toBe(
    'the web page was not built: run `npm run build` where Rackrise is installed, and start it again\n',
  )
})
