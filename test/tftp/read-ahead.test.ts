import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ReadAhead } from '../../services/tftp/read-ahead.ts'

const FILE = Uint8Array.from({ length: 1000 }, (_, index) => index * 7)

/** A disk that answers when it is told to. */
function disk() {
  const asked: string[] = []
  const answers: (() => void)[] = []
  const read = (offset: number, length: number): Promise<Uint8Array> => {
    asked.push(`${offset}+${length}`)
    return new Promise(resolve => answers.push(() => resolve(FILE.slice(offset, offset + length))))
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
  expect(await first).toEqual(FILE.subarray(0, 60))
  expect(ahead.read(60, 40)).toEqual(FILE.subarray(60, 100))
  expect(asked).toHaveLength(2)
  expect(ahead.read(100, 60)).toEqual(FILE.subarray(100, 160))
  expect(asked).toEqual(['0+100', '100+100', '200+100'])
})

test('a window that lies across two pieces is whole, and can be read again', async () => {
  const { asked, read, answer } = disk()
  const ahead = new ReadAhead(FILE.length, read, 100)
  void ahead.read(0, 10)
  await answer()
  for (let again = 0; again < 2; again += 1) expect(ahead.read(90, 30)).toEqual(Buffer.from(FILE.subarray(90, 120)))
  expect(asked).toEqual(['0+100', '100+100', '200+100'])
})

test('the last piece is as long as the file says, and nothing is read beyond it', async () => {
  const { asked, read, answer } = disk()
  const ahead = new ReadAhead(150, read, 100)
  void ahead.read(90, 60)
  await answer()
  expect(ahead.read(149, 1)).toEqual(FILE.subarray(149, 150))
  expect(ahead.read(150, 0)).toEqual(new Uint8Array(0))
  expect(asked).toEqual(['0+100', '100+50'])
})

test('a piece that cannot be read is told to whoever reads it, and to nobody else', async () => {
  const ahead = new ReadAhead(
    300,
    async (offset, length) => {
      if (offset > 0) throw new Error('EIO')
      return FILE.slice(offset, offset + length)
    },
    100,
  )
  await ahead.read(0, 10)
  expect(ahead.read(50, 50)).toEqual(FILE.subarray(50, 100))
  await expect(ahead.read(95, 10)).rejects.toThrow('EIO')
})

test('whatever is read forwards, the octets are those of the file', async () => {
  const read = async (offset: number, length: number): Promise<Uint8Array> => FILE.slice(offset, offset + length)
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
