/** The library for people and programs: one set of operations behind the API and behind the command line without a running appliance. */
import type { IsoCatalogue } from '../iso/catalogue.ts'
import { isProblem } from '../kit/is-problem.ts'
import type { Site } from '../site/types.ts'
import { viewIso } from './iso-view.ts'
import type { LibraryView } from './schema/iso.ts'

export interface Isos {
  /** By name. `fresh`: looks at the folder before. */
  list(how?: { fresh: boolean }): Promise<LibraryView>
}

/** Names of the profiles by the file that they install. */
export function profilesByFile({ profiles }: Pick<Site, 'profiles'>, catalogue: IsoCatalogue): Map<string, string[]> {
  const byFile = new Map<string, string[]>()
  for (const { name, iso } of profiles.values()) {
    const entry = catalogue.find(iso)
    if (!isProblem(entry)) byFile.set(entry.file, [...(byFile.get(entry.file) ?? []), name])
  }
  return byFile
}

export function localIsos(catalogue: IsoCatalogue, site: Pick<Site, 'profiles'>): Isos {
  return {
    async list({ fresh } = { fresh: false }) {
      if (fresh) await catalogue.rescan()
      const profiles = profilesByFile(site, catalogue)
      return {
        folder: catalogue.folder,
        isos: catalogue.files().map(file => viewIso(file, profiles.get(file.file) ?? [])),
        problems: catalogue.folderProblems(),
      }
    },
  }
}
