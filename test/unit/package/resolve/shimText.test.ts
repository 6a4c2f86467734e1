import { deepEqual, equal } from 'node:assert/strict';
import { describe, it } from 'mocha';
import { programPaths } from '../../../../src/package/resolve/commandPath.ts';
import { cmdShim, powershellShim, shebangWords, shellShim } from '../../../../src/package/resolve/shimText.ts';

// Written by npm 11 (its cmd-shim; yarn 1 and Bun on Windows write the same forms).
const npmShell = `#!/bin/sh
basedir=$(dirname "$(echo "$0" | sed -e 's,\\\\,/,g')")

case \`uname\` in
    *CYGWIN*|*MINGW*|*MSYS*)
        if command -v cygpath > /dev/null 2>&1; then
            basedir=\`cygpath -w "$basedir"\`
        fi
    ;;
esac

if [ -x "$basedir/node" ]; then
  exec "$basedir/node"  "$basedir/../x/dist/cli.js" "$@"
else 
  exec node  "$basedir/../x/dist/cli.js" "$@"
fi
`;
const npmCmd = `@ECHO off
GOTO start
:find_dp0
SET dp0=%~dp0
EXIT /b
:start
SETLOCAL
CALL :find_dp0

IF EXIST "%dp0%\\node.exe" (
  SET "_prog=%dp0%\\node.exe"
) ELSE (
  SET "_prog=node"
  SET PATHEXT=%PATHEXT:;.JS;=;%
)

endLocal & goto #_undefined_# 2>NUL || title %COMSPEC% & "%_prog%"  "%dp0%\\..\\x\\dist\\cli.js" %*
`;
const npmPowershell = `#!/usr/bin/env pwsh
$basedir=Split-Path $MyInvocation.MyCommand.Definition -Parent

$exe=""
if ($PSVersionTable.PSVersion -lt "6.0" -or $IsWindows) {
  # Fix case when both the Windows and Linux builds of Node
  # are installed in the same directory
  $exe=".exe"
}
$ret=0
if (Test-Path "$basedir/node$exe") {
  # Support pipeline input
  if ($MyInvocation.ExpectingInput) {
    $input | & "$basedir/node$exe"  "$basedir/../x/dist/cli.js" $args
  } else {
    & "$basedir/node$exe"  "$basedir/../x/dist/cli.js" $args
  }
  $ret=$LASTEXITCODE
} else {
  # Support pipeline input
  if ($MyInvocation.ExpectingInput) {
    $input | & "node$exe"  "$basedir/../x/dist/cli.js" $args
  } else {
    & "node$exe"  "$basedir/../x/dist/cli.js" $args
  }
  $ret=$LASTEXITCODE
}
exit $ret
`;
// Written by pnpm 10.
const pnpmShell = `#!/bin/sh
basedir=$(dirname "$(echo "$0" | sed -e 's,\\\\,/,g')")

case \`uname\` in
    *CYGWIN*|*MINGW*|*MSYS*)
        if command -v cygpath > /dev/null 2>&1; then
            basedir=\`cygpath -w "$basedir"\`
        fi
    ;;
esac

if [ -z "$NODE_PATH" ]; then
  export NODE_PATH="/proj/node_modules/.pnpm/@modelcontextprotocol+server-memory@2026.1.26_zod@4.6.7/node_modules/@modelcontextprotocol/server-memory/node_modules:/proj/node_modules/.pnpm/@modelcontextprotocol+server-memory@2026.1.26_zod@4.6.7/node_modules:/proj/node_modules/.pnpm/node_modules"
else
  export NODE_PATH="/proj/node_modules/.pnpm/@modelcontextprotocol+server-memory@2026.1.26_zod@4.6.7/node_modules/@modelcontextprotocol/server-memory/node_modules:/proj/node_modules/.pnpm/@modelcontextprotocol+server-memory@2026.1.26_zod@4.6.7/node_modules:/proj/node_modules/.pnpm/node_modules:$NODE_PATH"
fi
if [ -x "$basedir/node" ]; then
  exec "$basedir/node"  "$basedir/../.pnpm/@modelcontextprotocol+server-memory@2026.1.26_zod@4.6.7/node_modules/@modelcontextprotocol/server-memory/dist/index.js" "$@"
else
  exec node  "$basedir/../.pnpm/@modelcontextprotocol+server-memory@2026.1.26_zod@4.6.7/node_modules/@modelcontextprotocol/server-memory/dist/index.js" "$@"
fi
`;
// The lines of pnpm 11 and 12 that start the program; those before them find the folder.
const pnpmTarget = `#!/bin/sh
basedir=\${link%/*}
if [ -n "$exe" ] && [ -x "$basedir/node.exe" ]; then
  exec "$basedir/node.exe"  "$basedir_win"/'../.pnpm/x@1.0.0/node_modules/x/cli.js' "$@"
elif [ -x "$basedir/node" ]; then
  exec "$basedir/node"  "$basedir_abs"/'../.pnpm/x@1.0.0/node_modules/x/cli.js' "$@"
else
  exec node  "$basedir_abs"/'../.pnpm/x@1.0.0/node_modules/x/cli.js' "$@"
fi
# cmd-shim-target=/proj/node_modules/.pnpm/x@1.0.0/node_modules/x/cli.js
`;

// Written by the package with which pnpm 12 makes its shims (@zkochan/cmd-shim 9), whose `exec` lines have one string.
const pnpmNewest = `#!/bin/sh
# Resolve $0 through symlinks so basedir is the shim's real directory.
# Cap hops at the kernel's ELOOP limit so a cycle cannot hang the shim.
link="$0"
hops=0
while [ -L "$link" ] && [ "$hops" -lt 40 ]; do
  hops=$((hops+1))
  target=$(readlink "$link")
  case "$target" in
    /*) link="$target" ;;
    *)  link="$(dirname "$link")/$target" ;;
  esac
done
basedir=$(dirname "$(echo "$link" | sed -e 's,\\\\,/,g')")
if [ -x "$basedir/node" ]; then
  exec "$basedir/node"  "$basedir/../.pnpm/x@1.0.0/node_modules/x/cli.js"  "$@"
elif [ -n "$exe" ] && command -v node.exe >/dev/null 2>&1; then
  exec node.exe  "$basedir_win/../.pnpm/x@1.0.0/node_modules/x/cli.js"  "$@"
else
  exec node  "$basedir/../.pnpm/x@1.0.0/node_modules/x/cli.js"  "$@"
fi
# cmd-shim-target=/proj/node_modules/.pnpm/x@1.0.0/node_modules/x/cli.js
`;
// Shims for Windows as the tools wrote them: yarn 1 (@zkochan/cmd-shim 3), pnpm 6 to 8 (5), pnpm 12 (9).
const yarnCmd = `@SET NODE_PATH=\\proj\\node_modules\\.pnpm\\node_modules
@IF EXIST "%~dp0\\node.exe" (
  "%~dp0\\node.exe"  "%~dp0\\..\\x\\cli.js" %*
) ELSE (
  @SETLOCAL
  @SET PATHEXT=%PATHEXT:;.JS;=;%
  node  "%~dp0\\..\\x\\cli.js" %*
)`;
const pnpmCmd = `@SETLOCAL
@IF NOT DEFINED NODE_PATH (
  @SET "NODE_PATH=\\proj\\node_modules\\.pnpm\\node_modules"
) ELSE (
  @SET "NODE_PATH=%NODE_PATH%;\\proj\\node_modules\\.pnpm\\node_modules"
)
@IF EXIST "%~dp0\\node.exe" (
  "%~dp0\\node.exe"  "%~dp0\\..\\.pnpm\\x@1.0.0\\node_modules\\x\\cli.js"  %*
) ELSE (
  @SET PATHEXT=%PATHEXT:;.JS;=;%
  node  "%~dp0\\..\\.pnpm\\x@1.0.0\\node_modules\\x\\cli.js"  %*
)
`;
const pnpmNewestCmd = `@SETLOCAL
@IF NOT DEFINED NODE_PATH (
  @SET "NODE_PATH=\\proj\\node_modules\\.pnpm\\node_modules"
) ELSE (
  @SET "NODE_PATH=\\proj\\node_modules\\.pnpm\\node_modules;%NODE_PATH%"
)
@IF EXIST "%~dp0\\node.exe" (
  "%~dp0\\node.exe"  "%~dp0\\..\\.pnpm\\x@1.0.0\\node_modules\\x\\cli.js"  %*
) ELSE (
  @SET PATHEXT=%PATHEXT:;.JS;=;%
  node  "%~dp0\\..\\.pnpm\\x@1.0.0\\node_modules\\x\\cli.js"  %*
)
`;
const pnpmPowershell = `#!/usr/bin/env pwsh
$basedir=Split-Path $MyInvocation.MyCommand.Definition -Parent

$exe=""
$pathsep=":"
$env_node_path=$env:NODE_PATH
$new_node_path="\\proj\\node_modules\\.pnpm\\node_modules"
if ($PSVersionTable.PSVersion -lt "6.0" -or $IsWindows) {
  # Fix case when both the Windows and Linux builds of Node
  # are installed in the same directory
  $exe=".exe"
  $pathsep=";"
} else {
  $new_node_path="/proj/node_modules/.pnpm/node_modules"
}
if ([string]::IsNullOrEmpty($env_node_path)) {
  $env:NODE_PATH=$new_node_path
} else {
  $env:NODE_PATH="$new_node_path$pathsep$env_node_path"
}

$ret=0
if (Test-Path "$basedir/node$exe") {
  # Support pipeline input
  if ($MyInvocation.ExpectingInput) {
    $input | & "$basedir/node$exe"  "$basedir/../.pnpm/x@1.0.0/node_modules/x/cli.js"  $args
  } else {
    & "$basedir/node$exe"  "$basedir/../.pnpm/x@1.0.0/node_modules/x/cli.js"  $args
  }
  $ret=$LASTEXITCODE
} else {
  # Support pipeline input
  if ($MyInvocation.ExpectingInput) {
    $input | & "node$exe"  "$basedir/../.pnpm/x@1.0.0/node_modules/x/cli.js"  $args
  } else {
    & "node$exe"  "$basedir/../.pnpm/x@1.0.0/node_modules/x/cli.js"  $args
  }
  $ret=$LASTEXITCODE
}
$env:NODE_PATH=$env_node_path
exit $ret
`;

const place = { file: '/p/bin/x', real: '/real/x' };

describe('shims of package managers', () => {
  const shell = (text: string, file = '/p/node_modules/.bin/x', real = file): readonly string[] | undefined =>
    shellShim(text, { file, real })?.words;

  it('the forms of npm and pnpm lead to the script', () => {
    deepEqual(shell(npmShell), ['node', '/p/node_modules/x/dist/cli.js']);
    deepEqual(shell(pnpmShell, '/proj/node_modules/.bin/mcp-server-memory'), [
      'node',
      '/proj/node_modules/.pnpm/@modelcontextprotocol+server-memory@2026.1.26_zod@4.6.7/node_modules/@modelcontextprotocol/server-memory/dist/index.js',
    ]);
    deepEqual(shell(pnpmTarget, '/bin/x', '/proj/node_modules/.bin/x'), ['node', '/proj/node_modules/.pnpm/x@1.0.0/node_modules/x/cli.js']);
    deepEqual(shell(pnpmNewest, '/bin/x', '/proj/node_modules/.bin/x'), ['node', '/proj/node_modules/.pnpm/x@1.0.0/node_modules/x/cli.js']);
    deepEqual(shell(pnpmTarget.replace('x@1.0.0', 'x@1.1.0')), undefined, 'its lines start different scripts');
    deepEqual(cmdShim(npmCmd, 'C:\\p\\node_modules\\.bin\\x.cmd'), ['node', 'C:\\p\\node_modules\\x\\dist\\cli.js']);
    deepEqual(powershellShim(npmPowershell, 'C:\\p\\node_modules\\.bin\\x.ps1'), ['node', 'C:\\p\\node_modules\\x\\dist\\cli.js']);
    // A script whose first line gives Node an option: npm's shim passes it on without quotes.
    const option = npmPowershell.replaceAll('node$exe" ', 'node$exe" --no-warnings ');
    deepEqual(powershellShim(option, 'C:\\p\\node_modules\\.bin\\x.ps1'), [
      'node',
      '--no-warnings',
      'C:\\p\\node_modules\\x\\dist\\cli.js',
    ]);
  });

  // The directory of the shim, and how its script is named from there.
  const stored = '.pnpm\\x@1.0.0\\node_modules\\x\\cli.js';
  const windows: readonly (readonly [string, string, string, string])[] = [
    ['yarn 1', yarnCmd, 'C:\\p\\node_modules\\.bin\\x.cmd', 'C:\\p\\node_modules\\x\\cli.js'],
    ['pnpm 8', pnpmCmd, 'D:\\My Project\\node_modules\\.bin\\x.cmd', `D:\\My Project\\node_modules\\${stored}`],
    ['pnpm 12', pnpmNewestCmd, 'C:\\p\\node_modules\\.bin\\x.CMD', `C:\\p\\node_modules\\${stored}`],
    ['pnpm 12', pnpmPowershell, 'C:\\p\\node_modules\\.bin\\x.ps1', `C:\\p\\node_modules\\${stored}`],
    ['npm, a share', npmCmd, '\\\\server\\share\\node_modules\\.bin\\x.cmd', '\\\\server\\share\\node_modules\\x\\dist\\cli.js'],
    [
      'npm, globally',
      npmCmd.replace('..\\x', 'node_modules\\x'),
      'C:\\Users\\Zoë\\AppData\\Roaming\\npm\\x.cmd',
      'C:\\Users\\Zoë\\AppData\\Roaming\\npm\\node_modules\\x\\dist\\cli.js',
    ],
    ['npm, globally', npmPowershell.replaceAll('../x', 'node_modules/x'), 'C:\\npm\\x.ps1', 'C:\\npm\\node_modules\\x\\dist\\cli.js'],
  ];
  for (const [tool, text, file, script] of windows) {
    it(`Windows: the ${file.slice(-3)} of ${tool} at ${file}`, () => {
      const read = /ps1$/i.test(file) ? powershellShim : cmdShim;
      deepEqual(read(text, file), ['node', script]);
      deepEqual(read(text.replaceAll('\n', '\r\n'), file), ['node', script], 'with the line ends of Windows');
      equal(
        read(text.replace('cli.js', 'other.js'), file)?.[1],
        text.split('cli.js').length > 2 ? undefined : script.replace('cli.js', 'other.js'),
      );
    });
  }

  it('Windows: a batch file or a script that is no such shim, or starts what a variable says', () => {
    equal(cmdShim('@node "%SCRIPT%" %*', 'C:\\x.cmd'), undefined);
    equal(cmdShim('@python "%~dp0\\x.py" %*', 'C:\\x.cmd'), undefined);
    equal(powershellShim('& "node$exe" "$env:SCRIPT" $args', 'C:\\x.ps1'), undefined);
  });

  const wrappers: readonly (readonly [string, string, readonly string[] | undefined])[] = [
    ['exec of a path', 'exec "/opt/x/1.0/bin/x" "$@"', ['/opt/x/1.0/bin/x']],
    ['Homebrew: a variable before exec', 'X_HOME="/opt/x" exec "/opt/x/libexec/bin/x"  "$@"', ['/opt/x/libexec/bin/x']],
    [
      'Nix: exec -a',
      'export PATH=\'/a:/b\'\nexec -a "$0" "/nix/store/h-x-1.0/bin/.x-wrapped"  "$@"',
      ['/nix/store/h-x-1.0/bin/.x-wrapped'],
    ],
    [
      'its own folder',
      'DIR="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"\nexec node "$DIR/../lib/x.js" "$@"',
      ['node', '/p/node_modules/lib/x.js'],
    ],
    [
      'its folder with links resolved',
      'd=$(dirname "$(readlink -f "$0")")\nexec node $d/x.js --stdio "$@"',
      ['node', '/real/x.js', '--stdio'],
    ],
    ['without exec', 'node "$(dirname "$0")/x.js" "$@"', ['node', '/p/node_modules/.bin/x.js']],
    ['a literal variable', 'V=1.0\nexec /opt/x/$V/x "$@"', ['/opt/x/1.0/x']],
    ['an unknown variable', 'exec /opt/x/$V/x "$@"', undefined],
    ['a variable that depends on a condition', 'V=1.0\n[ -n "$NEW" ] &&\nV=2.0\nexec /opt/x/$V/x "$@"', undefined],
    ['a variable that a part of a line sets, too', 'V=1.0\n[ -n "$NEW" ] && V=2.0\nexec /opt/x/$V/x "$@"', undefined],
    ['a file of a directory that is not known', 'V=$(cat version)\nexec /opt/x/$V/x "$@"', undefined],
    ['output of a program', 'V=$(npm root -g)\nexec node $V/x "$@"', undefined],
    ['arithmetic', 'exec /opt/x/$((1+2))/x "$@"', undefined],
    ['two programs', 'if a; then\n  exec /opt/a "$@"\nelse\n  exec /opt/b "$@"\nfi', undefined],
    ['nothing that it starts', 'echo hello', undefined],
    ['a pipe', 'exec a | b "$@"', undefined],
    ['a condition and a start in one line', 'if [ -x /new/x ]; then exec /new/x "$@"; fi\nexec /old/x "$@"', undefined],
    ['a start after a test', '[ -x /new/x ] && exec node /new/x.js\nexec node /old/x.js', undefined],
    ['a start in a branch, without exec', 'if [ -n "$NEW" ]; then\n  node /new/x.js\n  exit\nfi\nexec node /old/x.js', undefined],
    ['a value before a program without exec', 'NEW=1 node /new/x.js "$@"\nexec node /old/x.js', undefined],
    ['a function that starts', 'run() { exec node "$1"; }\nrun /new/x.js\nexec node /old/x.js', undefined],
    ['a directory and a start after a semicolon', 'cd /new; exec node x.js\nexec node /old/x.js', undefined],
    ['a directory that is not known, a relative script', 'cd "$WHERE"\nexec node x.js "$@"', undefined],
    ['a directory that is not known, a module', 'cd "$WHERE"\nexec /v/bin/python -m x "$@"', undefined],
    ['a directory that is not known, an absolute script', 'cd "$WHERE"\nexec node /opt/x.js "$@"', ['node', '/opt/x.js']],
    ['only standard error of the script', 'exec 2>>/tmp/log\nexec node /opt/x.js "$@"', ['node', '/opt/x.js']],
  ];
  for (const [what, text, words] of wrappers) {
    it(`a wrapper: ${what}`, () => deepEqual(shell(`#!/bin/sh\n${text}\n`, '/p/node_modules/.bin/x', '/real/x'), words));
  }

  it('the shim that mise writes for a package of npm', () => {
    const script = '../.mise/x@1.0.0/node_modules/x/cli.js';
    const text = `#!/bin/sh
# aube-bin-shim v2 target=${script}
link="$0"
while [ -L "$link" ]; do
target=$(readlink "$link")
case "$target" in
/*) link="$target" ;;
*)  link="$(dirname "$link")/$target" ;;
esac
done
basedir=$(dirname "$link")
if [ -x "$basedir/node" ]; then
  exec "$basedir/node" "$basedir/${script}" "$@"
else
  exec node "$basedir/${script}" "$@"
fi
`;
    deepEqual(shell(text, '/bin/x', '/t/node_modules/.bin/x'), ['node', '/t/node_modules/.mise/x@1.0.0/node_modules/x/cli.js']);
    equal(shell(text.replace(/^# aube.*\n/m, ''), '/bin/x', '/t/node_modules/.bin/x'), undefined, 'a loop that follows links by itself');
  });

  const environment = new Map([
    ['HOME', '/home/u'],
    ['TINY', '/opt/tiny'],
  ]);
  const byEnvironment: readonly (readonly [string, readonly string[] | undefined])[] = [
    ['exec node "$HOME/x.js" "$@"', ['node', '/home/u/x.js']],
    ['exec node ${HOME}/x.js "$@"', ['node', '/home/u/x.js']],
    ['. "$HOME/.nvm/nvm.sh"\nexec node "$HOME/x.js"', ['node', '/home/u/x.js']],
    ['. ./env.sh\nexec node "$TINY/x.js"', undefined],
    ['exec node "$TINY/x.js"', ['node', '/opt/tiny/x.js']],
    ['read TINY < place\nexec node "$TINY/x.js"', undefined],
    ['for TINY in /a /b; do\necho $TINY\ndone\nexec node "$TINY/x.js"', undefined],
    ['unset TINY\nexec node "${TINY:-/opt/other}/x.js"', undefined],
    ['exec node "${TINY:-/opt/other}/x.js"', ['node', '/opt/tiny/x.js']],
    ['exec node "${NONE:-$HOME/tiny}/x.js"', ['node', '/home/u/tiny/x.js']],
    [': "${NONE:=/opt/other}"\nexec node "$NONE/x.js"', ['node', '/opt/other/x.js']],
    [': "${TINY:=/opt/other}"\nexec node "$TINY/x.js"', ['node', '/opt/tiny/x.js']],
    ['exec node "$NONE/x.js"', undefined],
    ['BASE="$HOME/tiny"\nNOW="$BASE/1.0"\nexec node "$NOW/x.js"', ['node', '/home/u/tiny/1.0/x.js']],
    ["BASE='$HOME/tiny'\nexec node $BASE/x.js", undefined],
    ['SELF="$(readlink -f "${BASH_SOURCE[0]}")"\nDIR="$(dirname "$SELF")"\nexec node "$DIR/x.js"', ['node', '/real/x.js']],
    ['SELF="$0"\nexec node "$(cd "$(dirname "$SELF")/.." && pwd)/x.js"', ['node', '/p/x.js']],
    ['SELF="$0"\nROOT="$(cd "$(dirname "$SELF")/.." && pwd)"\nexec node "$ROOT/x.js"', ['node', '/p/x.js']],
  ];
  for (const [text, words] of byEnvironment) {
    it(`a wrapper that reads variables: ${text}`, () =>
      deepEqual(shellShim(`#!/bin/bash\n${text}\n`, { ...place, environment })?.words, words));
  }

  it('a wrapper that reads variables, where the environment is not known', () => {
    equal(shellShim('#!/bin/sh\nexec node "$HOME/x.js"\n', place), undefined);
    equal(shellShim('#!/bin/sh\nexec node "${NONE:-/opt}/x.js"\n', place), undefined);
  });

  it('a wrapper: the directory to which it changes', () => {
    const cwdOf = (text: string): string | undefined => shellShim(`#!/bin/sh\n${text}\n`, place)?.cwd;
    equal(cwdOf('exec node x.js'), undefined);
    equal(cwdOf('cd /srv/now\nexec node x.js'), '/srv/now');
    equal(cwdOf('cd "/srv/now" || exit 1\nexec node x.js'), '/srv/now');
    equal(cwdOf('cd /srv/now && exec node x.js "$@"'), '/srv/now');
    equal(cwdOf('cd "$(dirname "$0")/../now"\nexec node x.js'), '/p/now');
    equal(cwdOf('D="$(cd "$(dirname "$0")" && pwd)"\ncd "$D/../now"\nexec node x.js'), '/p/now');
    equal(cwdOf('cd now\nexec node x.js'), 'now', 'from its own');
  });

  it('a wrapper: whether it makes a PATH of its own', () => {
    const ownPath = (text: string): unknown => shellShim(`#!/bin/sh\n${text}\nexec x "$@"\n`, place)?.ownPath;
    for (const text of ['PATH=/a:$PATH', 'export PATH="/a:$PATH"', '. ./env.sh', 'source /etc/env', 'eval "$(fnm env)"', 'nvm use 22']) {
      equal(ownPath(text), true, text);
    }
    for (const text of ['export NODE_PATH=/a', 'set -eu', '# PATH=/a', 'X=1', 'if [ -n "$X" ]; then\n  echo y\nfi']) {
      equal(ownPath(text), undefined, text);
    }
  });

  it('#! lines', () => {
    deepEqual(shebangWords('#!/usr/bin/env node\nx'), ['node']);
    deepEqual(shebangWords('#!/usr/bin/env -S node --no-warnings\r\nx'), ['node', '--no-warnings']);
    deepEqual(shebangWords('#! /v/bin/python -I\n'), ['/v/bin/python', '-I']);
    equal(shebangWords('console.log(1)'), undefined);
    equal(shebangWords('#!/usr/bin/env -u X node\n'), undefined);
  });
});

describe('where a system looks for a program', () => {
  it('POSIX: a path as it is, a name on PATH, where an empty part is the working directory', () => {
    const place = { cwd: '/w', environment: new Map([['PATH', '/a::b:/c']]), platform: 'linux' as const };
    deepEqual(programPaths('/x/y', place), ['/x/y']);
    deepEqual(programPaths('./y', place), ['/w/y']);
    deepEqual(programPaths('y', place), ['/a/y', '/w/y', '/w/b/y', '/c/y']);
    equal(programPaths('y', { ...place, environment: undefined }), undefined);
    equal(programPaths('y', { ...place, cwd: undefined }), undefined, 'PATH has relative parts');
    equal(programPaths('./y', { ...place, cwd: undefined }), undefined);
  });

  it('Windows: the working directory first, and the extensions of PATHEXT', () => {
    const place = {
      cwd: 'C:\\w',
      environment: new Map([
        ['Path', 'C:\\a;D:\\b'],
        ['PATHEXT', '.EXE;.CMD'],
      ]),
      platform: 'win32' as const,
    };
    deepEqual(
      programPaths('npx', place),
      ['C:\\w', 'C:\\a', 'D:\\b'].flatMap((folder) => [`${folder}\\npx.exe`, `${folder}\\npx.cmd`]),
    );
    deepEqual(programPaths('npx.CMD', place), ['C:\\w\\npx.CMD', 'C:\\a\\npx.CMD', 'D:\\b\\npx.CMD']);
    deepEqual(programPaths('bin\\x.exe', place), ['C:\\w\\bin\\x.exe']);
  });
});
