import type { OptionTable } from '../../base/optionTable.ts';
import { type AnyCommand, globalOptions, optionsOf } from '../command.ts';

export const completionShells = ['bash', 'zsh', 'fish', 'powershell'] as const;

export type CompletionShell = (typeof completionShells)[number];

/** One word that a shell offers. */
interface Offer {
  readonly word: string;
  readonly help: string;
}

/** What a shell offers behind a command. */
interface Offers {
  readonly command: string;
  readonly help: string;
  readonly offers: readonly Offer[];
}

/** Options that a value follows, and of these the ones that take a folder. */
interface ValueWords {
  readonly any: readonly string[];
  readonly folders: readonly string[];
}

/** The completion script of a shell, from the tables of commands and options. It completes commands and options, not names of servers: that would scan the machine at each key. */
export function renderCompletion(shell: CompletionShell, commands: readonly AnyCommand[]): string {
  const groups: Offers[] = [
    ...commands.map((command) => ({
      command: command.name,
      help: command.summary,
      offers: [...(command.words ?? []).map((word) => ({ word, help: '' })), ...optionOffers(optionsOf(command))],
    })),
    { command: 'guard', help: 'start a server and proxy its messages', offers: [] },
  ];
  return scripts[shell](groups, valueWords(Object.assign({}, globalOptions, ...commands.map(({ options }) => options))));
}

function optionOffers(table: OptionTable): Offer[] {
  return Object.entries(table).flatMap(([name, { help }]) => (help === undefined ? [] : [{ word: `--${name}`, help: shortHelp(help) }]));
}

function valueWords(table: OptionTable): ValueWords {
  const withValue = Object.entries(table).filter(([, { placeholder }]) => placeholder !== undefined);
  const words = (entries: typeof withValue): string[] => entries.map(([name]) => `--${name}`);
  return { any: words(withValue), folders: words(withValue.filter(([, { placeholder }]) => placeholder === 'DIR')) };
}

/** The first part of a help text, in characters that no shell gives a meaning to within single quotes. */
function shortHelp(text: string): string {
  return (text.split(/[(;]/)[0] ?? '').replace(/[^\w ,./=-]/g, '').trim();
}

/** What is offered before there is a command. */
function first(groups: readonly Offers[]): Offer[] {
  return [...groups.map(({ command, help }) => ({ word: command, help: shortHelp(help) })), ...optionOffers(globalOptions)];
}

const wordsOf = (offers: readonly Offer[]): string => offers.map(({ word }) => word).join(' ');

const scripts: Readonly<Record<CompletionShell, (groups: readonly Offers[], values: ValueWords) => string>> = {
  bash,
  zsh,
  fish,
  powershell,
};

/** Works with bash 3.2, which macOS has. */
function bash(groups: readonly Offers[], { any, folders }: ValueWords): string {
  return `# Completion of mcp-shepherd for bash. Load it in ~/.bashrc: eval "$(mcp-shepherd completion bash)"
_mcp_shepherd() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} command='' word offered
  local IFS=$' \\t\\n'
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case $word in
      ${groups.map(({ command }) => command).join('|')}) command=$word; break ;;
    esac
  done
  COMPREPLY=()
  case $prev in
    ${folders.join('|')})
      compopt -o filenames 2>/dev/null
      IFS=$'\\n'
      COMPREPLY=($(compgen -d -- "$cur"))
      return ;;
    ${any.filter((word) => !folders.includes(word)).join('|')}) return ;;
  esac
  case $command in
    '') offered='${wordsOf(first(groups))}' ;;
${groups.map(({ command, offers }) => `    ${command}) offered='${wordsOf(offers)}' ;;`).join('\n')}
  esac
  COMPREPLY=($(compgen -W "$offered" -- "$cur"))
}
complete -F _mcp_shepherd mcp-shepherd
`;
}

function zsh(groups: readonly Offers[], { any, folders }: ValueWords): string {
  const list = (offers: readonly Offer[]): string => offers.map(({ word, help }) => `'${word}${help === '' ? '' : `:${help}`}'`).join(' ');
  return `#compdef mcp-shepherd
# Completion of mcp-shepherd for zsh. Load it in ~/.zshrc, behind compinit: eval "$(mcp-shepherd completion zsh)"
_mcp_shepherd() {
  local command='' word
  local -a offered
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case $word in
      (${groups.map(({ command }) => command).join('|')}) command=$word; break ;;
    esac
  done
  case \${words[CURRENT-1]} in
    (${folders.join('|')}) _directories; return ;;
    (${any.filter((word) => !folders.includes(word)).join('|')}) return 1 ;;
  esac
  case $command in
    ('') offered=(${list(first(groups))}) ;;
${groups.map(({ command, offers }) => `    (${command}) offered=(${list(offers)}) ;;`).join('\n')}
  esac
  _describe mcp-shepherd offered
}
if [[ $funcstack[1] == _mcp_shepherd ]]; then
  _mcp_shepherd "$@"
else
  compdef _mcp_shepherd mcp-shepherd
fi
`;
}

function fish(groups: readonly Offers[], { any, folders }: ValueWords): string {
  const line = (condition: string, { word, help }: Offer): string => {
    const what = word.startsWith('--') ? `-l ${word.slice(2)}` : `-a ${word}`;
    const value = folders.includes(word) ? " -x -a '(__fish_complete_directories)'" : any.includes(word) ? ' -x' : '';
    return `complete -c mcp-shepherd -n '${condition}' ${what}${value}${help === '' ? '' : ` -d '${help}'`}`;
  };
  return [
    '# Completion of mcp-shepherd for fish. Keep it: mcp-shepherd completion fish > ~/.config/fish/completions/mcp-shepherd.fish',
    'complete -c mcp-shepherd -f',
    ...first(groups).map((offer) => line('__fish_use_subcommand', offer)),
    ...groups.flatMap(({ command, offers }) => offers.map((offer) => line(`__fish_seen_subcommand_from ${command}`, offer))),
    '',
  ].join('\n');
}

function powershell(groups: readonly Offers[], { any }: ValueWords): string {
  const list = (offers: readonly Offer[]): string => `@(${offers.map(({ word }) => `'${word}'`).join(', ')})`;
  return `# Completion of mcp-shepherd for PowerShell. Load it in $PROFILE: mcp-shepherd completion powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName mcp-shepherd -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $first = ${list(first(groups))}
  $offered = @{
${groups.map(({ command, offers }) => `    '${command}' = ${list(offers)}`).join('\n')}
  }
  $words = @($commandAst.CommandElements | Select-Object -Skip 1 | ForEach-Object { "$_" })
  $before = @($words | Where-Object { $_ -ne $wordToComplete })
  if ($before.Count -gt 0 -and ${list(any.map((word) => ({ word, help: '' })))} -contains $before[-1]) { return }
  $command = $before | Where-Object { $offered.ContainsKey($_) } | Select-Object -First 1
  $(if ($command) { $offered[$command] } else { $first }) |
    Where-Object { $_ -like "$wordToComplete*" } |
    ForEach-Object { [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_) }
}
`;
}
