/** Whether the rates of the site file let an ISO through before a person would think that the machine hangs. */
import type { IsoCatalogue } from '../iso/catalogue.ts'
import { isProblem } from '../kit/is-problem.ts'
import type { Problem } from '../kit/problem.ts'
import type { Site } from '../site/types.ts'

const MS_PER_MINUTE = 60_000

/** One warning for each ISO of a profile that takes longer than boot.stall-after for a machine that is alone. */
export function slowDownloads({ boot, profiles }: Site, catalogue: Pick<IsoCatalogue, 'find'>): Problem[] {
  const rates = [boot.rateLimit, boot.totalRateLimit].filter(rate => rate !== undefined)
  if (rates.length === 0) return []
  const isos = [...profiles.values()].flatMap(({ iso: selector }) => {
    const iso = catalogue.find(selector)
    return isProblem(iso) ? [] : [iso]
  })
  return [...new Set(isos)].flatMap(({ file, size, initrd }) => {
    const minutes = (size + initrd.length) / Math.min(...rates) / 60
    if (minutes * MS_PER_MINUTE <= boot.stallAfterMs) return []
    const stall = Math.round(boot.stallAfterMs / MS_PER_MINUTE)
    return [
      {
        code: 'rate-too-low',
        message: `${file} takes a machine ${Math.ceil(minutes)} minutes at the rate of the site file, and boot.stall-after is ${stall}`,
        hint: 'raise boot.rate-limit or boot.total-rate-limit, or leave them out',
        severity: 'warning' as const,
      },
    ]
  })
}
