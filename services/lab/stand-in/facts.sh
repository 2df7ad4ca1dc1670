# What the installer tells about the machine: the system information and the parts of it that the webhook repeats.

# json_text TEXT: a JSON string.
json_text() {
  printf '"%s"' "$(printf %s "$1" | tr -d '\000-\037' | sed 's/\\/\\\\/g; s/"/\\"/g')"
}

# dmi_object KEY:FILE...: files that do not exist are left out, values are trimmed.
dmi_object() {
  local pair comma=
  printf '{'
  for pair in "$@"; do
    [ -r "/sys/class/dmi/id/${pair#*:}" ] || continue
    printf '%s"%s":' "$comma" "${pair%%:*}"
    json_text "$(sed 's/^[ \t]*//; s/[ \t]*$//' "/sys/class/dmi/id/${pair#*:}")"
    comma=,
  done
  printf '}'
}

dmi() {
  printf '{"baseboard":'
  dmi_object serial:board_serial asset_tag:board_asset_tag name:board_name
  printf ',"chassis":'
  dmi_object sku:chassis_sku asset_tag:chassis_asset_tag serial:chassis_serial
  printf ',"system":'
  dmi_object uuid:product_uuid name:product_name serial:product_serial sku:product_sku
  printf '}'
}

# Names of all links but lo, in the kernel's order.
links() {
  local link
  for link in /sys/class/net/*; do
    [ "${link##*/}" = lo ] || echo "$(cat "$link/ifindex") ${link##*/}"
  done | sort -n | cut -d' ' -f2
}

mac_of() {
  cat "/sys/class/net/$1/address"
}

iso_object() {
  printf '{"release":"%s","isorelease":"%s"}' "$RELEASE" "$ISORELEASE"
}

# The body of an installer of 9.2: with $schema, MACs in upper case.
system_information() {
  local link mac comma=
  printf '{"$schema":{"version":"1.0"},"product":{"fullname":"%s","product":"%s","enable_btrfs":true}' "$PRODUCTLONG" "$PRODUCT"
  printf ',"iso":%s,"dmi":%s,"network_interfaces":[' "$(iso_object)" "$(dmi)"
  for link in $(links); do
    mac=$(mac_of "$link")
    [ ${#mac} = 17 ] || fail "the hostname contains invalid symbols (the address of $link is not six bytes)"
    printf '%s{"link":"%s","mac":"%s"}' "$comma" "$link" "$(echo "$mac" | tr a-f A-F)"
    comma=,
  done
  printf ']}'
}
