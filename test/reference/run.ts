/** `npm run reference`: writes every page that is made of the code anew. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../presubmit/source.ts'
import { PAGES } from './pages.ts'

for (const { file, make } of PAGES) writeFileSync(join(ROOT, file), await make())
