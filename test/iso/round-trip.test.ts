/** What the lab's writer of images writes, the reader reads: any tree, with and without another file put into its root. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { injectFiles } from '../../services/iso/inject.ts'
import { findFile, type IsoImage, readFile, readImage } from '../../services/iso/iso9660.ts'
import { isProblem } from '../../services/kit/is-problem.ts'
import { type Segment, sliceSegments, totalLength } from '../../services/kit/segments.ts'
import { type IsoFile, writeIso } from '../../services/lab/stand-in/iso-writer.ts'

const name = fc.stringMatching(/^[a-zA-Z0-9._ +-]{1,60}$/).filter(text => !/^\.{1,2}$/.test(text))
const content = fc.uint8Array({ maxLength: 5000 }).map(bytes => Buffer.from(bytes))
/** Files in the root and in folders two deep; a name is a file or a folder, not both. */
const tree = fc
  .uniqueArray(fc.record({ path: fc.array(name, { minLength: 1, maxLength: 3 }), content }), {
    maxLength: 40,
    selector: ({ path }) => path.join('/').toLowerCase(),
  })
  .filter(files => {
    const folders = new Set(
      files.flatMap(({ path }) => path.slice(0, -1).map((_, depth) => path.slice(0, depth + 1).join('/'))),
    )
    return files.every(({ path }) => !folders.has(path.join('/')))
  })
  .map(files => files.map(({ path, content: bytes }): IsoFile => ({ path: `/${path.join('/')}`, content: bytes })))

async function open(segments: readonly Segment[]): Promise<IsoImage> {
  const size = totalLength(segments)
  const read = async (offset: number, length: number): Promise<Uint8Array> =>
    Buffer.concat(
      sliceSegments(segments, offset, length).map(part => (part.from === 'memory' ? part.bytes : Buffer.alloc(0))),
    )
  const image = await readImage(read, size)
  if (isProblem(image)) throw new Error(image.message)
  return image
}

test('every file of any tree is found with its bytes, and is still there beside one more', async () => {
  await fc.assert(
    fc.asyncProperty(tree, name, async (files, added) => {
      const segments = writeIso(files, 'pve')
      const image = await open(segments)
      const more = injectFiles({ segments, image }, [{ name: added, bytes: Buffer.from('added') }])
      if (isProblem(more)) throw new Error(more.message)
      const after = await open(more)
      for (const { path, content: bytes } of files) {
        expect(await readFile(image, path, 5000)).toEqual(bytes)
        if (path !== `/${added}` && !path.startsWith(`/${added}/`))
          expect(await readFile(after, path, 5000)).toEqual(bytes)
      }
      expect(Buffer.from((await readFile(after, `/${added}`, 100))!).toString()).toBe('added')
      expect(await findFile(after, `/${added}/x`)).toBeUndefined()
    }),
    { numRuns: 40 },
  )
}, 30_000)
