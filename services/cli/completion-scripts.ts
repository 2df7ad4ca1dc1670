/** The completion of bash, zsh and fish as text. Names are asked of `rackrise completion names`, MACs with dashes: colons divide words in bash. */
import type { Flag, Operand, Place, Words } from './completion-words.ts'

export const SHELLS = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof SHELLS)[number]

const single = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`
const dashed = (flags: readonly Flag[]): string => flags.map(({ name }) => `--${name}`).join(' ')

/** Commands with a word of their own behind them. */
function withVerbs(commands: readonly Words[]): Words[] {
  return commands.filter(({ verbs }) => verbs.length > 0)
}

function placesOf(commands: readonly Words[]): Place[] {
  return commands.flatMap(({ places }) => places)
}

type Valued = { at: string; flag: Flag & { value: NonNullable<Flag['value']> } }

/** Options that take a value, by the command and the option before the cursor. */
function valuedFlags(commands: readonly Words[]): Valued[] {
  const all = commands.flatMap(({ name, places }) =>
    places.flatMap(({ flags }) => flags.flatMap(flag => (flag.value ? [{ at: `${name} --${flag.name}`, flag }] : []))),
  )
  return [...new Map(all.map(valued => [valued.at, valued as Valued])).values()]
}

function valueCases(commands: readonly Words[], files: string, choices: (words: string) => string): string[] {
  const actOf = ({ flag: { value } }: Valued): string => {
    if (value.of === 'files') return files
    return value.of === 'choices' ? choices(value.choices.join(' ')) : ':'
  }
  const byAct = Map.groupBy(valuedFlags(commands), actOf)
  return [...byAct].map(([act, all]) => `    ${all.map(({ at }) => single(at)).join(' | ')}) ${act}; return ;;`)
}

function operandCases(commands: readonly Words[], acts: Record<Exclude<Operand, 'nothing'>, string>): string[] {
  return placesOf(commands).flatMap(({ words, operand }) =>
    operand === 'nothing' ? [] : [`    ${single(words)}) ${acts[operand]} ;;`],
  )
}

export function bashScript(commands: readonly Words[]): string {
  const verbs = withVerbs(commands)
  return `# Completion of rackrise for bash. For everybody: rackrise completion bash > /etc/bash_completion.d/rackrise
_rackrise_words() { COMPREPLY=($(compgen -W "$1" -- "$cur")); }
_rackrise_files() { compopt -o filenames 2>/dev/null; COMPREPLY+=($(compgen -f -- "$cur")); }
_rackrise() {
  local cur=\${COMP_WORDS[COMP_CWORD]} place=\${COMP_WORDS[1]} site=() at IFS=$' \\t\\n'
  COMPREPLY=()
  for ((at = 2; at < COMP_CWORD; at++)); do
    if [[ \${COMP_WORDS[at - 1]} == --config ]]; then site=(--config "\${COMP_WORDS[at]}"); fi
  done
  if ((COMP_CWORD == 1)); then _rackrise_words ${single(commands.map(({ name }) => name).join(' '))}; return; fi
  case "\${COMP_WORDS[1]} \${COMP_WORDS[COMP_CWORD - 1]}" in
${valueCases(commands, '_rackrise_files', words => `_rackrise_words ${single(words)}`).join('\n')}
  esac
  if ((COMP_CWORD == 2)) && [[ $cur != -* ]]; then
    case $place in
${verbs.map(({ name, verbs: words }) => `      ${name}) _rackrise_words ${single(words.join(' '))}; return ;;`).join('\n')}
    esac
  fi
  case $place in
    ${verbs.map(({ name }) => name).join(' | ')}) place="$place \${COMP_WORDS[2]}" ;;
  esac
  if [[ $cur == -* ]]; then
    case $place in
${placesOf(commands)
  .map(({ words, flags }) => `      ${single(words)}) _rackrise_words ${single(dashed(flags))} ;;`)
  .join('\n')}
    esac
    return
  fi
  case $place in
${operandCases(commands, {
  machines: '_rackrise_words "$(rackrise completion names machines "${site[@]}" 2>/dev/null)"',
  isos: '_rackrise_words "$(rackrise completion names isos "${site[@]}" 2>/dev/null)"; _rackrise_files',
  files: '_rackrise_files',
}).join('\n')}
  esac
}
complete -F _rackrise rackrise
`
}

export function zshScript(commands: readonly Words[]): string {
  const described = (words: readonly (readonly [string, string])[]): string =>
    words.map(([word, help]) => single(`${word.replaceAll(':', '\\:')}:${help}`)).join(' ')
  const verbs = withVerbs(commands)
  return `#compdef rackrise
# Completion of rackrise for zsh. For everybody: rackrise completion zsh > /usr/local/share/zsh/site-functions/_rackrise
_rackrise() {
  local place=$words[2] at
  local -a site known
  for ((at = 3; at < CURRENT; at++)); do
    if [[ $words[at-1] == --config ]]; then site=(--config $words[at]); fi
  done
  if ((CURRENT == 2)); then
    known=(${described(commands.map(({ name, summary }) => [name, summary]))})
    _describe command known
    return
  fi
  case "$words[2] $words[CURRENT-1]" in
${valueCases(commands, '_files', words => `compadd -- ${words}`).join('\n')}
  esac
  if ((CURRENT == 3)) && [[ $PREFIX != -* ]]; then
    case $place in
${verbs.map(({ name, verbs: words }) => `      ${name}) compadd -- ${words.join(' ')}; return ;;`).join('\n')}
    esac
  fi
  case $place in
    ${verbs.map(({ name }) => name).join(' | ')}) place="$place $words[3]" ;;
  esac
  if [[ $PREFIX == -* ]]; then
    case $place in
${placesOf(commands)
  .map(
    ({ words, flags }) =>
      `      ${single(words)}) known=(${described(flags.map(({ name, help }) => [`--${name}`, help]))}) ;;`,
  )
  .join('\n')}
    esac
    _describe -o option known
    return
  fi
  case $place in
${operandCases(commands, {
  machines: 'compadd -- ${(f)"$(rackrise completion names machines $site 2>/dev/null)"}',
  isos: 'compadd -- ${(f)"$(rackrise completion names isos $site 2>/dev/null)"}; _files',
  files: '_files',
}).join('\n')}
  esac
}
if [[ $funcstack[1] == _rackrise ]]; then _rackrise "$@"; else compdef _rackrise rackrise; fi
`
}

export function fishScript(commands: readonly Words[]): string {
  const at = (words: string): string => `-n ${single(`__rackrise_at ${words}`)}`
  const flagLine = (words: string, { name, help, value }: Flag): string => {
    const takes =
      value === undefined
        ? ''
        : value.of === 'files'
          ? ' -r -F'
          : value.of === 'choices'
            ? ` -x -a ${single(value.choices.join(' '))}`
            : ' -x'
    return `complete -c rackrise ${at(words)} -l ${name}${takes} -d ${single(help)}`
  }
  const operands: Record<Operand, string[]> = {
    machines: [`-a '(__rackrise_names machines)'`],
    isos: [`-a '(__rackrise_names isos)'`, '-F'],
    files: ['-F'],
    nothing: [],
  }
  return `# Completion of rackrise for fish: rackrise completion fish > ~/.config/fish/completions/rackrise.fish
function __rackrise_at
  set -l words (commandline -opc)
  set -l last (math (count $argv) + 1)
  test (count $words) -ge $last; and test "$words[2..$last]" = "$argv"
end
function __rackrise_verb
  set -l words (commandline -opc)
  test (count $words) -eq 2; and test "$words[2]" = "$argv"
end
function __rackrise_names
  set -l words (commandline -opc)
  set -l at (contains -i -- --config $words)
  and rackrise completion names $argv --config $words[(math $at + 1)] 2>/dev/null
  or rackrise completion names $argv 2>/dev/null
end
complete -c rackrise -f
${commands.map(({ name, summary }) => `complete -c rackrise -n __fish_use_subcommand -a ${name} -d ${single(summary)}`).join('\n')}
${withVerbs(commands)
  .map(
    ({ name, verbs }) => `complete -c rackrise -n ${single(`__rackrise_verb ${name}`)} -a ${single(verbs.join(' '))}`,
  )
  .join('\n')}
${placesOf(commands)
  .flatMap(({ words, operand, flags }) => [
    ...flags.map(flag => flagLine(words, flag)),
    ...operands[operand].map(what => `complete -c rackrise ${at(words)} ${what}`),
  ])
  .join('\n')}
`
}

export const SCRIPTS: Record<Shell, (commands: readonly Words[]) => string> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
}
