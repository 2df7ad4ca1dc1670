#!/usr/bin/env node
/**
 * An installer that asks for its answer, one time after the other, each on a connection of its own as installers do, and how long each one took with its TLS
 * handshake. Usage: http-answer-client.ts '{"server":"10.0.0.1","from":"10.0.0.2","body":{...},"times":100}'; prints one JSON line.
 */
import { request } from 'node:https'

export type AnswerRequest = {
  server: string
  from: string
  /** System information. */
  body: unknown
  times: number
  betweenMs: number
}

/** `milliseconds`: of each answer. */
export type AnswerResult = { milliseconds: number[]; error?: string }

function ask({ server, from, body }: AnswerRequest): Promise<number> {
  const began = performance.now()
  return new Promise((resolve, reject) => {
    const post = {
      host: server,
      path: '/answer',
      method: 'POST',
      localAddress: from,
      rejectUnauthorized: false,
      agent: false,
    }
    const headers = { 'content-type': 'application/json; charset=utf-8' }
    const call = request({ ...post, headers }, response => {
      let text = ''
      response.setEncoding('utf8').on('data', (part: string) => (text += part))
      response.once('end', () => {
        if (response.statusCode === 200) resolve(performance.now() - began)
        else reject(new Error(`${response.statusCode}: ${text.trim()}`))
      })
    })
    call.once('error', reject).end(JSON.stringify(body))
  })
}

async function measure(asked: AnswerRequest): Promise<AnswerResult> {
  const milliseconds: number[] = []
  try {
    for (let time = 0; time < asked.times; time++) {
      milliseconds.push(await ask(asked))
      await new Promise(wake => setTimeout(wake, asked.betweenMs))
    }
    return { milliseconds }
  } catch (error) {
    return { milliseconds, error: error instanceof Error ? error.message : String(error) }
  }
}

if (import.meta.main) {
  const result = await measure(JSON.parse(process.argv[2]!) as AnswerRequest)
  process.stdout.write(`${JSON.stringify(result)}\n`)
  process.exitCode = result.error ? 1 : 0
}
