import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ReadAhead, type ReadPiece } from '../../services/tftp/read-ahead.ts'

const FILE = Uint8Array.from({ length: 1000 }, (_, index) => index * 7)

function fill(offset: number, memory: Uint8Array): void {
  memory.set(FILE.subarray(offset, offset + memory.length))
}

function octets(from: number, to: number): Buffer {
  return Buffer.from(FILE.subarray(from, to))
}

/** A disk that answers when it is told to. */
function disk() {
  const asked: string[] = []
  const answers: (() => void)[] = []
  const read: ReadPiece = (offset, memory) => {
    asked.push(`${offset}+${memory.length}`)
    return new Promise(resolve => answers.push(() => resolve(fill(offset, memory))))
  }
  const answer = async (): Promise<void> => {
    for (const each of answers.splice(0)) each()
    await new Promise(resolve => setImmediate(resolve))
  }
  return { asked, read, answer }
}

test('the next piece is read while this one is sent', async () => {
  const { asked, read, answer } = disk()
  const ahead = new ReadAhead(FILE.length, read, 100)
  const first = ahead.read(0, 60)
  expect([first instanceof Promise, asked]).toEqual([true, ['0+100', '100+100']])
  await answer()
  expect(await first).toEqual(octets(0, 60))
  expect(ahead.read(60, 40)).toEqual(octets(60, 100))
  expect(asked).toHaveLength(2)
  expect(ahead.read(100, 60)).toEqual(octets(100, 160))
  expect(asked).toEqual(['0+100', '100+100', '200+100'])
})

test('a window that lies across two pieces is whole, and can be read again', async () => {
  const { asked, read, answer } = disk()
  const ahead = new ReadAhead(FILE.length, read, 100)
  void ahead.read(0, 10)
  await answer()
  for (let again = 0; again < 2; again += 1) expect(ahead.read(90, 30)).toEqual(octets(90, 120))
  expect(asked).toEqual(['0+100', '100+100', '200+100'])
})

test('the last piece is as long as the file says, and nothing is read beyond it', async () => {
  const { asked, read, answer } = disk()
  const ahead = new ReadAhead(150, read, 100)
  void ahead.read(90, 60)
  await answer()
  expect(ahead.read(149, 1)).toEqual(octets(149, 150))
  expect(ahead.read(150, 0)).toEqual(new Uint8Array(0))
  expect(asked).toEqual(['0+100', '100+50'])
})

test('a piece that cannot be read is told to whoever reads it, and to nobody else', async () => {
  const ahead = new ReadAhead(
    300,
    async (offset, memory) => {
      if (offset > 0) throw new Error('EIO')
      fill(offset, memory)
    },
    100,
  )
  await ahead.read(0, 10)
  expect(ahead.read(50, 50)).toEqual(octets(50, 100))
  await expect(ahead.read(95, 10)).rejects.toThrow('EIO')
})

test('whatever is read forwards, the octets are those of the file', async () => {
  const read: ReadPiece = async (offset, memory) => fill(offset, memory)
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 300 }), fc.array(fc.nat(200)), async (pieceBytes, steps) => {
      const ahead = new ReadAhead(FILE.length, read, pieceBytes)
      let offset = 0
      for (const step of steps) {
        const length = Math.min(step, FILE.length - offset)
        expect(Buffer.compare(await ahead.read(offset, length), FILE.subarray(offset, offset + length))).toBe(0)
        offset += Math.floor(length / 2)
      }
    }),
  )
})

test('a file of any length is read with the memory of four pieces', async () => {
  const memories = new Set<ArrayBufferLike>()
  const ahead = new ReadAhead(
    FILE.length,
    async (offset, memory) => {
      memories.add(memory.buffer)
      fill(offset, memory)
    },
    20,
  )
  for (let offset = 0; offset < FILE.length; offset += 8) await ahead.read(offset, 8)
  expect(memories.size).toBeLessThanOrEqual(4)
})
