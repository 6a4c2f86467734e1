import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, realpathSync, symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { findPython } from './pythonWheels.ts';

/**
 * Makes an environment whose base interpreter is a copy that a test may replace, with the library of the real one.
 *
 * @param folder the copy's own, new
 * @param venv the environment's, new
 * @returns the copied program, and where the environment's packages go
 */
export async function ownPython(folder: string, venv: string, env: NodeJS.ProcessEnv): Promise<{ program: string; site: string }> {
  const real = realpathSync((await findPython()) ?? '');
  const base = join(folder, 'bin', basename(real));
  mkdirSync(join(folder, 'bin'), { recursive: true });
  mkdirSync(join(folder, 'lib'));
  copyFileSync(real, base);
  chmodSync(base, 0o755);
  const library = execFileSync(real, ['-c', 'import os; print(os.path.dirname(os.__file__))'], { encoding: 'utf8' }).trim();
  symlinkSync(library, join(folder, 'lib', basename(library)));
  execFileSync(base, ['-m', 'venv', '--without-pip', '--symlinks', venv], { env });
  return { program: base, site: join(venv, 'lib', basename(library), 'site-packages') };
}
