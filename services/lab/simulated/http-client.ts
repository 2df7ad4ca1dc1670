/** HTTP from a machine's own address: loaders' downloads, which are streamed and counted, and the installer's few requests. */
import { createHash } from 'node:crypto'
import { request as plainRequest, type ClientRequest, type IncomingMessage } from 'node:http'
import { connect as connectPlain, isIPv4 } from 'node:net'
import { connect, type TLSSocket } from 'node:tls'
import { gunzipSync } from 'node:zlib'
import type { Ipv4 } from '../../kit/ipv4.ts'

export type HttpTools = {
  localAddress: Ipv4
  signal: AbortSignal
  /** The address of a host name; a reason if there is none. Never asked for literals. */
  resolve: (name: string) => Promise<{ address: Ipv4 } | { reason: string }>
}

export type Download = {
  url: URL
  /** Nothing heard for so long ends it. */
  idleMs: number
  begin?: (total: number | undefined) => void
  take: (chunk: Uint8Array) => void
}

export type Downloaded = { ok: true; size: number } | { ok: false; reason: string }

async function hostAddress(tools: HttpTools, url: URL): Promise<{ address: string } | { reason: string }> {
  return isIPv4(url.hostname) ? { address: url.hostname } : tools.resolve(url.hostname)
}

function bodyOf(response: IncomingMessage, download: Download, done: (result: Downloaded) => void): void {
  const header = response.headers['content-length']
  const total = header === undefined ? undefined : Number(header)
  if (response.statusCode !== 200) {
    response.resume()
    return done({ ok: false, reason: `${download.url.pathname}: HTTP status ${response.statusCode}` })
  }
  let size = 0
  download.begin?.(total)
  response.on('data', (chunk: Uint8Array) => {
    size += chunk.length
    download.take(chunk)
  })
  response.on('error', error =>
    done({ ok: false, reason: `${download.url.pathname} broke off after ${size} bytes: ${error.message}` }),
  )
  response.on('end', () => {
    if (total !== undefined && total !== size)
      done({ ok: false, reason: `${download.url.pathname}: ${size} of ${total} bytes came` })
    else done({ ok: true, size })
  })
}

/** One GET as iPXE makes it: plain HTTP, no redirect followed, the body handed on as it comes. */
export async function download(tools: HttpTools, wanted: Download): Promise<Downloaded> {
  const { url } = wanted
  if (url.protocol !== 'http:')
    return { ok: false, reason: `${url.protocol}// is not spoken by the loaders that are served` }
  const host = await hostAddress(tools, url)
  if ('reason' in host) return { ok: false, reason: host.reason }
  return new Promise(resolve => {
    const request = plainRequest({
      host: host.address,
      port: url.port || 80,
      path: url.pathname + url.search,
      localAddress: tools.localAddress,
      headers: { host: url.host, 'user-agent': 'iPXE/1.21.1+ (simulated)', connection: 'close' },
      agent: false,
      signal: tools.signal,
      timeout: wanted.idleMs,
    })
    request.on('timeout', () => request.destroy(new Error(`nothing heard for ${wanted.idleMs} ms`)))
    request.on('error', error => resolve({ ok: false, reason: `${url.pathname}: ${error.message}` }))
    request.on('response', response => bodyOf(response, wanted, resolve))
    request.end()
  })
}

export type Exchange = {
  method: 'GET' | 'POST'
  url: URL
  /** 64 hex digits of the leaf certificate's SHA-256; without it the system's authorities are asked. */
  fingerprint?: string
  headers: Record<string, string>
  body?: Buffer
  /** Everything together: connect, handshake, request and body. */
  limitMs: number
  largestBytes: number
}

export type Exchanged = { ok: true; status: number; contentType: string; body: Buffer } | { ok: false; reason: string }

/** The certificate is compared before one byte of the request leaves. */
function connectPinned(
  tools: HttpTools,
  address: string,
  url: URL,
  fingerprint: string | undefined,
): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const cable = connectPlain({ host: address, port: Number(url.port || 443), localAddress: tools.localAddress })
    cable.once('error', reject)
    const socket = connect({
      socket: cable,
      rejectUnauthorized: fingerprint === undefined,
      ...(isIPv4(url.hostname) ? {} : { servername: url.hostname }),
    })
    const cut = () => socket.destroy(new Error('cut off'))
    tools.signal.addEventListener('abort', cut, { once: true })
    socket.once('close', () => tools.signal.removeEventListener('abort', cut))
    socket.once('error', reject)
    socket.once('secureConnect', () => {
      const seen = createHash('sha256').update(socket.getPeerCertificate().raw).digest('hex')
      if (fingerprint !== undefined && seen !== fingerprint) {
        socket.destroy()
        return reject(new Error(`the certificate's fingerprint is ${seen}, not ${fingerprint}`))
      }
      socket.off('error', reject)
      resolve(socket)
    })
  })
}

function collect(response: IncomingMessage, largestBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    response.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > largestBytes) response.destroy(new Error(`larger than request limit: ${largestBytes}`))
      else chunks.push(chunk)
    })
    response.on('error', reject)
    response.on('end', () => resolve(Buffer.concat(chunks)))
  })
}

function send(request: ClientRequest, body: Buffer | undefined): Promise<IncomingMessage> {
  // ureq sends none.
  request.removeHeader('connection')
  return new Promise((resolve, reject) => {
    request.once('error', reject)
    request.once('response', resolve)
    // ureq sends head and body in two segments; a server must wait for all of content-length.
    if (body) {
      request.flushHeaders()
      setImmediate(() => request.end(body))
    } else request.end()
  })
}

async function exchangeOnce(tools: HttpTools, wanted: Exchange): Promise<Exchanged> {
  const { url } = wanted
  const host = await hostAddress(tools, url)
  if ('reason' in host) return { ok: false, reason: host.reason }
  const shared = {
    method: wanted.method,
    path: url.pathname + url.search,
    headers: wanted.headers,
    signal: tools.signal,
  }
  const request =
    url.protocol === 'https:'
      ? await connectPinned(tools, host.address, url, wanted.fingerprint).then(socket =>
          plainRequest({ ...shared, createConnection: () => socket }),
        )
      : plainRequest({
          ...shared,
          agent: false,
          host: host.address,
          port: url.port || 80,
          localAddress: tools.localAddress,
        })
  const response = await send(request, wanted.body)
  const raw = await collect(response, wanted.largestBytes)
  const body =
    response.headers['content-encoding'] === 'gzip' ? gunzipSync(raw, { maxOutputLength: wanted.largestBytes }) : raw
  return { ok: true, status: response.statusCode ?? 0, contentType: response.headers['content-type'] ?? '', body }
}

/** One request of the installer: no redirect is followed, no second try is made. Failures are reasons, never thrown. */
export async function exchange(tools: HttpTools, wanted: Exchange): Promise<Exchanged> {
  const limit = AbortSignal.timeout(wanted.limitMs)
  const signal = AbortSignal.any([tools.signal, limit])
  try {
    return await exchangeOnce({ ...tools, signal }, wanted)
  } catch (error) {
    if (limit.aborted) return { ok: false, reason: `timeout: nothing complete after ${wanted.limitMs / 1000} s` }
    return { ok: false, reason: error instanceof Error ? error.message : String(error) }
  }
}
