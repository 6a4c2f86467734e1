import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join } from 'node:path';
import type { Metafile } from 'esbuild';
import { type BuildName, buildPieces } from '../../esbuild.ts';
import { mayImport } from '../../scripts/imports.ts';
import { projectRoot } from '../../scripts/system/projectPaths.ts';

const builtin = new Set(builtinModules.flatMap((name) => [name, `node:${name}`]));

/** What esbuild says of a build, and the bytes of each written piece by its name. */
interface Pieces extends Metafile {
  readonly written: ReadonlyMap<string, number>;
}

const builds = new Map<BuildName, Promise<Pieces>>();

function metafile(name: BuildName): Promise<Pieces> {
  const made = builds.get(name) ?? makePieces(name);
  builds.set(name, made);
  return made;
}

async function makePieces(name: BuildName): Promise<Pieces> {
  // At the depth of `dist`: the maps name the sources by relative paths, and count.
  mkdirSync(join(projectRoot, 'out'), { recursive: true });
  const folder = mkdtempSync(join(projectRoot, 'out', 'bundles-'));
  try {
    const made = await buildPieces(name, folder);
    const written = Object.keys(made.outputs).map((path) => [path, statSync(join(projectRoot, path)).size] as const);
    return { ...made, written: new Map(written) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The pieces that a program can load, by the source that it begins with, also by `import()`; without `later` only those that it loads before its first `import()`. */
function reachable({ outputs }: Metafile, programs: readonly string[], later: boolean): ReadonlySet<string> {
  const isProgram = (path: string): boolean => programs.includes(outputs[path]?.entryPoint ?? '');
  // A set that grows while it is read.
  const found = new Set(Object.keys(outputs).filter(isProgram));
  assert.equal(found.size, programs.length);
  for (const path of found) {
    for (const item of outputs[path]?.imports ?? []) {
      if (outputs[item.path] && (later || item.kind === 'import-statement')) {
        found.add(item.path);
      }
    }
  }
  return found;
}

/** What is really in these pieces: esbuild names also what it read and left out. */
function sourcesOf({ outputs }: Metafile, paths: ReadonlySet<string>): readonly string[] {
  return [...paths].flatMap((path) =>
    Object.entries(outputs[path]?.inputs ?? {}).flatMap(([source, { bytesInOutput }]) => (bytesInOutput > 0 ? [source] : [])),
  );
}

describe('bundles', function () {
  // terser takes ten seconds on a quiet machine.
  this.timeout(120_000);
  for (const [name, program, extra, foreign] of [
    ['core', 'src/extension/activate.ts', ['vscode'], /^src\/(?:cli|guard)\//],
    ['core', 'src/cli/main.ts', [], /^src\/(?:extension|guard)\//],
    ['guard', 'src/guard/main.ts', [], /^src\/(?:cli|extension)\//],
  ] as const) {
    it(`${program} needs nothing at run time but Node${extra.length > 0 ? ` and ${extra.join(', ')}` : ''}`, async () => {
      const made = await metafile(name);
      const pieces = reachable(made, [program], true);
      const imports = [...pieces].flatMap((path) =>
        (made.outputs[path]?.imports ?? []).filter((item) => made.outputs[item.path] === undefined).map((item) => item.path),
      );
      assert.ok(imports.length > 0);
      assert.deepEqual(
        imports.filter((path) => !builtin.has(path) && !(extra as readonly string[]).includes(path)),
        [],
      );
      assert.deepEqual(
        sourcesOf(made, pieces).filter((path) => foreign.test(path)),
        [],
      );
    });
  }

  // Bytes of code, without source maps: about what is compiled before the program does anything.
  for (const [what, program, mostBytes] of [
    ['activation', 'src/extension/activate.ts', 10_000],
    ['the extension, after activation,', 'src/extension/extension.ts', 250_000],
  ] as const) {
    it(`${what} loads at most ${mostBytes / 1000} kB; no code is in two pieces`, async () => {
      const made = await metafile('core');
      const pieces = [...reachable(made, [program], false)];
      const bytes = pieces.reduce((sum, path) => sum + (made.written.get(path) ?? 0), 0);
      assert.ok(bytes <= mostBytes, `${bytes} bytes in ${pieces.length} pieces`);
      const sources = sourcesOf(made, new Set(Object.keys(made.outputs)));
      assert.deepEqual(
        sources.filter((source, index) => source.startsWith('src/') && sources.indexOf(source) !== index),
        [],
      );
    });
  }

  it('guard holds its own code and six libraries, of what the folders it may import need', async () => {
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
      'smol-toml',
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

  it('guard loads at most 13 pieces and 157 kB before it starts a server', async () => {
    const made = await metafile('guard');
    const start = reachable(made, ['src/guard/main.ts', 'src/guard/runGuard.ts', 'src/guard/stale/codeRecorder.ts'], false);
    const bytes = [...start].reduce((sum, path) => sum + (made.outputs[path]?.bytes ?? 0), 0);
    assert.ok(start.size <= 13, `${start.size} pieces`);
    assert.ok(bytes <= 157_000, `${bytes} bytes`);
  });
});
