# What a person, or a test, sees on the console.
also=
console=/dev/console
work=/tmp

# Not to standard output: that may be a file or a substitution just now.
say() {
  echo "$*" >"$console"
  [ -z "$also" ] || echo "$*" >"$also"
}

# The real installer stays in a shell for ever; a lab wants the machine off. The wait lets the serial line drain.
fail() {
  say "RACKRISE-STAND-IN FAILED: $*"
  sync
  sleep 1
  poweroff -f
  while :; do sleep 60; done
}

# Seconds since boot.
uptime_seconds() {
  cut -d. -f1 /proc/uptime
}
