/** Under `/api/v1`: the rules of the site and the layers of its answers, with the machines that they are about. */
import type { Layers } from '../answer/layer.ts'
import type { Registry } from '../machine/registry.ts'
import type { Site } from '../site/types.ts'
import type { ConsoleApp } from './app.ts'
import { viewLayers } from './layers.ts'
import { viewRules } from './rules.ts'
import { layersSchema, rulesSchema } from './schema/health.ts'

export type SiteApiContext = {
  site: Pick<Site, 'rules' | 'profiles' | 'machines'>
  registry: Pick<Registry, 'machines' | 'listing' | 'titleOf'>
  layers: () => Promise<Layers>
}

export function addSiteApi(app: ConsoleApp, { site, registry, layers }: SiteApiContext): void {
  app.get(
    '/api/v1/rules',
    {
      config: { role: 'viewer' },
      schema: {
        operationId: 'getRules',
        summary: 'The rules, and the machines that each of them takes',
        tags: ['answers'],
        response: { 200: rulesSchema },
      },
    },
    async () => viewRules(site, registry),
  )
  app.get(
    '/api/v1/layers',
    {
      config: { role: 'viewer' },
      schema: {
        operationId: 'getLayers',
        summary: 'The layers of answers: who is installed with them, and what is wrong with them',
        tags: ['answers'],
        response: { 200: layersSchema },
      },
    },
    async () => viewLayers(site, await layers()),
  )
}
