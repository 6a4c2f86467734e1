/**
 * Real Python packages and environments without any package index. Exports:
 *
 * - `findPython()`: an interpreter that can make environments with pip, or undefined (skip then, and say so);
 * - `pythonWheels()`: a folder with wheels of stale-mcp 0.1.0 and 0.2.0 (needs stalelib), stalelib 1.0.0 and 1.1.0, unrelated 1.0.0; built once per test run;
 * - `buildWheel(project, folder)`: builds another one, say the same version with other content;
 * - `makeVenv(folder)`: an environment (without pip in it: fast); `pip(venv, ...args)` installs into it from the wheels with a pip from outside;
 * - `venvPath(venv, name)`: a script of it, `stale-mcp` say; `cleanEnv(home)`: an environment of variables without pip settings.
 */
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './command.ts';
import { keptFolder, testCache } from './testCache.ts';

const fixtures = fileURLToPath(new URL('../../fixtures/python/', import.meta.url));

/** What a wheel is built from: a folder of test/fixtures/python and its metadata. */
export interface Project {
  readonly name: string;
  readonly version: string;
  /** Folder of sources below test/fixtures/python; `@VERSION@` in them is replaced. */
  readonly package: 'stalelib' | 'stale_mcp';
  readonly requires?: readonly string[];
  readonly extras?: readonly string[];
  readonly scripts?: Readonly<Record<string, string>>;
  /** Written to the end of `__init__.py`: other content under the same version. */
  readonly append?: string;
}

export const staleMcp = (version: string): Project => ({
  name: 'stale-mcp',
  version,
  package: 'stale_mcp',
  requires: ['stalelib>=1'],
  scripts: { 'stale-mcp': 'stale_mcp.server:main' },
});
export const stalelib = (version: string): Project => ({ name: 'stalelib', version, package: 'stalelib' });

/** Variables without any setting of pip, Python or a virtual environment, with a home of its own. */
export function cleanEnv(home: string): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(PIP_|PYTHON|VIRTUAL_ENV|UV_|npm_|PIPX_)/i.test(name));
  return {
    ...Object.fromEntries(kept),
    HOME: home,
    PIP_CONFIG_FILE: '/dev/null',
    PIP_NO_INDEX: '1',
    PIP_DISABLE_PIP_VERSION_CHECK: '1',
    PIP_NO_CACHE_DIR: '1',
    PIP_ROOT_USER_ACTION: 'ignore',
  };
}

let python: Promise<string | undefined> | undefined;

/** An interpreter with `venv` and `ensurepip`; `MCP_SHEPHERD_TEST_PYTHON` names one to try first. Undefined when the machine has none. */
export function findPython(): Promise<string | undefined> {
  python ??= (async () => {
    for (const candidate of [process.env.MCP_SHEPHERD_TEST_PYTHON, '/usr/bin/python3', 'python3', 'python']) {
      if (candidate) {
        const check = 'import sys, venv, ensurepip; assert sys.version_info >= (3, 8); print(sys.executable)';
        const found = await run(candidate, ['-c', check], { cwd: tmpdir(), env: cleanEnv(tmpdir()) }).catch(() => '');
        if (found.trim() !== '') {
          return found.trim();
        }
      }
    }
    return undefined;
  })();
  return python;
}

async function requiredPython(): Promise<string> {
  const found = await findPython();
  if (found === undefined) {
    throw new Error('no Python 3.8 or newer with venv and ensurepip was found');
  }
  return found;
}

/** An environment that has pip: its interpreter, and the script by which pip runs itself in the interpreter of another environment. */
async function pipEnvironment(): Promise<{ readonly interpreter: string; readonly runner: string }> {
  const base = await requiredPython();
  const folder = await keptFolder('pip', async (making) => {
    await run(base, ['-m', 'venv', making], { cwd: testCache(), env: cleanEnv(making) });
  });
  const [version = ''] = readdirSync(join(folder, 'lib'));
  return {
    interpreter: join(folder, 'bin', 'python'),
    runner: join(folder, 'lib', version, 'site-packages', 'pip', '__pip-runner__.py'),
  };
}

/** Writes the source tree of a project, ready for `pip install`, `pip wheel` or `pip install -e`. */
export function writeSource(project: Project, folder: string): void {
  mkdirSync(folder, { recursive: true });
  cpSync(join(fixtures, 'backend.py'), join(folder, 'backend.py'));
  cpSync(join(fixtures, project.package), join(folder, project.package), {
    recursive: true,
    filter: (path) => !path.includes('__pycache__'),
  });
  for (const name of readdirSync(join(folder, project.package))) {
    const path = join(folder, project.package, name);
    const text = readFileSync(path, 'utf8').replaceAll('@VERSION@', project.version);
    writeFileSync(path, name === '__init__.py' ? text + (project.append ?? '') : text);
  }
  const { append: _append, ...described } = project;
  writeFileSync(join(folder, 'project.json'), JSON.stringify(described));
  writeFileSync(join(folder, 'pyproject.toml'), '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n');
}

/** Builds a wheel of a project into a folder. */
export async function buildWheel(project: Project, folder: string): Promise<void> {
  const source = mkdtempSync(join(tmpdir(), 'mcp-shepherd-source-'));
  try {
    writeSource(project, source);
    mkdirSync(folder, { recursive: true });
    await run((await pipEnvironment()).interpreter, ['-m', 'pip', 'wheel', '--quiet', '--no-deps', '-w', folder, source], {
      cwd: source,
      env: cleanEnv(source),
    });
  } finally {
    rmSync(source, { recursive: true, force: true });
  }
}

/** The folder of standard wheels. */
export function pythonWheels(): Promise<string> {
  const projects = [
    staleMcp('0.1.0'),
    staleMcp('0.2.0'),
    stalelib('1.0.0'),
    stalelib('1.1.0'),
    { ...stalelib('1.0.0'), name: 'unrelated' },
  ];
  const hash = createHash('sha256');
  for (const path of readdirSync(fixtures, { recursive: true, encoding: 'utf8' }).sort()) {
    if (path.endsWith('.py')) {
      hash.update(readFileSync(join(fixtures, path)));
    }
  }
  return keptFolder(`wheels-${hash.digest('hex').slice(0, 16)}`, async (folder) => {
    for (const project of projects) {
      await buildWheel(project.name === 'unrelated' ? { ...project, package: 'stalelib' } : project, folder);
    }
  });
}

/** Makes an environment at `folder`. */
export async function makeVenv(folder: string): Promise<void> {
  await run(await requiredPython(), ['-m', 'venv', '--without-pip', folder], { cwd: tmpdir(), env: cleanEnv(folder) });
}

/** Runs pip on an environment, with the standard wheels as the only source: `pip(venv, 'install', 'stale-mcp==0.1.0')`. */
export async function pip(venv: string, ...args: readonly string[]): Promise<string> {
  const [verb = '', ...rest] = args;
  const links = verb === 'install' ? ['--find-links', await pythonWheels()] : [];
  // What `pip --python` does, without starting pip twice.
  return run(join(venv, 'bin', 'python'), [(await pipEnvironment()).runner, verb, ...links, ...rest], {
    cwd: venv,
    env: cleanEnv(venv),
  });
}

/** A script or the interpreter of an environment. */
export function venvPath(venv: string, name: string): string {
  return join(venv, 'bin', name);
}
