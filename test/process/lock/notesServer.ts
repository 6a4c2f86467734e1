import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeVenv, pip, venvPath } from '../package/pythonWheels.ts';

export const examples: string = fileURLToPath(new URL('../../../examples/', import.meta.url));
const backend = fileURLToPath(new URL('../../fixtures/python/backend.py', import.meta.url));

const names = { server: 'notes-mcp', lock: 'example-instance-lock' } as const;

type Example = keyof typeof names;

/**
 * Installs distributions of the examples into an environment as pip does it, under any version. Only the build back end is another than a user's:
 * that one would have to be downloaded.
 */
export async function installExamples(venv: string, versions: Readonly<Partial<Record<Example, string>>>): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), 'example-source-'));
  try {
    const sources = (['lock', 'server'] as const).flatMap((which) => {
      const version = versions[which];
      return version === undefined ? [] : [writeSource(join(root, which), which, version)];
    });
    await pip(venv, 'install', '--quiet', '--no-deps', '--no-build-isolation', '--upgrade', ...sources);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

function writeSource(source: string, which: Example, version: string): string {
  const folder = which === 'server' ? 'notes_mcp' : 'instance_lock';
  mkdirSync(join(source, folder), { recursive: true });
  if (which === 'server') {
    cpSync(join(examples, 'python-server', folder), join(source, folder), {
      recursive: true,
      filter: (path) => !path.includes('__pycache__'),
    });
  } else {
    cpSync(join(examples, 'python', 'instance_lock.py'), join(source, folder, '__init__.py'));
  }
  cpSync(backend, join(source, 'backend.py'));
  writeFileSync(join(source, 'pyproject.toml'), '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n');
  writeFileSync(
    join(source, 'project.json'),
    JSON.stringify({
      name: names[which],
      version,
      package: folder,
      ...(which === 'server' ? { requires: [`${names.lock}>=1`], scripts: { 'notes-mcp': 'notes_mcp.server:main' } } : {}),
    }),
  );
  return source;
}

/** An environment with the server in it. @returns the path of its command */
export async function installNotesServer(venv: string): Promise<string> {
  await makeVenv(venv);
  await installExamples(venv, { lock: '1.0.0', server: '1.0.0' });
  return venvPath(venv, 'notes-mcp');
}
