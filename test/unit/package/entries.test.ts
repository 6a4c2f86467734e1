import { deepEqual, equal } from 'node:assert/strict';
import { describe, it } from 'mocha';
import { bunScript, denoScript, nodeScript } from '../../../src/package/npm/nodeEntry.ts';
import { pythonEntry } from '../../../src/package/python/pythonEntry.ts';

function script(found: ReturnType<typeof nodeScript>): string {
  return 'script' in found ? found.script : `unknown: ${found.unknown}`;
}

describe('nodeScript', () => {
  const text = 'unknown: its program was given as text on the command line';
  const none = 'unknown: its command line names no script';
  const cases: readonly [string, string][] = [
    ['index.js stdio', 'index.js'],
    ['--max-old-space-size=4096 --enable-source-maps dist/x.js --port 1', 'dist/x.js'],
    ['-r ./hook.js --import tsx -C dev --title x --env-file .env x.mjs', 'x.mjs'],
    ['--require=./hook.js --loader a x.js', 'x.js'],
    ['--inspect-port 0 --inspect x.js', 'x.js'],
    ['--watch x.js', 'x.js'],
    ['inspect x.js', 'x.js'],
    ['-- x.js', 'x.js'],
    ['/p/node_modules/.bin/ts-node -P tsconfig.json src/x.ts', 'src/x.ts'],
    ['/p/node_modules/.bin/tsx src/x.ts', 'src/x.ts'],
    ['/p/node_modules/tsx/dist/cli.mjs src/x.ts', 'src/x.ts'],
    ['/p/tsx-tools.js src/x.ts', '/p/tsx-tools.js'],
    ['-e code', text],
    ['--eval=code', text],
    ['-p code', text],
    ['--run start', 'unknown: it only launches a package script'],
    ['-', 'unknown: its program came through stdin'],
    ['--inspect', none],
    ['', none],
    ['-r', none],
  ];
  for (const [args, expected] of cases) {
    it(`node ${args}`, () => equal(script(nodeScript(args === '' ? [] : args.split(' '))), expected));
  }

  it('knows the ways of Bun and Deno', () => {
    deepEqual(
      [
        bunScript(['run', '--smol', 'x.ts']),
        bunScript(['-r', 'a', 'x.ts']),
        bunScript(['x', 'pkg']),
        denoScript(['run', '-A', 'x.ts']),
        denoScript(['run', '-A', 'npm:pkg']),
      ].map(script),
      ['x.ts', 'x.ts', 'unknown: "bun x" only launches another process', 'x.ts', 'npm:pkg'],
    );
  });
});

describe('pythonEntry', () => {
  const cases: readonly [string, string][] = [
    ['/v/bin/x --flag', 'script /v/bin/x'],
    ['-u -W ignore -X dev x.py', 'script x.py'],
    ['-Wignore -Xdev x.py', 'script x.py'],
    ['--check-hash-based-pycs never x.py', 'script x.py'],
    ['-m pkg.mod', 'module pkg.mod'],
    ['-um pkg', 'module pkg'],
    ['-mpkg', 'module pkg'],
    ['-Im pkg', 'isolated pkg'],
    ['-I -m pkg', 'isolated pkg'],
    ['-c code', 'unknown'],
    ['-uc code', 'unknown'],
    ['-', 'unknown'],
    ['-m', 'unknown'],
    ['-m ../x', 'unknown'],
    ['', 'unknown'],
  ];
  for (const [args, expected] of cases) {
    it(`python ${args}`, () => {
      const found = pythonEntry(args === '' ? [] : args.split(' '));
      equal(
        found.kind === 'script'
          ? `script ${found.script}`
          : found.kind === 'module'
            ? `${found.isolated ? 'isolated' : 'module'} ${found.module}`
            : 'unknown',
        expected,
      );
    });
  }
});
