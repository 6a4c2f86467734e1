import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeVenv, pip, venvPath } from '../package/pythonWheels.ts';

export const examples: string = fileURLToPath(new URL('../../../examples/', import.meta.url));
const backend = fileURLToPath(new URL('../../fixtures/python/backend.py', import.meta.url));

const names = { server: 'notes-mcp', lock: 'example-instance-lock' } as const;

/**
 * Installs a distribution of the examples into an environment as pip does it, under any version. Only the build back end is another than a user's:
 * that one would have to be downloaded.
 */
export async function installExample(venv: string, which: keyof typeof names, version: string): Promise<void> {
  const source = mkdtempSync(join(tmpdir(), 'example-source-'));
  try {
    const folder = which === 'server' ? 'notes_mcp' : 'instance_lock';
    if (which === 'server') {
      cpSync(join(examples, 'python-server', folder), join(source, folder), {
        recursive: true,
        filter: (path) => !path.includes('__pycache__'),
      });
    } else {
      mkdirSync(join(source, folder));
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
    await pip(venv, 'install', '--quiet', '--no-deps', '--no-build-isolation', '--upgrade', source);
  } finally {
    rmSync(source, { recursive: true, force: true });
  }
}

/** An environment with the server in it. @returns the path of its command */
export async function installNotesServer(venv: string): Promise<string> {
  await makeVenv(venv);
  await installExample(venv, 'lock', '1.0.0');
  await installExample(venv, 'server', '1.0.0');
  return venvPath(venv, 'notes-mcp');
}
