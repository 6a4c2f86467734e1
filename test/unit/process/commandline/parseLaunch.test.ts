import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { LaunchSpec } from '../../../../src/process/commandline/launchSpec.ts';
import { npxHash } from '../../../../src/process/commandline/npmCommand.ts';
import { specName, specVersion } from '../../../../src/process/commandline/packageSpec.ts';
import { observedLaunch, parseLaunch } from '../../../../src/process/commandline/parseLaunch.ts';
import { row } from '../../../fixtures/argv/processRows.ts';
import { hangMs, processorTime } from '../../processorTime.ts';

/** `launcher spec,spec > target | args @cwd (wrappers)`, with what is not there left out. */
function brief(launch: LaunchSpec): string {
  return [
    launch.launcher,
    ...(launch.specs.length > 0 ? [launch.specs.join(',')] : []),
    ...(launch.target === undefined ? [] : [`> ${launch.target}`]),
    ...(launch.args.length > 0 ? [`| ${launch.args.join(' ')}`] : []),
    ...(launch.cwd === undefined ? [] : [`@${launch.cwd}`]),
    ...(launch.wrappers.length > 0 ? [`(${launch.wrappers.join(' ')})`] : []),
    ...(launch.inner ? [`[${brief(launch.inner)}]`] : []),
  ].join(' ');
}

const table: readonly (readonly [readonly string[], string])[] = [
  [['npx', '-y', '@a/b', 'stdio'], 'npm-exec @a/b | stdio'],
  [['npx.cmd', '--yes', 'pkg'], 'npm-exec pkg'],
  [['/usr/local/bin/npx', 'pkg@1.2.3', '--', '--flag'], 'npm-exec pkg@1.2.3 | -- --flag'],
  [['npx', '-y', '--', 'pkg', '--flag'], 'npm-exec pkg | --flag'],
  [['npx', '-p', 'pkg', 'bin', '-y'], 'npm-exec pkg > bin | -y'],
  [['npx', '--package=a', '--package', 'b', '--', 'bin', 'x'], 'npm-exec a,b > bin | x'],
  [['npx', '-p', 'pkg', '-c', 'bin --flag'], 'npm-exec pkg > bin | --flag'],
  [['npx', '--registry', 'https://r.example', 'pkg'], 'npm-exec pkg'],
  [['npm', 'exec', '--', 'pkg', '--flag'], 'npm-exec pkg | --flag'],
  [['npm', 'x', '-y', 'pkg', '--', '--flag'], 'npm-exec pkg | --flag'],
  [['npm', 'exec', 'pkg', '--package=other'], 'npm-exec other > pkg'],
  [['npm', '--prefix', '/p', 'run', 'mcp', '--', '-v'], 'npm-run > mcp | -v @/p'],
  [['npm', 'run', 'mcp', '--silent'], 'npm-run > mcp'],
  [['npm', 'start'], 'npm-run > start'],
  [['npm', 'install', 'some-mcp'], 'binary > npm | install some-mcp'],
  [['pnpm', 'dlx', '--package', 'a', 'bin'], 'pnpm-dlx a > bin'],
  [['pnpm', '--silent', '-C', '/p', 'exec', 'bin', 'x'], 'pnpm-exec > bin | x @/p'],
  [['pnpm', 'mcp', 'x'], 'npm-run > mcp | x'],
  [['pnpx', 'pkg'], 'pnpm-dlx pkg'],
  [['yarn', 'dlx', '-q', 'pkg'], 'yarn-dlx pkg'],
  [['yarn', '--cwd', '/p', 'run', 'mcp'], 'npm-run > mcp @/p'],
  [['bunx', '--bun', 'pkg', '-x'], 'bunx pkg | -x'],
  [['bun', 'x', 'pkg'], 'bunx pkg'],
  [['bun', 'run', '/p/server.ts'], 'bun > /p/server.ts'],
  [['bun', '--cwd', '/p', 'server.ts'], 'bun > server.ts @/p'],
  [['deno', 'run', '-A', '--config=x', 'npm:@a/b@1', 'y'], 'deno @a/b@1 > npm:@a/b@1 | y'],
  [['deno', 'run', '--allow-net', 'https://x.example/s.ts'], 'deno > https://x.example/s.ts'],
  [['uvx', 'pkg', 'x'], 'uvx pkg > pkg | x'],
  [['uvx', 'pkg@latest'], 'uvx pkg@latest > pkg'],
  [['uvx', '--python', '3.12', '--with', 'z', '--from', 'pkg==1.0', 'bin', '--from', 'y'], 'uvx pkg==1.0 > bin | --from y'],
  [['uv', 'tool', 'uvx', 'pkg'], 'uvx pkg > pkg'],
  [['uv', 'tool', 'run', '--from', 'git+https://e.example/a/b@v1', 'bin'], 'uvx git+https://e.example/a/b@v1 > bin'],
  [['uv', '--directory', '/p', 'run', 'server.py', '-v'], 'uv-run > server.py | -v @/p [python-script > server.py | -v @/p]'],
  [['uv', 'run', '--with', 'mcp[cli]', 'mcp', 'run', 's.py'], 'uv-run mcp[cli] > mcp | run s.py [binary > mcp | run s.py]'],
  [['uv', 'run', '--project', '/p', '-m', 'mod', 'x'], 'uv-run > mod | x [python-module > mod | x]'],
  [['uv', 'run', 'python', '-m', 'mod'], 'uv-run > python | -m mod [python-module > mod]'],
  [['python', '-m', 'uv', 'tool', 'run', 'pkg'], 'uvx pkg > pkg'],
  [['pipx', 'run', '--spec', 'pkg==2', 'bin', '--', '-x'], 'pipx-run pkg==2 > bin | -x'],
  [['/usr/bin/python3', '/usr/bin/pipx', 'run', 'pkg'], 'pipx-run pkg > pkg'],
  [['python3', '-u', '-X', 'utf8', 'server.py', '-m'], 'python-script > server.py | -m'],
  [['python', '-um', 'mod', 'x'], 'python-module > mod | x'],
  [['py', '-3', '-m', 'mod'], 'python-module > mod'],
  [['py.exe', '-3.12', 'C:\\x\\s.py'], 'python-script > C:\\x\\s.py'],
  [['python', '-c', 'import x; x.run()'], 'python-script | -c import x; x.run()'],
  [
    ['docker', 'run', '-i', '--rm', '-e', 'A', '--mount', 'type=bind,src=/a,dst=/b', '-v/x:/y', '--name=z', 'img:1', 'x', '-y'],
    'docker > img:1 | x -y',
  ],
  [['docker', '--context', 'c', 'container', 'run', '-it', 'img'], 'docker > img'],
  [['podman', 'exec', '-i', 'cont', 'cmd'], 'docker > cont | cmd'],
  [['docker', 'ps'], 'binary > docker | ps'],
  [['node', '--inspect=0', '-r', './pre.js', '--env-file', '.env', 'dist/index.js', '-r'], 'node > dist/index.js | -r'],
  [['node', '--enable-source-maps', '/x/npx-cli.js', '-y', 'pkg'], 'npm-exec pkg'],
  [['C:\\Program Files\\nodejs\\node.exe', 'C:\\n\\npm\\bin\\npx-cli.js', '-y', 'pkg'], 'npm-exec pkg'],
  [['node', '/usr/bin/npm', 'exec', '--', 'pkg'], 'npm-exec pkg'],
  [['node', '/x/corepack/dist/pnpm.js', 'dlx', 'pkg'], 'pnpm-dlx pkg'],
  [['node', '/y/yarn-4.18.0.cjs', 'dlx', 'pkg'], 'yarn-dlx pkg'],
  [['node', '-e', 'code', 'x'], 'node | -e code x'],
  [['node', '--watch', 's.js'], 'node > s.js'],
  [['tsx', 'watch', 's.ts', 'x'], 'node > s.ts | x'],
  [['npx', 'tsx', 's.ts'], 'npm-exec tsx | s.ts [node > s.ts]'],
  [['sh', '-c', "'bin' stdio"], 'binary > bin | stdio (sh)'],
  [['sh', '-c', 'cd x && python -m mod'], 'python-module > mod @x (sh)'],
  [['bash', '-lc', 'source ~/.nvm/nvm.sh; nvm use 20 >/dev/null && exec npx -y pkg "a b"'], 'npm-exec pkg | a b (bash)'],
  [['bash', '-c', 'export A=1; A=2 exec -a z node s.js 2>>/tmp/log'], 'node > s.js (bash)'],
  [['sh', '-c', 'exec "$@"', '--', 'node', 's.js'], 'node > s.js (sh)'],
  [['sh', '-c', 'node s.js | tee /tmp/log'], 'node > s.js (sh)'],
  [['sh', '-c', 'npm run build && node s.js'], 'node > s.js (sh)'],
  [['sh', '-c', 'while true; do node s.js; done'], 'shell > while true; do node s.js; done (sh)'],
  [['sh', '-c', 'node $(cat x)'], 'shell > node $(cat x) (sh)'],
  [['sh', '-c', "node 'open"], "shell > node 'open (sh)"],
  [['bash', '-x', '/p/start.sh', 'y'], 'shell > /p/start.sh | y'],
  [['-zsh'], 'shell'],
  [['bash', '--init-file', '/x/y.sh'], 'shell'],
  [['cmd', '/c', 'npx', '-y', 'pkg'], 'npm-exec pkg (cmd)'],
  [['cmd.exe', '/d', '/s', '/c', '"npx -y pkg ^"x y^""'], 'npm-exec pkg | ^x y^ (cmd)'],
  [['cmd.exe', '/d', '/s', '/c', '""C:\\Program Files\\nodejs\\npx.cmd" -y pkg"'], 'npm-exec pkg (cmd)'],
  [['cmd', '/c', 'cd /d C:\\p && node s.js'], 'node > s.js @C:\\p (cmd)'],
  // Backslashes before a quotation mark count in pairs, as Microsoft's C runtime has it.
  [['cmd', '/c', String.raw`node "C:\my s.js" "D:\data\\" --x`], String.raw`node > C:\my s.js | D:\data\ --x (cmd)`],
  [['cmd', '/c', String.raw`"C:\n\node.exe" s.js a\\\"b c`], String.raw`node > s.js | a\"b c (cmd)`],
  [['cmd', '/c', String.raw`node s.js a\\\\"b c" d`], String.raw`node > s.js | a\\b c d (cmd)`],
  [['cmd', '/c', 'node s.js a"b"" c'], 'node > s.js | ab" c (cmd)'],
  // Names that every JavaScript object has.
  [['toString', 'x'], 'binary > toString | x'],
  [['npm', 'constructor'], 'binary > npm | constructor'],
  [['cmd.exe', '/k'], 'cmd'],
  [['powershell.exe', '-NoProfile', '-Command', 'npx -y pkg'], 'npm-exec pkg (powershell)'],
  [['/usr/bin/env', '-i', 'A=1', '-u', 'B', 'node', 's.js'], 'node > s.js (env)'],
  [['env', '-S', 'node --no-warnings s.js'], 'node > s.js (env)'],
  [['timeout', '-k', '5', '60', 'uvx', 'pkg'], 'uvx pkg > pkg (timeout)'],
  [['op', 'run', '--env-file', 'x', '--', 'npx', 'pkg'], 'npm-exec pkg (op)'],
  [['mcp-shepherd', 'guard', '--lock', '--', 'npx', '-y', 'pkg', 'x'], 'npm-exec pkg | x (mcp-shepherd guard)'],
  [
    ['npx', '-y', 'mcp-shepherd', 'guard', '--', 'node', 's.js'],
    'npm-exec mcp-shepherd | guard -- node s.js [node > s.js (mcp-shepherd guard)]',
  ],
  [['srt', '--settings', 'x.json', 'npx -y pkg'], 'npm-exec pkg (srt)'],
  [['/Applications/Claude.app/Contents/Helpers/disclaimer', 'uvx', 'pkg'], 'uvx pkg > pkg (disclaimer)'],
  [['conda', 'run', '-n', 'e', '--cwd', '/p', 'python', 's.py'], 'python-script > s.py @/p (conda)'],
  [['poetry', 'run', '-C', '/p', 'python', '-m', 'mod'], 'python-module > mod @/p (poetry)'],
  [['/opt/bin/server', '--x'], 'binary > /opt/bin/server | --x'],
  [['C:\\t\\Server.EXE', '--x'], 'binary > C:\\t\\Server.EXE | --x'],
  [[''], 'binary > '],
];

describe('launch normal forms', () => {
  for (const [[command = '', ...args], expected] of table) {
    it(`${command} ${args.join(' ')}`, () => assert.equal(brief(parseLaunch(command, args)), expected));
  }

  it('ends on wrappers without end', () => {
    const deep = Array.from({ length: 500 }, () => 'env');
    assert.equal(parseLaunch('env', [...deep, 'node', 's.js']).launcher, 'binary');
  });

  it('never throws, whatever the words', () => {
    const pieces = [
      '',
      '-',
      '--',
      '-p',
      '-c',
      '"',
      "'",
      '$(',
      '`',
      '\\',
      'npx',
      'cmd',
      '/c',
      'sh',
      'uv',
      'run',
      'docker',
      '\0',
      '-m',
      'env',
      'A=',
      '{',
      '|',
      '&&',
      '<',
      '>',
      '#',
    ];
    let seed = 7;
    const next = (below: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      return seed % below;
    };
    for (let round = 0; round < 5_000; round++) {
      const words = Array.from({ length: 1 + next(7) }, () =>
        Array.from({ length: 1 + next(3) }, () => pieces[next(pieces.length)] ?? '').join(next(2) ? ' ' : ''),
      );
      parseLaunch(words[0] ?? '', words.slice(1));
      observedLaunch(row(5, 1, words));
      observedLaunch(row(5, 1, words.join(' ')));
    }
  });

  it('is quick on long hostile texts', () => {
    const start = processorTime();
    for (const text of [
      '"'.repeat(100_001),
      "a='".repeat(50_000),
      '>'.repeat(100_000),
      '\\'.repeat(100_001),
      '$'.repeat(100_000),
      ' \t'.repeat(50_000),
    ]) {
      parseLaunch('sh', ['-c', text]);
      parseLaunch('cmd', ['/c', text]);
      observedLaunch(row(5, 1, text));
    }
    assert.ok(processorTime() - start < hangMs, `took ${processorTime() - start} ms`);
  });
});

describe('observed processes', () => {
  it('reads a running process once for each executable, however many entries are compared with it', () => {
    const one = row(5, 1, ['renamed', 'server.js']);
    assert.equal(observedLaunch(one, '/usr/bin/node'), observedLaunch(one, '/usr/bin/node'));
    assert.notEqual(observedLaunch(one, '/usr/bin/node').launcher, observedLaunch(one, '/bin/renamed').launcher);
  });

  it('reads the title that npm leaves: the options that remain are the server’s', () => {
    assert.equal(brief(observedLaunch(row(5, 1, 'npm exec @a/b --registry x -p y'))), 'npm-exec @a/b | --registry x -p y');
  });

  it('reads a title that came as one padded word', () => {
    const one = { ...row(5, 1, ['npm exec @a/b stdio\0\0\0\0']), commandLine: 'npm exec @a/b stdio' };
    assert.equal(brief(observedLaunch(one)), 'npm-exec @a/b | stdio');
  });

  it('reads a Windows command line with its quotes', () => {
    assert.equal(
      brief(observedLaunch(row(5, 1, '"C:\\Program Files\\nodejs\\node.exe" "C:\\my x\\s.js" "a b"'))),
      'node > C:\\my x\\s.js | a b',
    );
  });

  it('sees through exec -a when the executable is known', () => {
    const renamed = row(5, 1, ['my-server', '/opt/s.js', 'x']);
    assert.equal(brief(observedLaunch(renamed)), 'binary > my-server | /opt/s.js x');
    assert.equal(brief(observedLaunch(renamed, '/usr/bin/node')), 'node > /opt/s.js | x');
    assert.equal(brief(observedLaunch(renamed, '/usr/bin/node (deleted)')), 'node > /opt/s.js | x');
  });

  it('does not take the base interpreter of a title for a command', () => {
    assert.equal(brief(observedLaunch(row(5, 1, 'npm exec x'), '/usr/bin/node')), 'npm-exec x');
  });
});

describe('npx directories and package specs', () => {
  it('hashes specs as npm does', () => {
    assert.equal(npxHash(['@modelcontextprotocol/server-memory']), '15b07286cbcc3329');
    assert.equal(npxHash(['@modelcontextprotocol/server-memory@2026.1.26']), 'f0415454dfb4e463');
    assert.equal(npxHash(['@modelcontextprotocol/server-everything']), '5b2dd62b9d0bddd4');
    assert.equal(npxHash(['mcp-remote']), '705d23756ff7dacc');
    assert.equal(npxHash(['b', 'a']), npxHash(['a', 'b']));
  });

  it('takes name and version out of specs', () => {
    const specs: readonly (readonly [string, string, string?])[] = [
      ['@a/b@1.2.3', '@a/b', '1.2.3'],
      ['@a/b', '@a/b'],
      ['b@latest', 'b'],
      ['b@^1.2.3', 'b'],
      ['npm:@a/b@1.0.0', '@a/b', '1.0.0'],
      ['jsr:@a/b', '@a/b'],
      ['b==1.0', 'b', '1.0'],
      ['b[x,y]>=2', 'b'],
      ['git+https://e.example/a/serena.git@v1', 'serena'],
      ['https://e.example/pkg-1.0.tgz#x', 'pkg-1.0.tgz'],
      ['b @ git+https://e.example/x', 'b'],
      ['./local/dir', 'dir'],
    ];
    for (const [spec, name, version] of specs) {
      assert.equal(specName(spec), name, spec);
      assert.equal(specVersion(spec), version, spec);
    }
  });
});
