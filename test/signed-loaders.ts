/** Where tests keep the signed loaders: unpacked once by `run.ts`, outside the private network. */
import { join } from 'node:path'

export const SIGNED_LOADERS = join(import.meta.dirname, '../.lab/signed-loaders')
