import { expect, test } from 'vitest'
import { decodePacket, encodePacket, type TftpOption } from '../../services/tftp/packet.ts'
import { download } from './client.ts'
import { inShort, LOADER, memoryFile, rack, SERVER } from './rig.ts'

test.each<[string, TftpOption[], TftpOption[], number]>([
  ['without options', [], [], 10],
  [
    'as OVMF asks',
    [
      ['tsize', '0'],
      ['blksize', '1468'],
      ['windowsize', '4'],
    ],
    [
      ['tsize', '5000'],
      ['blksize', '1468'],
      ['windowsize', '4'],
    ],
    4,
  ],
  [
    'as iPXE asks',
    [
      ['blksize', '1432'],
      ['tsize', '0'],
    ],
    [
      ['blksize', '1432'],
      ['tsize', '5000'],
    ],
    4,
  ],
  [
    'as shim asks',
    [
      ['blksize', '512'],
      ['windowsize', '4'],
    ],
    [
      ['blksize', '512'],
      ['windowsize', '4'],
    ],
    10,
  ],
])('K14 a loader arrives whole, and its size is told, %s', async (_, asked, offered, blocks) => {
  const { lan, facts, dial, server, openFiles, clock } = await rack()
  const got = download(await dial(), SERVER, 'snponly.efi', asked)
  await lan.settle()
  expect({ done: got.done, options: got.options, blocks: got.blocksHeard }).toEqual({
    done: true,
    options: offered,
    blocks,
  })
  expect(Buffer.compare(got.bytes, LOADER)).toBe(0)
  expect(facts.map(fact => [fact.fact, fact.bytes, fact.size])).toEqual([
    ['started', 0, 5000],
    ['sent', 5000, 5000],
  ])
  expect([server.transfers, openFiles(), clock.pendingTimers]).toEqual([0, 0, 0])
})

test.each([0, 512, 1024])('K06 a file of %i octets ends with an empty block', async size => {
  const { lan, dial } = await rack({ files: { x: new Uint8Array(size) } })
  const got = download(await dial(), SERVER, 'x')
  await lan.settle()
  expect([got.done, got.bytes.length, got.blocksHeard]).toEqual([true, size, size / 512 + 1])
})

test('K01 every transfer has a port of its own', async () => {
  const { lan, dial } = await rack()
  const downloads = [
    download(await dial('one'), SERVER, 'snponly.efi'),
    download(await dial('two'), SERVER, 'snponly.efi'),
    download(await dial('one'), SERVER, 'snponly.efi'),
  ]
  await lan.settle()
  expect(downloads.map(got => got.done)).toEqual([true, true, true])
  const ports = downloads.map(got => got.server!.port)
  expect(new Set([...ports, 69]).size).toBe(4)
})

test.each<[string, Uint8Array, string[]]>([
  [
    'K17 an unknown file',
    encodePacket({ op: 'rrq', name: 'revocations_sku.efi', mode: 'octet', options: [] }),
    ['error 1'],
  ],
  [
    'K17 a climbing name',
    encodePacket({ op: 'rrq', name: '../../etc/passwd', mode: 'octet', options: [] }),
    ['error 2'],
  ],
  ['K09 a write request', encodePacket({ op: 'wrq', name: 'x', mode: 'octet', options: [] }), ['error 2']],
  ['K08 netascii', encodePacket({ op: 'rrq', name: 'snponly.efi', mode: 'netascii', options: [] }), ['error 4']],
  ['K08 mail', encodePacket({ op: 'rrq', name: 'snponly.efi', mode: 'mail', options: [] }), ['error 4']],
  ['K03 a runt of no octets', new Uint8Array(0), []],
  ['K03 a runt of one octet', Uint8Array.of(0), []],
  ['K03 a runt of three octets', Uint8Array.of(0, 1, 0), []],
  ['an ACK of nothing', encodePacket({ op: 'ack', block: 1 }), []],
  ['an error of nothing', encodePacket({ op: 'error', code: 0, text: '' }), []],
])('%s', async (_, bytes, replies) => {
  const { lan, dial, log, facts } = await rack()
  const port = await dial()
  port.send(bytes, SERVER)
  await lan.settle()
  const answers = lan.frames.filter(frame => frame.device === 'lan0')
  expect(answers.map(inShort)).toEqual(replies)
  for (const { bytes: sent } of answers) expect(Buffer.from(sent).toString('latin1')).not.toMatch(/[/\\]|passwd|efi/)
  expect(facts).toEqual([])
  expect(log.lines.filter(line => !line.startsWith('debug'))).toEqual([])
})

test('K08 the mode is read in any case, and the name as ROMs write it', async () => {
  const { lan, dial } = await rack()
  const got = download(await dial(), SERVER, '\\snponly.efi\xff\x03', [], 'OcTeT')
  await lan.settle()
  expect(got.done).toBe(true)
})

test('K21 the request again from the same port is the same transfer', async () => {
  const { lan, dial, server } = await rack()
  const port = await dial()
  const request = encodePacket({ op: 'rrq', name: 'snponly.efi', mode: 'octet', options: [] })
  for (let index = 0; index < 3; index += 1) port.send(request, SERVER)
  await lan.settle()
  expect(lan.frames.filter(frame => frame.device === 'lan0').map(inShort)).toEqual(['data 1'])
  expect(server.transfers).toBe(1)
})

test('another file from the same port ends the first transfer: old ROMs keep their port', async () => {
  const { lan, dial, facts, server, openFiles } = await rack({ files: { a: LOADER, b: new Uint8Array(3) } })
  const port = await dial()
  port.send(encodePacket({ op: 'rrq', name: 'a', mode: 'octet', options: [] }), SERVER)
  await lan.settle()
  const got = download(port, SERVER, 'b')
  await lan.settle()
  expect(got.done).toBe(true)
  expect(facts.map(fact => [fact.name, fact.fact, fact.reason])).toEqual([
    ['a', 'started', undefined],
    ['a', 'failed', 'superseded'],
    ['b', 'started', undefined],
    ['b', 'sent', undefined],
  ])
  expect([server.transfers, openFiles()]).toEqual([0, 0])
})

test("K18 OVMF's size probe leaves nothing on the timeline, and the download after it does", async () => {
  const { lan, dial, facts, openFiles } = await rack()
  const probe = await dial()
  probe.onDatagram(({ from }) =>
    probe.send(encodePacket({ op: 'error', code: 8, text: 'User aborted the transfer' }), from),
  )
  probe.send(encodePacket({ op: 'rrq', name: 'snponly.efi', mode: 'octet', options: [['tsize', '0']] }), SERVER)
  await lan.settle()
  expect([facts, openFiles()]).toEqual([[], 0])
  download(await dial(), SERVER, 'snponly.efi')
  await lan.settle()
  expect(facts.map(fact => fact.fact)).toEqual(['started', 'sent'])
})

test('progress is told twice a second at most', async () => {
  const { lan, clock, dial, facts } = await rack()
  const port = await dial()
  port.onDatagram(({ bytes, from }) => {
    const packet = decodePacket(bytes)
    clock.advance(100)
    if (packet?.op === 'data') port.send(encodePacket({ op: 'ack', block: packet.block }), from)
  })
  port.send(encodePacket({ op: 'rrq', name: 'snponly.efi', mode: 'octet', options: [] }), SERVER)
  await lan.settle()
  expect(facts.map(fact => [fact.fact, fact.bytes])).toEqual([
    ['started', 0],
    ['progress', 2560],
    ['sent', 5000],
  ])
})

test('K20 too many transfers: silence, and room again when one has ended', async () => {
  const { lan, dial, pass, log } = await rack({ maxTransfers: 2 })
  const request = encodePacket({ op: 'rrq', name: 'snponly.efi', mode: 'octet', options: [] })
  for (const device of ['one', 'two', 'one', 'one']) (await dial(device)).send(request, SERVER)
  await lan.settle()
  expect(lan.frames.filter(frame => frame.device === 'lan0')).toHaveLength(2)
  expect(log.lines.filter(line => line.startsWith('warn'))).toHaveLength(1)
  await pass(45)
  const got = download(await dial(), SERVER, 'snponly.efi')
  await lan.settle()
  expect(got.done).toBe(true)
})

test('K20 one address has eight transfers, the ninth hears nothing, another address does', async () => {
  const { lan, dial } = await rack()
  const request = encodePacket({ op: 'rrq', name: 'snponly.efi', mode: 'octet', options: [] })
  for (let index = 0; index < 9; index += 1) (await dial('one')).send(request, SERVER)
  ;(await dial('two')).send(request, SERVER)
  await lan.settle()
  const heard = lan.frames.filter(frame => frame.device === 'lan0').map(frame => frame.to.address)
  expect([heard.filter(to => to === '10.77.0.11').length, heard.filter(to => to === '10.77.0.12').length]).toEqual([
    8, 1,
  ])
})

test('a file that shrinks, and a disk that fails, end the transfer with an error', async () => {
  const { lan, dial, facts } = await rack({
    find: async () => ({ size: 5000, read: () => Promise.reject(new Error('EIO')), close: async () => {} }),
  })
  const got = download(await dial(), SERVER, 'x')
  await lan.settle()
  expect(got.error).toEqual({ code: 0, text: 'the file cannot be read' })
  expect(facts.at(-1)).toMatchObject({ fact: 'failed', reason: 'read-failed' })
})

test('a look-up that fails costs one request', async () => {
  let fails = true
  const { lan, dial, log } = await rack({
    find: async () => {
      if (fails) throw new Error('EIO')
      return memoryFile(LOADER)
    },
  })
  download(await dial(), SERVER, 'x')
  await lan.settle()
  expect(log.lines).toContain('error the file could not be looked up; look at the disk with the folder of the loaders')
  fails = false
  const got = download(await dial(), SERVER, 'x')
  await lan.settle()
  expect(got.done).toBe(true)
})

test('L14 told to stop: what runs may end, nothing new begins', async () => {
  const { lan, dial, server, openFiles, clock, facts } = await rack()
  const port = await dial()
  port.send(encodePacket({ op: 'rrq', name: 'snponly.efi', mode: 'octet', options: [] }), SERVER)
  await lan.settle()
  const transfer = lan.frames.at(-1)!.from
  let closed = false
  const closing = server.close().then(() => {
    closed = true
  })
  const late = download(await dial('two'), SERVER, 'snponly.efi')
  for (let block = 1; block <= 10; block += 1) {
    port.send(encodePacket({ op: 'ack', block }), transfer)
    expect(closed).toBe(false)
    await lan.settle()
  }
  await closing
  expect(facts.map(fact => fact.fact)).toEqual(['started', 'sent'])
  expect(late.blocksHeard).toBe(0)
  expect([openFiles(), clock.pendingTimers]).toEqual([0, 0])
})

test('L14 what runs for longer than ten seconds is told and cut, and nothing stays open', async () => {
  const { lan, dial, server, openFiles, clock, facts } = await rack()
  const port = await dial()
  port.send(encodePacket({ op: 'rrq', name: 'snponly.efi', mode: 'octet', options: [] }), SERVER)
  await lan.settle()
  let closed = false
  const closing = server.close().then(() => {
    closed = true
  })
  clock.advance(9999)
  await lan.settle()
  expect([closed, facts.length]).toEqual([false, 1])
  clock.advance(1)
  await closing
  await lan.settle()
  expect(inShort(lan.frames.at(-1)!)).toBe('error 0')
  expect(facts.at(-1)).toMatchObject({ fact: 'failed', reason: 'stopped' })
  expect([openFiles(), clock.pendingTimers]).toEqual([0, 0])
})

test('with no transfer, closing waits for nothing', async () => {
  const { server, clock } = await rack()
  await server.close()
  expect(clock.pendingTimers).toBe(0)
})
