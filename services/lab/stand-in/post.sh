# One POST as the installer's HTTP client makes it: one try, 60 seconds for everything, the certificate pinned, 200 or
# 201 accepted and nothing else, no redirect followed.

most_body=10485760
most_head=65536

# post_json URL FINGERPRINT BODY-FILE ACCEPT TOKEN: leaves $work/response.body and $content_type.
post_json() {
  deadline=$(($(uptime_seconds) + 60))
  take_apart "$1"
  write_head "$3" "$4" "$5"
  rm -f $work/response
  case $scheme in
    https) pin "$2"; send "$3" openssl s_client -quiet -connect "$host:$port" $sni -CAfile $work/leaf.pem -partial_chain -no_check_time -verify_return_error ;;
    http) check_fingerprint "$2"; send "$3" nc "$host" "$port" ;;
  esac
  read_response
}

take_apart() {
  local rest authority
  scheme=$(echo "${1%%://*}" | tr A-Z a-z) rest=${1#*://}
  case $scheme in http) port=80 ;; https) port=443 ;; *) fail "not an http or https URL: $1" ;; esac
  if printf %s "$1" | grep -q "[^!-~]"; then fail "a blank or a strange character in the URL $1"; fi
  case $1 in *'#'*) fail "a fragment in the URL $1" ;; *\\*) fail "a backslash in the URL $1" ;; esac
  authority=${rest%%[/?]*} path=${rest#"$authority"}
  case $authority in *@* | *'['* | '') fail "no plain host in the URL $1" ;; esac
  case $path in '' | '?'*) path=/$path ;; esac
  host=${authority%%:*} host_header=$authority
  case $authority in *:*) port=${authority##*:} ;; esac
  # A server name is sent for names only (RFC 6066 §3).
  case $host in *[!0-9.]*) sni="-servername $host" ;; *) sni=-noservername ;; esac
}

write_head() {
  printf 'POST %s HTTP/1.1\r\naccept-encoding: gzip\r\ncontent-length: %s\r\n' "$path" "$(stat -c %s "$1")"
  printf 'user-agent: ureq/3.0.11\r\nhost: %s\r\ncontent-type: application/json; charset=utf-8\r\n' "$host_header"
  printf 'accept: %s\r\n' "$2"
  [ -z "$3" ] || printf 'authorization: Bearer %s\r\n' "$3"
  printf '\r\n'
} >$work/request.head

# Hexadecimal digits in any case with colons anywhere; anything else fails before a connection is made, for http too.
check_fingerprint() {
  wanted=$(printf %s "$1" | tr -d : | tr A-F a-f)
  case $wanted in *[!0-9a-f]*) fail "the fingerprint '$1' is not hexadecimal" ;; esac
}

# Fetches the leaf certificate and compares it; the POST then goes over a connection that is verified against that leaf alone.
pin() {
  local got
  check_fingerprint "$1"
  [ "$wanted" ] || fail 'https without a fingerprint: no authority of the ISO signed this certificate'
  timeout 30 openssl s_client -connect "$host:$port" $sni </dev/null >$work/tls.out 2>$work/tls.error
  sed -n '/^-----BEGIN CERT/,/^-----END CERT/p' $work/tls.out >$work/leaf.pem
  [ -s $work/leaf.pem ] || fail "no TLS with $host:$port: $(grep -v '^depth\|^verify' $work/tls.error | head -n 3)"
  got=$(openssl x509 -in $work/leaf.pem -outform DER | sha256sum | cut -d' ' -f1)
  [ "$got" = "$wanted" ] || fail "Fingerprint did not match! The server has $got"
}

# send BODY-FILE COMMAND...: head and body leave in two writes, as they do from the real client.
send() {
  local body=$1
  shift
  { cat $work/request.head; usleep 50000; cat "$body"; } | "$@" >$work/response 2>$work/send.error &
  sender=$!
  until response_complete; do
    if ! kill -0 "$sender" 2>/dev/null; then
      closed=yes
      response_complete && break
      fail "io: Peer disconnected: $(grep -v '^depth\|^verify' $work/send.error | head -n 3)"
    fi
    [ "$(uptime_seconds)" -lt "$deadline" ] || fail 'timeout: global'
    usleep 100000
  done
  kill "$sender" 2>/dev/null
  wait "$sender" 2>/dev/null
}

header() {
  sed '/^\r*$/q' $work/response | tr -d '\r' | awk -v name="$1:" 'tolower($1) == name { sub(/^[^:]*:[ \t]*/, ""); print; exit }'
}

response_complete() {
  local length
  [ -s $work/response ] || return 1
  grep -q "^$(printf '\r')\$" $work/response || return 1
  head_bytes=$(sed '/^\r$/q' $work/response | wc -c)
  [ "$head_bytes" -le "$most_head" ] || fail 'the head of the response is too large'
  length=$(header content-length)
  if head -n 1 "$work/response" | grep -q '^HTTP/1.1 [23]04'; then
    return 0 # these never have a body (RFC 9112 §6.3)
  elif [ "$length" ]; then
    [ "$(stat -c %s $work/response)" -ge $((head_bytes + length)) ]
  elif [ "$(header transfer-encoding)" = chunked ]; then
    tail -c 5 $work/response | tr '\r\n' '..' | grep -q '0\.\.\.\.'
  else
    [ "$closed" ]
  fi
}

unchunk() {
  local size
  while read -r size; do
    size=$((0x$(echo "$size" | tr -d '\r' | cut -d';' -f1)))
    [ "$size" -gt 0 ] || return 0
    dd bs=1 count="$size" 2>/dev/null
    read -r size
  done
}

read_response() {
  local status
  status=$(head -n 1 $work/response | tr -d '\r' | cut -d' ' -f2-)
  content_type=$(header content-type)
  tail -c +$((head_bytes + 1)) $work/response >$work/response.body
  if [ "$(header transfer-encoding)" = chunked ]; then
    unchunk <$work/response.body >$work/response.plain
    mv $work/response.plain $work/response.body
  fi
  case $(header content-encoding) in
    '' | identity) ;;
    gzip) zcat <$work/response.body >$work/response.plain && mv $work/response.plain $work/response.body || fail 'the body is not gzip' ;;
    *) fail "content encoding $(header content-encoding) was not offered" ;;
  esac
  say "http status: $status"
  case $status in 200* | 201*) ;; *) fail "http error: $status: $(cat $work/response.body)" ;; esac
  [ "$(stat -c %s $work/response.body)" -le "$most_body" ] || fail "larger than request limit: $most_body"
}
