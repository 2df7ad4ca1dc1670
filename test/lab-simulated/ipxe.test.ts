import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { installScript, LOAD_TRIES } from '../../services/boot/script.ts'
import { expand } from '../../services/lab/simulated/ipxe-settings.ts'
import { runScript, splitCommands, type IpxeHost, type ScriptEnd } from '../../services/lab/simulated/ipxe.ts'

const BASE = 'http://10.77.0.1/boot.ipxe'

type Played = { end: ScriptEnd; screen: string[]; fetched: string[]; paused: number }

/** Runs a script on a machine whose server has these pages; what is missing there is refused. */
async function play(
  lines: string[],
  world: { pages?: Record<string, string>; platform?: string; diskBoots?: boolean } = {},
): Promise<Played> {
  const played = { screen: [] as string[], fetched: [] as string[], paused: 0 }
  const values: Record<string, string> = {
    platform: world.platform ?? 'pcbios',
    serial: 'SIM-1',
    'netX/mac': 'bc:24:11:00:00:01',
  }
  const host: IpxeHost = {
    settings: name => (values[name] === undefined ? undefined : { text: values[name] }),
    async fetch(url, use) {
      played.fetched.push(`${use} ${url}`)
      const text = world.pages?.[url]
      return text === undefined ? { ok: false, reason: `${url}: HTTP status 404` } : { ok: true, text }
    },
    sanboot: () => world.diskBoots ?? true,
    echo: line => void played.screen.push(line),
    pause: async ms => void (played.paused += ms),
  }
  const end = await runScript(['#!ipxe', ...lines].join('\n'), BASE, host)
  return { end, ...played }
}

const KERNEL = 'http://10.77.0.1/k'
const INITRD = 'http://10.77.0.1/i'
const IMAGES = { [KERNEL]: '', [INITRD]: '' }

describe('how a script ends', () => {
  test('an installation starts kernel and initrd with their arguments', async () => {
    const { end } = await play(
      [`kernel ${KERNEL} initrd=initrd.img quiet proxmox-start-auto-installer`, `initrd ${INITRD}`, 'boot'],
      { pages: IMAGES },
    )
    expect(end).toEqual({
      end: 'kernel',
      kernel: { name: 'k', url: KERNEL },
      args: 'initrd=initrd.img quiet proxmox-start-auto-installer',
      initrds: [{ name: 'i', url: INITRD }],
    })
  })

  test('initrd URL NAME names the file that the kernel finds', async () => {
    const { end } = await play(
      [`kernel ${KERNEL}`, `initrd ${INITRD} proxmox.iso`, `initrd --name b ${INITRD}`, 'boot'],
      { pages: IMAGES },
    )
    expect(end).toMatchObject({ initrds: [{ name: 'proxmox.iso' }, { name: 'b' }] })
  })

  test.each<[string, string[], Parameters<typeof play>[1], ScriptEnd]>([
    ['BIOS boots the disk by sanboot', ['sanboot --no-describe --drive 0x80'], {}, { end: 'disk' }],
    [
      'a blank disk falls through to exit',
      ['sanboot --no-describe --drive 0x80 ||', 'exit 1'],
      { diskBoots: false },
      { end: 'exit' },
    ],
    [
      'UEFI leaves for the next boot option',
      ['iseq ${platform} efi && exit 1 ||', 'sanboot'],
      { platform: 'efi' },
      { end: 'exit' },
    ],
    ['BIOS does not take the line for UEFI', ['iseq ${platform} efi && exit 1 ||', 'sanboot'], {}, { end: 'disk' }],
    ['running off the end gives the boot option back', ['echo done'], {}, { end: 'exit' }],
    [
      'an unknown command fails',
      ['frobnicate now'],
      {},
      { end: 'failed', why: 'boot script: line 2: frobnicate: command not found' },
    ],
    ['an unknown command may be caught', ['frobnicate now || exit'], {}, { end: 'exit' }],
    [
      'a missing label fails',
      ['goto nowhere'],
      {},
      { end: 'failed', why: 'boot script: line 2: there is no label nowhere' },
    ],
    [
      'a refused kernel fails',
      [`kernel ${KERNEL}`],
      {},
      { end: 'failed', why: `boot script: line 2: ${KERNEL}: HTTP status 404` },
    ],
    [
      'boot without a kernel fails',
      ['boot'],
      {},
      { end: 'failed', why: 'boot script: line 2: boot: no kernel is loaded' },
    ],
    ['imgfree forgets the kernel', [`kernel ${KERNEL}`, 'imgfree', 'boot || exit'], { pages: IMAGES }, { end: 'exit' }],
    [
      'a script that turns in a circle is stopped',
      [':again', 'goto again'],
      {},
      { end: 'failed', why: 'the script does not end' },
    ],
    ['what follows # is a comment', ['sanboot # exit 1'], {}, { end: 'disk' }],
  ])('%s', async (_, lines, world, end) => {
    expect((await play(lines, world)).end).toEqual(end)
  })

  test('text that is no script is refused', async () => {
    const end = await runScript('<html>', BASE, { settings: () => undefined } as unknown as IpxeHost)
    expect(end).toEqual({ end: 'failed', why: 'boot script: the script does not begin with #!ipxe' })
  })
})

describe('retry after a failed download', () => {
  test('goes to its label, waits, and runs the fresh script instead of the old one', async () => {
    const fresh = 'http://10.77.0.1/fresh'
    const played = await play(
      [
        `kernel ${KERNEL} a || goto failed`,
        'boot || goto failed',
        ':failed',
        'sleep 10',
        'imgfree',
        'chain --replace /fresh',
        'echo never',
      ],
      { pages: { [fresh]: '#!ipxe\necho fresh\nsanboot' } },
    )
    expect(played).toEqual({
      end: { end: 'disk' },
      screen: ['fresh'],
      fetched: [`kernel ${KERNEL}`, `script ${fresh}`],
      paused: 10_000,
    })
  })

  test('scripts that chain for ever are stopped', async () => {
    const { end } = await play(['chain /a'], { pages: { 'http://10.77.0.1/a': '#!ipxe\nchain /a' } })
    expect(end).toEqual({ end: 'failed', why: 'the scripts chain in a circle: http://10.77.0.1/a' })
  })

  test('without --replace the first script goes on', async () => {
    const played = await play(['chain /a || echo bad', 'chain /b || echo caught', 'sanboot'], {
      pages: { 'http://10.77.0.1/a': '#!ipxe\nexit', 'http://10.77.0.1/b': '#!ipxe\nexit 1' },
    })
    expect([played.end, played.screen]).toEqual([{ end: 'disk' }, ['caught']])
  })
})

test('variables, isset and settings stand on the screen as iPXE would show them', async () => {
  const played = await play([
    'set who ${serial} of ${netX/mac}',
    'echo ${who} [${nothing}]',
    'isset ${nothing} || echo unset',
    'clear who',
    'isset ${who} && echo set || echo cleared',
  ])
  expect(played.screen).toEqual(['SIM-1 of bc:24:11:00:00:01 []', 'unset', 'cleared'])
})

test.each([
  ['a setting', '${serial}', 'A B&C'],
  ['for a URL', '${serial:uristring}', 'A%20B%26C'],
  ['a MAC with dashes', '${mac:hexhyp}', 'bc-24-11-00-00-01'],
  ['a MAC as plain hex', '${mac:hexraw}', 'bc2411000001'],
  ['nested names', '${se${rest}}', 'A B&C'],
  ['unknown settings and types are empty', '<${nothing}${serial:weird}>', '<>'],
  ['an open brace stays as it is', '${serial', '${serial'],
])('expands %s', (_, text, expanded) => {
  const values: Record<string, { text: string; bytes?: Uint8Array }> = {
    serial: { text: 'A B&C' },
    rest: { text: 'rial' },
    mac: { text: 'bc:24:11:00:00:01', bytes: Buffer.from('bc2411000001', 'hex') },
  }
  expect(expand(text, name => values[name])).toBe(expanded)
})

test('a line splits at blanks; there are no quotes', () => {
  expect(splitCommands('echo "a  b" || goto x')).toEqual([
    { join: 'always', words: ['echo', '"a', 'b"'] },
    { join: '||', words: ['goto', 'x'] },
  ])
})

test('no script makes it throw or run for ever', async () => {
  const word = fc.constantFrom(
    'goto',
    ':a',
    'a',
    '||',
    '&&',
    'chain',
    '/x',
    'set',
    '${a}',
    '${',
    'boot',
    'kernel',
    'initrd',
    'exit',
    '#',
    'imgargs',
    'iseq',
  )
  const line = fc.array(word, { maxLength: 6 }).map(words => words.join(' '))
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 8 }), async lines => {
      const { end } = await play(lines, { pages: { 'http://10.77.0.1/x': `#!ipxe\n${lines.join('\n')}` } })
      expect(['kernel', 'disk', 'exit', 'failed']).toContain(end.end)
    }),
    { numRuns: 200 },
  )
})

test('our own installation script: five tries, then it says what it could not load, and ends if nobody hears', async () => {
  const played = await play(
    installScript({
      attempt: '3f9c21aa',
      title: 'node1',
      kernelUrl: KERNEL,
      initrdUrl: INITRD,
      kernelArgs: [],
      loadFailedUrl: `${BASE}?failed=\${part}&error=\${error}`,
      menuUrl: `${BASE}?choice=menu`,
    })
      .split('\n')
      .slice(1),
    { pages: { [KERNEL]: '' } },
  )
  const report = `script ${BASE}?failed=initrd&error=0x2d0c6139`
  expect(played.fetched).toEqual([
    ...Array(LOAD_TRIES)
      .fill([`kernel ${KERNEL}`, `initrd ${INITRD}`])
      .flat(),
    ...Array(LOAD_TRIES).fill(report),
  ])
  // Two seconds for the key, then 2 + 4 + 8 + 16 twice.
  expect(played.paused).toBe(62_000)
  expect(played.end).toEqual({ end: 'exit' })
})
