/** Somebody's automation: notes every message that it took, a line of JSON each, and answers 200. Arguments: address, port, the file of notes. */
import { appendFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'

const [address = '', port = '', notes = ''] = process.argv.slice(2)

createServer((request, response) => {
  void text(request).then(body => {
    const { 'idempotency-key': key, 'rackrise-signature': signature } = request.headers
    appendFileSync(notes, `${JSON.stringify({ key, signature, body })}\n`)
    response.end()
  })
}).listen(Number(port), address, () => process.stdout.write('listening\n'))
