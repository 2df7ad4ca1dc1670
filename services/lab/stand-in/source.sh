# Where the answer is: the mode file, else DHCP, else DNS; the first that has a URL wins, and a fingerprint never comes
# from another source than its URL, apart from the mode file's, which wins always.

leases=/var/lib/dhcp/dhclient.leases

read_mode() {
  local key
  flatten /cdrom/auto-installer-mode.toml >$work/mode 2>$work/mode.error || fail "the mode file: $(cat $work/mode.error)"
  for key in $(cut -f1 $work/mode); do
    case $key in
      mode | partition_label | http | http.*) ;;
      *) fail "the mode file has an unknown key $key" ;;
    esac
  done
  [ "$(value_of $work/mode mode)" = http ] || fail "mode is '$(value_of $work/mode mode)' and not http"
  token=$(value_of $work/mode http.token)
}

# The installer's way of reading a lease file: the first line, over all leases, that begins with the option; of it what
# follows the last blank, without the first character and the last two (quote, value, quote, semicolon). No unescaping.
lease_option() {
  awk -v start="option $1" '
    { gsub(/^[ \t]+|[ \t]+$/, "") }
    index($0, start) == 1 { sub(/^.* /, ""); print substr($0, 2, length($0) - 3); exit }
  ' "$leases"
}

# Upstream would use what is left of such values; here they are told from good ones.
check_lease_option() {
  local lines
  lines=$(awk -v start="option $1" '{ gsub(/^[ \t]+/, "") } index($0, start " ") == 1' "$leases" | sort -u)
  [ "$(echo "$lines" | wc -l)" = 1 ] || fail "the leases do not agree about $1"
  [ "$(echo "$lines" | wc -w)" = 3 ] || fail "option $1 has a blank in it: $lines"
  case $lines in *\\*) fail "option $1 was escaped by dhclient: $lines" ;; esac
}

find_answer_url() {
  fingerprint=$(value_of $work/mode http.cert_fingerprint)
  url=$(value_of $work/mode http.url)
  if [ "$url" ]; then
    url_source='the mode file'
  elif grep -q '^ *option proxmox-auto-installer-manifest-url' "$leases" 2>/dev/null; then
    from_dhcp
  else
    from_dns
  fi
  # An empty value wins over DNS, and leads to a request to nowhere.
  [ "$url" ] || fail "the URL from $url_source is empty"
}

from_dhcp() {
  url_source='DHCP option 250'
  check_lease_option proxmox-auto-installer-manifest-url
  url=$(lease_option proxmox-auto-installer-manifest-url)
  [ -z "$fingerprint" ] || return 0
  grep -q '^ *option proxmox-auto-installer-cert-fingerprint' "$leases" || return 0
  check_lease_option proxmox-auto-installer-cert-fingerprint
  fingerprint=$(lease_option proxmox-auto-installer-cert-fingerprint)
}

from_dns() {
  local search
  url_source='DNS'
  # Only a line whose first word is "search" counts, and the rest of it is one name, however many words it has.
  search=$(awk 'index($0, "search ") == 1 { sub(/^search */, ""); sub(/ *$/, ""); print; exit }' /etc/resolv.conf 2>/dev/null)
  [ "$search" ] || fail 'no URL in the mode file or by DHCP, and no search domain to ask DNS with'
  case $search in *' '* | *'	'*) fail "more than one search domain: $search" ;; esac
  server=$(awk '$1 == "nameserver" { print $2; exit }' /etc/resolv.conf)
  [ "$server" ] || fail 'no name server'
  url=$(text_record "proxmox-auto-installer.$search") || fail "TXT of proxmox-auto-installer.$search: $(cat $work/txt.error)"
  [ -z "$fingerprint" ] || return 0
  fingerprint=$(text_record "proxmox-auto-installer-cert-fingerprint.$search") ||
    fail "TXT of proxmox-auto-installer-cert-fingerprint.$search: $(cat $work/txt.error)"
}

text_record() {
  bash /lib/stand-in/txt.bash "$1" "$server" 2>$work/txt.error
}
