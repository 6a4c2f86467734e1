import { basename, delimiter, dirname, isAbsolute, join, resolve } from 'node:path';
import { because } from '../../base/language/because.ts';
import type { ProcessDetail } from '../../model/process.ts';
import { readBounded, readStart, realPath, statPath } from '../../storage/boundedFile.ts';
import { programFile, workingDirectory } from '../processView.ts';

/** Keys of a pyvenv.cfg (PEP 405; virtualenv and uv write `version_info`). Undefined when there is none. */
export function venvConfig(environment: string): ReadonlyMap<string, string> | undefined {
  const file = readBounded(join(environment, 'pyvenv.cfg'), 64 * 1024);
  if (file.status !== 'ok') {
    return undefined;
  }
  const lines = file.text.split(/\r?\n/).map((line) => /^\s*([\w-]+)\s*=\s*(.*?)\s*$/.exec(line));
  return new Map(lines.flatMap((match) => (match ? [[(match[1] ?? '').toLowerCase(), match[2] ?? '']] : [])));
}

/**
 * The environment that a Python process loads its packages from. Tried in this order: the interpreter on the command line (absolute; relative to the working
 * directory; by PATH), VIRTUAL_ENV, the script's first line, the program file. VIRTUAL_ENV comes late because children that do not use it inherit it. A program
 * found by PATH or VIRTUAL_ENV must be the one that runs.
 *
 * @param script absolute path of the entry script, when there is one
 */
export function pythonEnvironmentOf(
  interpreter: string,
  detail: ProcessDetail,
  script: string | undefined,
): { readonly environment: string } | { readonly unknown: string } {
  const exe = programFile(detail);
  const cwd = workingDirectory(detail);
  if (/[\\/]/.test(interpreter)) {
    if (!isAbsolute(interpreter) && cwd === undefined) {
      return { unknown: because`its interpreter is named relative to a working directory that cannot be read` };
    }
    const path = resolve(cwd ?? '/', interpreter);
    if (statPath(path).status === 'ok' || venvConfig(dirname(dirname(path)))) {
      return { environment: environmentOfInterpreter(path) };
    }
  } else {
    for (const directory of (detail.environment?.get('PATH') ?? '').split(delimiter)) {
      const path = resolve(cwd ?? '/', directory, interpreter);
      if ((isAbsolute(directory) || cwd !== undefined) && isSameProgram(path, exe)) {
        return { environment: environmentOfInterpreter(path) };
      }
    }
  }
  const active = detail.environment?.get('VIRTUAL_ENV');
  if (
    active !== undefined &&
    isAbsolute(active) &&
    venvConfig(active) &&
    ['bin/python', 'Scripts/python.exe'].some((name) => isSameProgram(join(active, name), exe))
  ) {
    return { environment: active };
  }
  const named = script === undefined ? undefined : shebang(script);
  if (named !== undefined && isAbsolute(named) && statPath(named).status === 'ok') {
    return { environment: environmentOfInterpreter(named) };
  }
  // A removed environment had packages of its own: those of the interpreter that it led to are not what runs.
  return exe === undefined
    ? { unknown: because`its interpreter cannot be read` }
    : isAbsolute(interpreter) && realPath(dirname(interpreter)) !== dirname(exe)
      ? { unknown: because`its environment was removed` }
      : { environment: environmentOfInterpreter(exe) };
}

/** A venv's interpreter is a link to the base one, so the venv is found before links are resolved. */
export function environmentOfInterpreter(path: string): string {
  const environment = [dirname(dirname(path)), dirname(path)].find(venvConfig);
  if (environment !== undefined) {
    // A link to it may lead to another one later.
    return realPath(environment) ?? environment;
  }
  // An interpreter that was replaced or removed: its path still leads to its packages.
  const real = realPath(path) ?? path;
  // On Windows python.exe is in the prefix itself.
  return /^(bin|Scripts)$/i.test(basename(dirname(real))) ? dirname(dirname(real)) : dirname(real);
}

function isSameProgram(path: string, exe: string | undefined): boolean {
  const seen = statPath(path);
  if (seen.status !== 'ok' || !seen.stat.isFile()) {
    return false;
  }
  return exe === undefined || realPath(path) === exe;
}

/** The program of a script's `#!` line; undefined when there is none. Reads 512 bytes of a regular file. */
function shebang(script: string): string | undefined {
  const text = readStart(script, 512)?.toString('utf8') ?? '';
  // Interpreters with long or spaced paths are started through a line of shell: #!/bin/sh, then '''exec' "/path/python" "$0" "$@".
  const wrapped = /^#!\/bin\/sh\n'''exec' "?([^"\n]+?)"? "\$0"/.exec(text);
  return wrapped?.[1] ?? /^#!\s*(\S+)/.exec(text)?.[1];
}
