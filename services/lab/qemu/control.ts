/** QEMU's control protocol (QMP), as much as it takes to hear of resets, to switch a filter and to press a key. */
import { createInterface } from 'node:readline'
import type { Duplex } from 'node:stream'
import { z } from 'zod'

const Message = z.looseObject({ event: z.string().optional(), QMP: z.unknown().optional() })

export type Control = {
  /** Switches the filter of that id; frames go straight to the network while it is off. */
  switchFilter(id: string, status: 'on' | 'off'): void
  /** Presses and lets go a key of the keyboard: QEMU's name of it (QKeyCode), such as `m`, `ret` or `down`. */
  pressKey(code: string): void
}

/** `onReset` is called for every reset after power-on, whoever asked for it. */
export function openControl(control: Duplex, onReset: () => void): Control {
  control.on('error', () => {})
  const order = (execute: string, parameters?: Record<string, unknown>): void => {
    control.write(`${JSON.stringify({ execute, ...(parameters ? { arguments: parameters } : {}) })}\n`)
  }
  createInterface({ input: control }).on('line', line => {
    const message = readMessage(line)
    if (message?.QMP !== undefined) order('qmp_capabilities')
    if (message?.event === 'RESET') onReset()
  })
  return {
    switchFilter: (id, value) => order('qom-set', { path: `/objects/${id}`, property: 'status', value }),
    pressKey: data => order('send-key', { keys: [{ type: 'qcode', data }] }),
  }
}

function readMessage(line: string): z.infer<typeof Message> | undefined {
  try {
    return Message.safeParse(JSON.parse(line)).data
  } catch {
    return undefined
  }
}
