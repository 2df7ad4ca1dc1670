/** A program, started inside the appliance's network namespace with a socket file and a port: takes what comes to the one to the other. */
import { listening, LOOPBACK, relay } from './relay.ts'

const [socket = '', port = ''] = process.argv.slice(2)
await listening(relay({ host: LOOPBACK, port: Number(port) }), { path: socket })
process.stdout.write('ready\n')
