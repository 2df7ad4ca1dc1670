/** The rules of this host's firewall, by the tools that know them; only root may read them. */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { parseIptables, parseNft, type Ruleset, RULES_MS } from '../probe/firewall.ts'

const LARGEST_BYTES = 16 * 1024 * 1024
/** Where an administrator's path may not lead an ordinary user. */
const FOLDERS = '/usr/sbin:/sbin:/usr/bin:/bin'

type Said = { text: string } | { refused: string } | 'missing'

function run(tool: string, args: readonly string[]): Promise<Said> {
  return new Promise(resolve => {
    const options = { timeout: RULES_MS, maxBuffer: LARGEST_BYTES, env: { PATH: FOLDERS, LC_ALL: 'C' } }
    execFile(tool, args, options, (error, text, stderr) => {
      if (!error) resolve({ text })
      else if (error.code === 'ENOENT') resolve('missing')
      else resolve({ refused: stderr.trim().split('\n')[0] || error.message })
    })
  })
}

/** Names of the tables of the old iptables; there are none where it is not in use, or not ours to know. */
const OLD_TABLES = '/proc/net/ip_tables_names'

export async function readRulesets(): Promise<Ruleset[] | { unknown: string }> {
  const nft = await run('nft', ['-j', 'list', 'ruleset'])
  if (typeof nft === 'object' && 'refused' in nft) return { unknown: `nft: ${nft.refused}` }
  const read = nft === 'missing' ? undefined : parseNft(nft.text)
  if (nft !== 'missing' && !read) return { unknown: 'nft wrote something that is no list of rules' }
  const usesOld = (await readFile(OLD_TABLES, 'utf8').catch(() => '')).includes('filter')
  if (read && !usesOld) return [read]
  // iptables of today writes to nftables, and shows it; where nft is not there, it is the only one who can tell.
  const iptables = await run(usesOld ? 'iptables-legacy-save' : 'iptables-save', [])
  if (typeof iptables === 'object' && 'text' in iptables) return [...(read ? [read] : []), parseIptables(iptables.text)]
  if (typeof iptables === 'object') return { unknown: `iptables-save: ${iptables.refused}` }
  return { unknown: 'neither nft nor iptables is installed' }
}
