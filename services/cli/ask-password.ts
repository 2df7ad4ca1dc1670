/** A password from a person, who does not see it, or from a program. */
import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { text as textOf } from 'node:stream/consumers'
import { LONGEST_PASSWORD } from '../console/password-hash.ts'
import { complain } from './command.ts'

/** Undefined when the person ends the input instead. */
function askHidden(question: string): Promise<string | undefined> {
  process.stderr.write(question)
  // Readline has the terminal echo nothing, and what it echoes itself goes nowhere.
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  const terminal = createInterface({ input: process.stdin, output: nowhere, terminal: true })
  return new Promise(resolve => {
    terminal.once('line', line => {
      resolve(line)
      terminal.close()
    })
    terminal.once('SIGINT', () => terminal.close())
    terminal.once('close', () => {
      process.stderr.write('\n')
      resolve(undefined)
    })
  })
}

/** Asked twice, for a slip would lock out who made it. Undefined after a complaint: there is none. */
async function askTwice(name: string): Promise<string | undefined> {
  const first = await askHidden(`Password for ${name}: `)
  if (first === undefined) return undefined
  const second = await askHidden('The same again: ')
  if (second === undefined) return undefined
  if (first === second) return first
  complain('the two are not the same; nothing was changed')
  return undefined
}

/** All of standard input but the line end. */
async function readPassword(): Promise<string | undefined> {
  const said = (await textOf(process.stdin)).replace(/\r?\n$/, '')
  if (said.length <= LONGEST_PASSWORD && !said.includes('\n')) return said
  complain(`standard input is no password: it has several lines, or more than ${LONGEST_PASSWORD} characters`)
  return undefined
}

/** Undefined after a complaint. */
export async function passwordFor(name: string, fromStdin: boolean): Promise<string | undefined> {
  if (fromStdin) return readPassword()
  if (process.stdin.isTTY) return askTwice(name)
  complain('there is no terminal to ask for a password; say --password-stdin')
  return undefined
}
