/** The built page (`npm run build`), served from memory: its own paths, its files, and nothing else. */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { programFile } from '../kit/program-files.ts'
import { PAGE_PATHS } from './page/paths.ts'

const PAGE_FOLDER = programFile('services/console/page/dist')

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** What a compressed form is called in a request, and what its file's name ends with; the smaller one first. */
const CODINGS = [
  ['br', '.br'],
  ['gzip', '.gz'],
] as const

type Coding = 'identity' | (typeof CODINGS)[number][0]

export type PageFile = { path: string; type: string; etag: string; bodies: Partial<Record<Coding, Buffer>> }

/** A name with a hash in it means the same octets for ever. */
const HASHED = '/assets/'

function readPageFile(folder: string, name: string): PageFile {
  const file = join(folder, name)
  const identity = readFileSync(file)
  const etag = `"${createHash('sha256').update(identity).digest('base64url').slice(0, 22)}"`
  const bodies: PageFile['bodies'] = { identity }
  for (const [coding, ending] of CODINGS) if (existsSync(file + ending)) bodies[coding] = readFileSync(file + ending)
  return { path: `/${name}`, type: TYPES[extname(name)]!, etag, bodies }
}

/** @returns undefined if the page was not built. */
export function readPage(folder: string): PageFile[] | undefined {
  if (!existsSync(join(folder, 'index.html'))) return undefined
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter(name => extname(name) in TYPES)
    .map(name => readPageFile(folder, name))
}

/** RFC 9110 §12.5.3, as far as browsers and curl use it: a coding that is listed, and not with `q=0`. */
function codingFor({ bodies }: PageFile, accept: string): Coding {
  const wanted = new Set(
    accept.split(',').flatMap(part => {
      const [name = '', ...parameters] = part.split(';').map(word => word.trim().toLowerCase())
      return parameters.some(parameter => /^q=0(\.0*)?$/.test(parameter)) ? [] : [name]
    }),
  )
  return CODINGS.find(([coding]) => wanted.has(coding) && bodies[coding])?.[0] ?? 'identity'
}

function sendPageFile(file: PageFile, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const coding = codingFor(file, String(request.headers['accept-encoding'] ?? ''))
  // Each form is another representation, so it has a tag of its own (RFC 9110 §8.8.3.3).
  const etag = coding === 'identity' ? file.etag : `${file.etag.slice(0, -1)}-${coding}"`
  void reply.headers({
    'cache-control': file.path.startsWith(HASHED) ? 'public, max-age=31536000, immutable' : 'no-cache',
    etag,
    vary: 'accept-encoding',
  })
  if (request.headers['if-none-match']?.split(/\s*,\s*/).includes(etag)) return reply.code(304).send()
  if (coding !== 'identity') void reply.header('content-encoding', coding)
  return reply.type(file.type).send(file.bodies[coding])
}

const NOT_BUILT = 'the web page was not built: run `npm run build` where Rackrise is installed, and start it again\n'

/** The page needs no sign-in: it holds nothing but code, and it is where people sign in. */
const OPEN = { config: { role: 'none' }, schema: { hide: true } } as const

export function addPage(app: FastifyInstance, folder = PAGE_FOLDER): void {
  const files = readPage(folder)
  if (!files) {
    for (const path of PAGE_PATHS)
      app.get(path, OPEN, async (_, reply) => reply.code(503).type('text/plain; charset=utf-8').send(NOT_BUILT))
    return
  }
  const index = files.find(({ path }) => path === '/index.html')!
  for (const path of PAGE_PATHS) app.get(path, OPEN, async (request, reply) => sendPageFile(index, request, reply))
  for (const file of files)
    if (file !== index) app.get(file.path, OPEN, async (request, reply) => sendPageFile(file, request, reply))
}
