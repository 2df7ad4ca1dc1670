/** The answers folder for people: each layer, who is installed with it, and what is wrong with it. */
import { type AnswerTable, isTable } from '../answer/keys.ts'
import type { Layers } from '../answer/layer.ts'
import { parseMac } from '../kit/mac.ts'
import type { Problem } from '../kit/problem.ts'
import type { Site } from '../site/types.ts'
import type { LayersView } from './schema/health.ts'

function countKeys(table: AnswerTable): number {
  return Object.values(table).reduce<number>((sum, value) => sum + (isTable(value) ? countKeys(value) : 1), 0)
}

type NamingSite = Pick<Site, 'profiles' | 'machines' | 'rules'>

/** Who names each layer, in words. */
function users({ profiles, machines, rules }: NamingSite): (name: string) => string[] {
  const naming = [
    ...[...profiles.values()].map(({ name, answers }) => ({ who: `profile ${name}`, answers })),
    ...machines.map(({ name, answers, macs }) => ({ who: `machine ${name}`, answers: [...answers, ...macs] })),
    ...rules.map(({ index, answers }) => ({ who: `rule ${index + 1}`, answers })),
  ]
  const byLayer = new Map<string, string[]>()
  for (const { who, answers } of naming)
    for (const layer of new Set(answers)) byLayer.set(layer, [...(byLayer.get(layer) ?? []), who])
  return name => {
    const mac = parseMac(name)
    const named = byLayer.get(mac ?? name) ?? []
    if (mac && named.length === 0) return [`machine ${mac}`]
    return name === 'default' ? [...named, 'machines for which nothing else is named'] : named
  }
}

export function viewLayers(site: NamingSite, { byName, byMac, broken, problems }: Layers): LayersView {
  const usedBy = users(site)
  const aboutFile = (file: string): Problem[] => problems.filter(({ place }) => place?.file === file)
  const readable = [...byName.entries(), ...byMac.entries()].map(([name, { file, table }]) => ({
    name,
    file,
    usedBy: usedBy(name),
    keys: countKeys(table),
    problems: aboutFile(file),
  }))
  const unreadable = [...broken].flatMap(([name, problem]) => {
    const file = problem.place?.file ?? ''
    return [{ name, file, usedBy: usedBy(name), keys: 0, problems: aboutFile(file) }]
  })
  const layers = [...readable, ...unreadable]
  return { layers: layers.toSorted((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true })) }
}
