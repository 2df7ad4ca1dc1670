#!/bin/sh
# Process 1 of the stand-in: goes the way of the Proxmox installer from its initrd to the reboot, as far as a server
# can see it, and is stricter wherever the real one would come to grief later. Runs in busybox sh.
/bin/busybox --install -s /bin
export PATH=/bin:/sbin:/usr/bin:/usr/sbin LC_ALL=C OPENSSL_CONF=/dev/null
for part in say toml facts source post install; do . "/lib/stand-in/$part.sh"; done

mount_world() {
  mount -t proc proc /proc
  mount -t sysfs sysfs /sys
  mount -t devtmpfs devtmpfs /dev
  exec </dev/console >/dev/console 2>&1
  # A machine without a serial console on its command line is heard all the same.
  grep -q 'console=ttyS0' /proc/cmdline || [ ! -c /dev/ttyS0 ] || also=/dev/ttyS0
  while read -r module; do insmod "/lib/modules/$module" || say "module $module was not loaded"; done </lib/modules/order
}

# The initrd's part: with a file /proxmox.iso in the initramfs no block device is searched.
mount_iso() {
  [ -f /proxmox.iso ] || fail 'no device with valid ISO found: there is no /proxmox.iso in the initramfs'
  mount -t iso9660 -o loop,ro /proxmox.iso /cdrom || fail 'no device with valid ISO found: /proxmox.iso does not mount'
  [ -f /cdrom/.cd-info ] || fail 'the ISO has no .cd-info'
  # Upstream compares nothing here and fails later with missing modules; kernel, initrd and ISO belong together.
  cmp -s /cdrom/.cd-info /.cd-info || fail 'initrd and ISO are not from the same release'
  . /.cd-info
  cmp -s "/cdrom/.$PRODUCT-cd-id.txt" "/.$PRODUCT-cd-id.txt" || fail 'initrd and ISO are not from the same build'
}

read_command_line() {
  auto= pause=0
  for word in $(cat /proc/cmdline); do
    case $word in
      proxmox-start-auto-installer) auto=yes ;;
      proxmox-tui-mode | proxtui) fail 'the text installer was asked for, and it wins over automated mode' ;;
      proxmox-lab-pause=*) pause=${word#*=} ;;
      ip=* | BOOTIF=*) fail "the word $word would stay in the installed system for good" ;;
    esac
  done
  [ "$auto" ] || fail 'proxmox-start-auto-installer is not on the command line'
}

main() {
  mount_world
  say "stand-in started: $(cat /proc/cmdline)"
  mount_iso
  read_command_line
  hostname proxmox
  ip link set lo up
  # Two private options are declared and asked for in automated mode only; then dhclient without arguments, all interfaces.
  dhclient -v </dev/null
  [ -f /cdrom/auto-installer-mode.toml ] || fail 'the ISO has no /auto-installer-mode.toml: not prepared for automated installation'
  read_mode
  find_answer_url
  say "answer at $url (from $url_source)"
  system_information >$work/information.json
  post_json "$url" "$fingerprint" $work/information.json 'application/json, application/toml;q=0.5' "$token"
  case $content_type in application/json*) fail 'the answer is JSON, which this stand-in does not read' ;; esac
  cp $work/response.body $work/answer.toml
  say 'RACKRISE-STAND-IN ANSWERED'
  check_answer
  install_disk
  report
  say 'RACKRISE-STAND-IN INSTALLED'
  leave
}

main
