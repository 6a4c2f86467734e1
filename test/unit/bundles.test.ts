import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join } from 'node:path';
import { build } from 'esbuild';
import { buildProgram, extension, type ProgramName } from '../../esbuild.ts';
import { mayImport } from '../../scripts/imports.ts';
import { projectRoot } from '../../scripts/system/projectPaths.ts';

const builtin = new Set(builtinModules.flatMap((name) => [name, `node:${name}`]));

async function metafile(name: 'extension' | ProgramName) {
  if (name === 'extension') {
    const result = await build({ ...extension, write: false, metafile: true });
    return result.metafile;
  }
  // At the depth of `dist`: the maps name the sources by relative paths, and count.
  mkdirSync(join(projectRoot, 'out'), { recursive: true });
  const folder = mkdtempSync(join(projectRoot, 'out', 'bundles-'));
  try {
    return await buildProgram(name, folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe('bundles', () => {
  for (const [name, extra, foreign] of [
    ['extension', ['vscode'], 'src/cli/'],
    ['cli', [], 'src/extension/'],
    ['guard', [], 'src/cli/'],
  ] as const) {
    it(`${name} needs nothing at run time but Node${extra.length > 0 ? ` and ${extra.join(', ')}` : ''}`, async () => {
      const { outputs, inputs } = await metafile(name);
      const imports = Object.values(outputs).flatMap((output) =>
        output.imports.filter((item) => outputs[item.path] === undefined).map((item) => item.path),
      );
      assert.ok(imports.length > 0);
      assert.deepEqual(
        imports.filter((path) => !builtin.has(path) && !(extra as readonly string[]).includes(path)),
        [],
      );
      assert.deepEqual(
        Object.keys(inputs).filter((path) => path.startsWith(foreign)),
        [],
      );
    });
  }

  it('guard holds its own code and five libraries, of what the folders it may import need', async () => {
    const { outputs } = await metafile('guard');
    // What of it is really in the bundle: esbuild names also what it read and left out.
    const inputs = Object.fromEntries(
      Object.values(outputs).flatMap(({ inputs: parts }) => Object.entries(parts).filter(([, { bytesInOutput }]) => bytesInOutput > 0)),
    );
    const libraries = new Set(Object.keys(inputs).flatMap((path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []));
    const areas = ['guard', ...(mayImport.guard ?? [])];
    // What cross-spawn needs comes with it.
    const allowed = [
      'cross-spawn',
      'path-key',
      'shebang-command',
      'shebang-regex',
      'which',
      'isexe',
      'semver',
      '@renovatebot/pep440',
      'valibot',
      'eventsource-parser',
    ];
    assert.deepEqual(
      [...libraries].filter((library) => !allowed.includes(library)),
      [],
    );
    assert.deepEqual(
      Object.keys(inputs).filter((path) => /^src\//.test(path) && !areas.includes(path.split('/')[1] ?? '')),
      [],
    );
  });

  it('guard loads at most 13 pieces and 495 kB, source maps included, before it starts a server', async () => {
    const { outputs } = await metafile('guard');
    const first = Object.keys(outputs).filter((path) => /(?:^|\/)(?:guard|runGuard-\w+|codeRecorder-\w+)\.cjs$/.test(path));
    assert.equal(first.length, 3);
    // A set that grows while it is read.
    const start = new Set(first);
    for (const path of start) {
      for (const item of outputs[path]?.imports ?? []) {
        if (item.kind === 'import-statement' && outputs[item.path]) {
          start.add(item.path);
        }
      }
    }
    const bytes = [...start].reduce((sum, path) => sum + (outputs[path]?.bytes ?? 0), 0);
    assert.ok(start.size <= 13, `${start.size} pieces`);
    assert.ok(bytes <= 495_000, `${bytes} bytes`);
  });
});
