# What comes after the answer: look at it, "install", report, leave.

require() {
  [ "$(either $work/answer "$1" "$2")" ] || fail "the answer has no $1.$2"
}

check_answer() {
  local passwords=0 key
  [ -s $work/answer.toml ] || fail 'the answer is empty'
  flatten $work/answer.toml >$work/answer 2>$work/answer.error || fail "TOML parse error: $(cat $work/answer.error)"
  for key in global network disk-setup; do has $work/answer "$key" || has $work/answer "$(echo "$key" | tr - _)" || fail "the answer has no [$key]"; done
  for key in country keyboard mailto timezone; do require global "$key"; done
  has $work/answer global.fqdn || fail 'the answer has no global.fqdn'
  for key in root-password root-password-hashed; do [ -z "$(either $work/answer global "$key")" ] || passwords=$((passwords + 1)); done
  [ "$passwords" = 1 ] || fail "the answer has $passwords root passwords and not one"
  require network source
  require disk-setup filesystem
  key=$(value_of $work/answer network.filter.ID_NET_NAME_MAC)
  [ -z "$key" ] || links_match "$key" || fail "no NIC matches network.filter.ID_NET_NAME_MAC = $key"
  choose_disk
}

# links_match GLOB: does the predictable name of any NIC match?
links_match() {
  local link
  for link in $(links); do
    case enx$(mac_of "$link" | tr -d :) in $1) return 0 ;; esac
  done
  return 1
}

disks() {
  local disk
  for disk in /sys/block/sd* /sys/block/vd* /sys/block/nvme*; do
    [ ! -e "$disk" ] || echo "${disk##*/}"
  done
}

choose_disk() {
  local list name
  list=$(either $work/answer disk-setup disk-list | tr -d '[]"\047' | tr , ' ')
  [ "$list" ] || has $work/answer disk-setup.filter || fail 'the answer has neither disk-setup.disk-list nor a filter'
  [ -z "$list" ] || ! has $work/answer disk-setup.filter || fail 'the answer has both disk-setup.disk-list and a filter'
  for name in $list; do [ -b "/dev/${name#/dev/}" ] || fail "disk ${name} not found; this machine has: $(echo $(disks))"; done
  disk=$(echo ${list:-$(disks)} | cut -d' ' -f1)
  disk=${disk#/dev/}
  [ "$disk" ] || fail 'this machine has no disk'
}

install_disk() {
  if [ "$pause" -gt 0 ]; then
    say "RACKRISE-STAND-IN PAUSING $pause"
    sleep "$pause"
  fi
  say "installing to /dev/$disk"
  dd if=/lib/stand-in/disk.img of="/dev/$disk" bs=1M conv=fsync 2>/dev/null || fail "/dev/$disk cannot be written"
  sync
  sleep 1
}

# ssh_key TYPE FIELD...: a public key line of the right form (RFC 4253 §6.6) that nobody has the private half of. A field is
# =TEXT, or that many random bytes.
ssh_key() {
  printf '%s %s' "$1" "$(ssh_fields "=$1" "$@" | base64 | tr -d '\n')"
}

ssh_fields() {
  local field type=$2
  for field in "$@"; do
    case $field in
      =*) ssh_length $((${#field} - 1)); printf %s "${field#=}" ;;
      "$type") ;;
      *) ssh_length "$field"; head -c "$field" /dev/urandom ;;
    esac
  done
}

ssh_length() {
  printf "\\000\\000\\$(printf %03o $(($1 / 256)))\\$(printf %03o $(($1 % 256)))"
}

disk_objects() {
  local name comma=
  for name in $(disks); do
    printf '%s{"size":%s' "$comma" $(($(cat "/sys/block/$name/size") * 512))
    [ "$name" != "$disk" ] || printf ',"is-bootdisk":true'
    printf ',"udev-properties":{"DEVNAME":"/dev/%s"}}' "$name"
    comma=,
  done
}

link_objects() {
  local link address comma=
  for link in $(links); do
    address=$(ip -4 addr show dev "$link" | awk '$1 == "inet" { print $2; exit }')
    printf '%s{"name":"%s","mac":"%s"' "$comma" "$link" "$(mac_of "$link")"
    [ -z "$address" ] || printf ',"address":"%s","is-management":true' "$address"
    printf ',"udev-properties":{"ID_NET_NAME_MAC":"enx%s"}}' "$(mac_of "$link" | tr -d :)"
    comma=,
  done
}

# Schema 1.2: keys in kebab-case, MACs in lower case.
report_body() {
  local mode=bios token name
  [ ! -d /sys/firmware/efi ] || mode=efi
  token=$(either $work/answer post-installation-webhook auth-token)
  name=$(value_of $work/answer global.fqdn)
  case $name in '' | '{'*) name=$(hostname).example.invalid ;; esac
  printf '{"$schema":{"version":"1.2"}'
  [ -z "$token" ] || printf ',"token":%s' "$(json_text "$token")"
  printf ',"boot-info":{"mode":"%s"},"cpu-info":{"cores":1,"cpus":%s,"flags":%s,"hvm":false,"model":%s,"sockets":1}' \
    "$mode" "$(nproc)" "$(json_text "$(cpu flags)")" "$(json_text "$(cpu 'model name')")"
  printf ',"debian-version":"13.4","disks":[%s],"dmi":%s,"filesystem":%s,"fqdn":%s' \
    "$(disk_objects)" "$(dmi)" "$(json_text "$(value_of $work/answer disk-setup.filesystem)")" "$(json_text "$name")"
  printf ',"iso":%s,"kernel-version":{"machine":"%s","release":"%s","sysname":"Linux","version":%s}' \
    "$(iso_object)" "$(uname -m)" "$(uname -r)" "$(json_text "$(uname -v)")"
  printf ',"machine-id":"%s","network-interfaces":[%s]' "$(tr -d - </proc/sys/kernel/random/uuid)" "$(link_objects)"
  printf ',"product":{"fullname":"%s","short":"%s","version":"%s.1"},"reboot-mode":"%s"' "$PRODUCTLONG" "$PRODUCT" "$RELEASE" "$(reboot_mode)"
  printf ',"ssh-public-host-keys":{"ecdsa":"%s","ed25519":"%s","rsa":"%s"}}' \
    "$(ssh_key ecdsa-sha2-nistp256 =nistp256 65)" "$(ssh_key ssh-ed25519 32)" "$(ssh_key ssh-rsa 3 257)"
}

cpu() {
  awk -F '[ \t]*: ' -v name="$1" '$1 == name { print $2; exit }' /proc/cpuinfo
}

reboot_mode() {
  local mode
  mode=$(either $work/answer global reboot-mode)
  echo "${mode:-reboot}"
}

report() {
  local hook
  hook=$(either $work/answer post-installation-webhook url)
  if [ -z "$hook" ]; then
    ! has $work/answer post-installation-webhook || fail 'post-installation-webhook has no url'
    say 'the answer asks for no report'
    return
  fi
  report_body >$work/report.json
  post_json "$hook" "$(either $work/answer post-installation-webhook cert-fingerprint)" $work/report.json '*/*' ''
}

leave() {
  sync
  sleep 1
  case $(reboot_mode) in
    reboot) reboot -f ;;
    power-off) poweroff -f ;;
    *) fail "reboot-mode $(reboot_mode)" ;;
  esac
  while :; do sleep 60; done
}
