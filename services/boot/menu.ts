/** The menu of a person who pressed a key at the machine, as an iPXE script. It can start nothing that is not approved. */
import type { LoaderNames } from './plan.ts'
import { lines } from './script.ts'

export type MenuScript = {
  title: string
  /** What would be installed, where that is approved. */
  installs?: string
  /** How it is approved, where it is not. */
  approveWith: string
  diskUrl: string
  installUrl: string
  /** Address of the memory test, by platform, where the folder of loaders has one. */
  memoryTest: MemoryTest
}

/** One for each platform. */
export type MemoryTest = { efi?: string; bios?: string }

/** Names of Memtest86+ as Debian (`memtest86+`) and its makers call it; the first one that is there is taken. */
const MEMORY_TESTS = {
  efi: ['memtest86+x64.efi', 'memtest64.efi', 'mt86plus.efi'],
  bios: ['memtest86+x64.bin', 'memtest64.bin', 'memtest86+.bin', 'mt86plus.bin'],
} as const

/** The memory tests that a folder of loaders has, each at its address. */
export function memoryTestIn(loaders: LoaderNames, urlOf: (file: string) => string): MemoryTest {
  const efi = MEMORY_TESTS.efi.find(name => loaders.has(name))
  const bios = MEMORY_TESTS.bios.find(name => loaders.has(name))
  return { ...(efi ? { efi: urlOf(efi) } : {}), ...(bios ? { bios: urlOf(bios) } : {}) }
}

/** A person who went away must not keep a machine from booting. */
const MENU_SECONDS = 120

export function menuScript(menu: MenuScript): string {
  const usual = menu.installs === undefined ? 'disk' : 'install'
  const { efi, bios } = menu.memoryTest
  const hasTest = efi !== undefined || bios !== undefined
  return lines(
    '#!ipxe',
    ':menu',
    `menu Rackrise: ${menu.title}`,
    'item disk Boot the local disk, this time',
    menu.installs === undefined
      ? `item --gap -- Not approved. To install: ${menu.approveWith}`
      : `item install Install ${menu.installs}, as approved`,
    ...(hasTest ? ['item memory Test the memory'] : []),
    'item shell Shell of iPXE',
    `choose --default ${usual} --timeout ${MENU_SECONDS * 1000} choice || set choice ${usual}`,
    'goto ${choice}',
    ':disk',
    `chain --replace ${menu.diskUrl} || goto menu`,
    ':install',
    `chain --replace ${menu.installUrl} || goto menu`,
    ...(hasTest ? [':memory', ...memoryTest(efi, bios)] : []),
    ':shell',
    'echo Type exit to come back to the menu',
    'shell ||',
    'goto menu',
  )
}

function memoryTest(efi: string | undefined, bios: string | undefined): string[] {
  return [
    ...(efi === undefined ? [] : [`iseq \${platform} efi && chain ${efi} ||`]),
    ...(bios === undefined ? [] : [`iseq \${platform} pcbios && chain ${bios} ||`]),
    'goto menu',
  ]
}
