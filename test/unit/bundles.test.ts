import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { buildProgram, extension, type ProgramName } from '../../esbuild.ts';

const builtin = new Set(builtinModules.flatMap((name) => [name, `node:${name}`]));

/** What each folder of src may import. */
const mayImport: Record<string, readonly string[]> = {
  model: [],
  base: [],
  storage: ['base'],
  redaction: ['model'],
  version: ['model'],
  process: ['model', 'base'],
  clients: ['model', 'process'],
  config: ['model', 'base', 'redaction', 'clients'],
  lock: ['model', 'base', 'storage', 'process'],
  package: ['model', 'base', 'storage', 'version', 'process'],
  registry: ['model', 'version'],
  diagnosis: ['model', 'version'],
  survey: ['model', 'base', 'storage', 'redaction', 'version', 'process', 'clients', 'config', 'lock', 'package', 'registry', 'diagnosis'],
  presentation: ['model'],
  action: ['model', 'base', 'storage', 'redaction', 'version', 'process', 'clients', 'config', 'lock', 'diagnosis', 'survey'],
  guard: ['model', 'base', 'storage', 'redaction', 'process', 'lock', 'package'],
  cli: ['model', 'base', 'storage', 'redaction', 'survey', 'presentation', 'action'],
  extension: ['model', 'base', 'storage', 'survey', 'presentation', 'action'],
};

async function metafile(name: 'extension' | ProgramName) {
  if (name === 'extension') {
    const result = await build({ ...extension, write: false, metafile: true });
    return result.metafile;
  }
  const folder = mkdtempSync(join(tmpdir(), 'bundles-'));
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

  it('guard holds its own code and four libraries, of what the folders it may import need', async () => {
    const { outputs } = await metafile('guard');
    // What of it is really in the bundle: esbuild names also what it read and left out.
    const inputs = Object.fromEntries(
      Object.values(outputs).flatMap(({ inputs: parts }) => Object.entries(parts).filter(([, { bytesInOutput }]) => bytesInOutput > 0)),
    );
    const libraries = new Set(Object.keys(inputs).flatMap((path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []));
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
    ];
    assert.deepEqual(
      [...libraries].filter((library) => !allowed.includes(library)),
      [],
    );
    assert.deepEqual(
      Object.keys(inputs).filter((path) => /^src\/(?!guard|model|base|storage|redaction|version|process|lock|package)/.test(path)),
      [],
    );
  });
});

describe('folders of src', () => {
  const folders = readdirSync('src', { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);

  it('all stand in the table', () =>
    assert.deepEqual(
      folders.filter((folder) => mayImport[folder] === undefined),
      [],
    ));

  for (const folder of folders) {
    it(`${folder} imports only what the table says`, () => {
      const files = readdirSync(join('src', folder), { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
      const wrong: string[] = [];
      for (const file of files) {
        const text = readFileSync(join('src', folder, file), 'utf8');
        for (const match of text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)) {
          const target = match[1] ?? '';
          const above = /^(?:\.\.\/)+([a-z]+)\//.exec(target)?.[1];
          // A folder beside the importing one, inside the same folder of src, is none of the table.
          const other = above !== undefined && mayImport[above] ? above : undefined;
          if ((target === 'vscode' && folder !== 'extension') || (other && other !== folder && !mayImport[folder]?.includes(other))) {
            wrong.push(`${file}: ${target}`);
          }
        }
      }
      assert.deepEqual(wrong, []);
    });
  }
});
