/** The text of the launcher script. */
export interface LauncherFacts {
  /** Version of MCP Shepherd that it starts. */
  readonly version: string;
  /** Name of the folder beside the launcher that holds `cli.cjs` and `guard.cjs`. */
  readonly programs: string;
  /** Absolute path of the folder that the launcher is in. */
  readonly folder: string;
  /** The Node.js that ran when this was written; undefined when only an editor's was known. */
  readonly node?: string;
  /** An editor's program that runs as Node.js with `ELECTRON_RUN_AS_NODE`. */
  readonly editor?: string;
}

/** Where installers and version managers put Node.js, apart from PATH, and where remote VS Code keeps its own; `*` stands for any name. */
const posixPlaces = [
  '/usr/local/bin/node',
  '/opt/homebrew/bin/node',
  '/usr/bin/node',
  '/opt/local/bin/node',
  '/snap/bin/node',
  '~/.volta/bin/node',
  '~/.local/share/mise/shims/node',
  '~/.asdf/shims/node',
  '~/.local/share/fnm/aliases/default/bin/node',
  '~/.fnm/aliases/default/bin/node',
  '~/.nvm/versions/node/*/bin/node',
  '~/.local/share/mise/installs/node/*/bin/node',
  '~/.vscode-server/cli/servers/*/server/node',
  '~/.vscode-server/bin/*/node',
];

const posixEditors = [
  '/usr/share/code/code',
  '/opt/visual-studio-code/code',
  '/usr/share/codium/codium',
  '/Applications/Visual Studio Code.app/Contents/MacOS/Electron',
];

const windowsPlaces = ['%ProgramFiles%\\nodejs\\node.exe', '%LOCALAPPDATA%\\Volta\\bin\\node.exe', '%NVM_SYMLINK%\\node.exe'];

const windowsEditors = ['%LOCALAPPDATA%\\Programs\\Microsoft VS Code\\Code.exe', '%ProgramFiles%\\Microsoft VS Code\\Code.exe'];

/**
 * The launcher for POSIX shells. It becomes the guard by `exec`, so that only one process is between client and server. Where nothing can run the guard,
 * the server is started without it, except when a lock is requested: then it is not started.
 */
export function posixLauncher(facts: LauncherFacts): string {
  const places = posixPlaces.map((place) => (place.startsWith('~/') ? `"\${HOME-}"/${place.slice(2)}` : place)).join(' \\\n  ');
  const editors = [...(facts.editor === undefined ? [] : [facts.editor]), ...posixEditors].map(shellQuoted).join(' \\\n  ');
  return `#!/bin/sh
# MCP Shepherd ${facts.version}. It writes and updates this file itself: changes are lost.
# Starts the current MCP Shepherd with a Node.js (20 or newer) that it finds.
_shepherd_folder=${shellQuoted(`${facts.folder}/${facts.programs}`)}
_shepherd_verb=\${1-}
if [ "$_shepherd_verb" = guard ]; then
  shift
  _shepherd=$_shepherd_folder/guard.cjs
else
  _shepherd=$_shepherd_folder/cli.cjs
fi
# A relay in perl takes 2 MB, in Python 4 MB, in Node.js 10 MB.
_shepherd_start() {
  _shepherd_node=$1
  shift
  if [ "$_shepherd_verb \${1-}" = 'guard --relay' ]; then
    [ -x /usr/bin/perl ] && [ -f "$_shepherd_folder/relay.pl" ] &&
      exec /usr/bin/perl "$_shepherd_folder/relay.pl" "$_shepherd_node" "$_shepherd" "$@"
    [ -x /usr/bin/python3 ] && [ -f "$_shepherd_folder/relay.py" ] &&
      exec /usr/bin/python3 -I -S "$_shepherd_folder/relay.py" "$_shepherd_node" "$_shepherd" "$@"
  fi
  exec "$_shepherd_node" "$_shepherd" "$@"
}
if [ -f "$_shepherd" ]; then
  _shepherd_node=${shellQuoted(facts.node ?? '')}
  [ -x "$_shepherd_node" ] && _shepherd_start "$_shepherd_node" "$@"
  _shepherd_fits() {
    [ -f "$1" ] && [ -x "$1" ] &&
      "$1" -e 'process.exit(Number(process.versions.node.split(".")[0]) < 20 ? 1 : 0)' </dev/null >/dev/null 2>&1
  }
  _shepherd_path=\${PATH-}:
  while [ -n "$_shepherd_path" ]; do
    _shepherd_node=\${_shepherd_path%%:*}/node
    _shepherd_path=\${_shepherd_path#*:}
    case $_shepherd_node in
      /*) _shepherd_fits "$_shepherd_node" && _shepherd_start "$_shepherd_node" "$@" ;;
    esac
  done
  for _shepherd_node in ${places}; do
    _shepherd_fits "$_shepherd_node" && _shepherd_start "$_shepherd_node" "$@"
  done
  for _shepherd_node in ${editors}; do
    [ -x "$_shepherd_node" ] || continue
    if [ -n "\${ELECTRON_RUN_AS_NODE-}" ]; then
      exec "$_shepherd_node" "$_shepherd" "$@"
    fi
    MCP_SHEPHERD_ELECTRON=1 ELECTRON_RUN_AS_NODE=1 exec "$_shepherd_node" "$_shepherd" "$@"
  done
  echo "mcp-shepherd: no Node.js 20 or newer was found in PATH and the usual places." >&2
else
  echo "mcp-shepherd: $_shepherd is missing; install MCP Shepherd again, or undo with \\"mcp-shepherd unprotect\\"." >&2
fi
[ "$_shepherd_verb" = guard ] || exit 127
while [ $# -gt 0 ]; do
  case $1 in
    --lock | --lock=*)
      echo "mcp-shepherd: the server is not started: the guard keeps its lock, and the guard cannot run." >&2
      exit 127
      ;;
    --)
      shift
      echo "mcp-shepherd: the server is started without the guard." >&2
      exec "$@"
      ;;
  esac
  shift
done
exit 127
`;
}

/** The launcher for Windows. It returns Node's exit code. CRLF and ASCII only, so that the code page does not matter. */
export function windowsLauncher(facts: LauncherFacts, env: Readonly<Record<string, string | undefined>>): string {
  const cli = `"%~dp0${facts.programs}\\cli.cjs"`;
  const test = `-e "process.exit(Number(process.versions.node.split('.')[0]) < 20 ? 1 : 0)" >nul 2>nul <nul`;
  const node = facts.node === undefined ? undefined : batchPath(facts.node, env);
  const editors = [...(facts.editor === undefined ? [] : [batchPath(facts.editor, env)]), ...windowsEditors].filter(
    (path) => path !== undefined,
  );
  const labels = new Map([...(node === undefined ? [] : [node]), ...windowsPlaces].map((path, index) => [path, `not${index}`]));
  const lines = [
    '@echo off',
    `rem MCP Shepherd ${facts.version}. It writes and updates this file itself: changes are lost.`,
    'rem Starts the current MCP Shepherd with a Node.js (20 or newer) that it finds.',
  ];
  const start = (program: string, label: string, tested: boolean): string[] => [
    ...(/[\\/]/.test(program) ? [`if not exist "${program}" goto ${label}`] : []),
    ...(tested ? [`"${program}" ${test} || goto ${label}`] : []),
    `"${program}" ${cli} %*`,
    'exit /b %ERRORLEVEL%',
    `:${label}`,
  ];
  if (node !== undefined) {
    lines.push(...start(node, labels.get(node) ?? 'notnode', false));
  }
  // cmd looks for a bare name in the working directory first; this modifier looks in PATH only.
  lines.push('for %%I in (node.exe) do set "MCP_SHEPHERD_NODE=%%~$PATH:I"', 'if not defined MCP_SHEPHERD_NODE goto notpath');
  lines.push(...start('%MCP_SHEPHERD_NODE%', 'notpath', true));
  for (const path of windowsPlaces) {
    lines.push(...start(path, labels.get(path) ?? 'notplace', true));
  }
  editors.forEach((editor, index) => {
    lines.push(
      `if not exist "${editor}" goto noteditor${index}`,
      'if not defined ELECTRON_RUN_AS_NODE set MCP_SHEPHERD_ELECTRON=1',
      'set ELECTRON_RUN_AS_NODE=1',
      `"${editor}" ${cli} %*`,
      'exit /b %ERRORLEVEL%',
      `:noteditor${index}`,
    );
  });
  lines.push('echo mcp-shepherd: no Node.js 20 or newer was found in PATH and the usual places. 1>&2', 'exit /b 127', '');
  return lines.join('\r\n');
}

function shellQuoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/**
 * A path in a batch file: percent signs doubled, and the profile folder as a variable, because cmd may read the file in another code page.
 * @returns undefined when the path cannot be written in ASCII
 */
function batchPath(path: string, env: Readonly<Record<string, string | undefined>>): string | undefined {
  const profile = env.USERPROFILE;
  const short =
    profile !== undefined && profile !== '' && path.toLowerCase().startsWith(`${profile.toLowerCase()}\\`)
      ? { variable: '%USERPROFILE%', rest: path.slice(profile.length) }
      : { variable: '', rest: path };
  return /^[\x20-\x7e]*$/.test(short.rest) && !short.rest.includes('"') ? short.variable + short.rest.replaceAll('%', '%%') : undefined;
}
