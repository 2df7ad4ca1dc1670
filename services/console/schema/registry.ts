/** Schemas that have a name in the description of the API: they are told once, and referred to. */
import { z } from 'zod'

export const schemas = z.registry<{ id: string }>()
