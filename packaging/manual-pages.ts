/** Manual pages (man(7)), made from the table of commands: what `--help` says is what they say. */
import { type Command, SHARED } from '../services/cli/command.ts'

export type ManualPage = { name: string; section: number; text: string }

/** Text that troff takes as it stands: no escape, no request at the beginning of a line, and dashes that can be copied. */
export function roff(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll(/^([.'])/gm, '\\&$1')
}

const quoted = (text: string): string => `"${roff(text).replaceAll('"', '\\(dq')}"`

/** A line of usage: what is typed as it stands is bold, what stands for something else is not. */
function usageLine(usage: string): string {
  const words = `rackrise ${usage}`.split(' ').map(word => {
    const typed = /^[[(]*(?:--)?[a-z][a-z|-]*[\])]*$/.test(word)
    return typed ? `\\fB${roff(word)}\\fR` : roff(word)
  })
  return words.join(' ')
}

function optionText([name, { value, help }]: [string, Command['options'][string]]): string[] {
  const option = `\\fB\\-\\-${roff(name)}\\fR${value ? ` \\fI${roff(value)}\\fR` : ''}`
  return ['.TP', option, roff(help)]
}

type About = { date: string; version: string }

function header(title: string, { date, version }: About): string {
  return `.TH ${quoted(title)} 1 "${date}" ${quoted(`Rackrise ${version}`)} "Rackrise"`
}

/** Without a name for the first one: it is the page's own. */
function seeAlso(names: readonly string[]): string[] {
  return ['.SH "SEE ALSO"', names.map(name => `.BR ${roff(name)} (1)`).join(' ,\n')]
}

function commandPage(command: Command, about: About): ManualPage {
  const name = `rackrise-${command.name}`
  const lines = [
    header(name.toUpperCase(), about),
    '.SH NAME',
    `${roff(name)} \\- ${roff(command.summary)}`,
    '.SH SYNOPSIS',
    command.usage.map(usageLine).join('\n.br\n'),
    '.SH OPTIONS',
    ...Object.entries({ ...command.options, ...SHARED }).flatMap(optionText),
    '.SH "EXIT STATUS"',
    ...['.TP', '0', 'fine', '.TP', '1', 'the answer is no', '.TP', '2', 'the command line is wrong'],
    '.SH EXAMPLES',
    '.EX',
    roff(command.example),
    '.EE',
    ...seeAlso(['rackrise']),
  ]
  return { name, section: 1, text: `${lines.join('\n')}\n` }
}

const FILES: [file: string, what: string][] = [
  ['/etc/rackrise/site.toml', 'The site file: every key is explained in it.'],
  ['/etc/rackrise/answers/', 'Layers of answer files.'],
  ['/srv/rackrise/isos/', 'ISOs, as Proxmox publishes them.'],
  ['/var/lib/rackrise/', 'The state: leases, machines, events, the certificate.'],
]

function overviewPage(commands: readonly Command[], about: About): ManualPage {
  const lines = [
    header('RACKRISE', about),
    '.SH NAME',
    'rackrise \\- network\\-boots racks of servers into the Proxmox automated installer',
    '.SH SYNOPSIS',
    '\\fBrackrise\\fR \\fICOMMAND\\fR [\\fIOPTIONS\\fR]',
    '.SH DESCRIPTION',
    roff(
      'One process is DHCP server, DNS server, TFTP and HTTP boot server for Proxmox ISOs, answer endpoint and webhook receiver.',
    ),
    roff('Nothing is ever installed that nobody approved, and an installed machine boots its disk.'),
    '.PP',
    'The service is neither enabled nor started when it is installed. Edit the site file and the interface of the sockets, then',
    '.PP',
    '.EX',
    'rackrise check',
    'systemctl enable \\-\\-now rackrise.service',
    '.EE',
    '.SH COMMANDS',
    ...commands.flatMap(({ name, summary }) => ['.TP', `\\fB${roff(name)}\\fR`, roff(summary)]),
    '.SH FILES',
    ...FILES.flatMap(([file, what]) => ['.TP', `.I ${roff(file)}`, roff(what)]),
    ...seeAlso(commands.map(({ name }) => `rackrise-${name}`)),
    ',\n.BR rackrise\\-site.toml (5)',
  ]
  return { name: 'rackrise', section: 1, text: `${lines.join('\n')}\n` }
}

/** @param about `date` as 2026-11-26 */
export function manualPages(commands: readonly Command[], about: About): ManualPage[] {
  return [overviewPage(commands, about), ...commands.map(command => commandPage(command, about))]
}
