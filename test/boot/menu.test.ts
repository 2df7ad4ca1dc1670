import { expect, test } from 'vitest'
import { memoryTestIn, menuScript, type MenuScript } from '../../services/boot/menu.ts'

const MENU: MenuScript = {
  title: 'node1',
  approveWith: 'rackrise machine approve node1',
  diskUrl: 'http://10.77.0.1/boot.ipxe?choice=disk',
  installUrl: 'http://10.77.0.1/boot.ipxe?choice=install',
  memoryTest: {},
}

test('an approved machine: what would happen without a key is what a menu left alone does', () => {
  expect(
    menuScript({
      ...MENU,
      installs: 'Proxmox VE 9.2',
      memoryTest: { efi: 'http://10.77.0.1/loaders/m.efi', bios: 'http://10.77.0.1/loaders/m.bin' },
    }),
  ).toBe(`#!ipxe
:menu
menu Rackrise: node1
item disk Boot the local disk, this time
item install Install Proxmox VE 9.2, as approved
item memory Test the memory
item shell Shell of iPXE
choose --default install --timeout 120000 choice || set choice install
goto \${choice}
:disk
chain --replace http://10.77.0.1/boot.ipxe?choice=disk || goto menu
:install
chain --replace http://10.77.0.1/boot.ipxe?choice=install || goto menu
:memory
iseq \${platform} efi && chain http://10.77.0.1/loaders/m.efi ||
iseq \${platform} pcbios && chain http://10.77.0.1/loaders/m.bin ||
goto menu
:shell
echo Type exit to come back to the menu
shell ||
goto menu
`)
})

test('a machine that nobody approved cannot be installed from its menu', () => {
  const text = menuScript(MENU)
  expect(text).toContain('item --gap -- Not approved. To install: rackrise machine approve node1\n')
  expect(text).toContain('choose --default disk --timeout 120000 choice || set choice disk\n')
  expect(text).not.toContain('item install')
  expect(text).not.toContain('memory')
})

test('the memory test is what the folder of loaders has, by the names that Debian and its makers use', () => {
  const at = (file: string): string => `/loaders/${file}`
  expect(memoryTestIn(new Set(['snponly.efi']), at)).toEqual({})
  expect(memoryTestIn(new Set(['memtest86+x64.efi', 'memtest64.efi', 'memtest64.bin']), at)).toEqual({
    efi: '/loaders/memtest86+x64.efi',
    bios: '/loaders/memtest64.bin',
  })
})
