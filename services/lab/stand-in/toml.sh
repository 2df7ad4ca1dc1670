# Enough TOML to read a mode file or an answer: every value becomes one line "path<TAB>value". Multi-line strings are
# refused; arrays and inline tables are kept as they are written.

# flatten FILE: prints the lines; fails on a line that it does not understand or a key given twice.
flatten() {
  awk '
    function bad(why) { print "line " NR ": " why > "/dev/stderr"; failed = 1; exit 1 }
    function bare(text) { gsub(/^[ \t]+|[ \t]+$/, "", text); gsub(/"|\047/, "", text); return text }
    { sub(/\r$/, "") }
    NR == 1 { sub(/^\357\273\277/, "") }
    inside { item = $0; gsub(/^[ \t]+/, "", item); value = value item; if (item ~ /\][ \t]*(#.*)?$/) { inside = 0; print path "\t" value } next }
    /^[ \t]*(#.*)?$/ { next }
    /^[ \t]*\[/ {
      if ($0 !~ /^[ \t]*\[\[?[^]]+\]\]?[ \t]*(#.*)?$/) bad("not a table: " $0)
      table = $0; sub(/^[ \t]*\[+/, "", table); sub(/\].*$/, "", table)
      table = bare(table) "."
      print substr(table, 1, length(table) - 1) "\t[table]"
      next
    }
    {
      at = match($0, /^[ \t]*("[^"]*"|\047[^\047]*\047|[A-Za-z0-9_.-]+)[ \t]*=/)
      if (at == 0) bad("not a key and a value: " $0)
      key = bare(substr($0, 1, RLENGTH - 1)); value = substr($0, RLENGTH + 1)
      sub(/^[ \t]+/, "", value)
      if (value ~ /^("""|\047\047\047)/) bad("a multi-line string")
      if (match(value, /^"([^"\\]|\\.)*"/) || match(value, /^\047[^\047]*\047/)) value = substr(value, 2, RLENGTH - 2)
      else if (value ~ /^["\047]/) bad("a string without an end: " $0)
      else if (value ~ /^\[/) { if (value !~ /\][ \t]*(#.*)?$/) inside = 1 }
      else sub(/[ \t]*(#.*)?$/, "", value)
      if ((table key) in seen) bad("duplicate key " table key)
      seen[table key] = 1
      path = table key
      if (!inside) print path "\t" value
    }
    END { if (!failed && inside) bad("an array without an end") }
  ' "$1"
}

# value_of FILE PATH: FILE is flattened; empty when the key is not there.
value_of() {
  awk -F '\t' -v path="$2" '$1 == path && $2 != "[table]" { print $2; exit }' "$1"
}

# has FILE PATH: is there a key, a table, or anything below it?
has() {
  awk -F '\t' -v path="$2" '$1 == path || index($1, path ".") == 1 { found = 1 } END { exit !found }' "$1"
}

# either FILE TABLE KEBAB: the value under its kebab-case or its old snake_case name; both at once are a duplicate field.
either() {
  local kebab snake
  kebab=$(value_of "$1" "$2.$3")
  snake=$(value_of "$1" "$2.$(echo "$3" | tr - _)")
  case $3 in *-*) [ -z "$kebab" ] || [ -z "$snake" ] || fail "duplicate field $2.$3" ;; esac
  echo "${kebab:-$snake}"
}
