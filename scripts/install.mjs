// `npm start` and `npm run demo` begin with this: `npm ci`, unless node_modules holds what package-lock.json names. Plain JavaScript: the Node of the machine, which
// may be too old for TypeScript, runs it before there are dependencies.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** @param {string} file @returns the packages of a lock file by path; undefined when it cannot be read */
function packagesOf(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages;
  } catch {
    return undefined;
  }
}

function isInstalled() {
  const wanted = packagesOf('package-lock.json');
  // npm writes this file at the end of an installation.
  const installed = packagesOf('node_modules/.package-lock.json');
  if (!wanted || !installed) {
    return false;
  }
  const isSame = (path) =>
    installed[path].version === wanted[path]?.version &&
    (installed[path].integrity ?? '') === (wanted[path].integrity ?? installed[path].integrity ?? '');
  const isThere = (path) => path === '' || wanted[path].optional || installed[path] !== undefined;
  return Object.keys(installed).every(isSame) && Object.keys(wanted).every(isThere);
}

if (!isInstalled()) {
  console.error('Installing dependencies …');
  const npm = process.env.npm_execpath;
  const [program, ...words] = npm?.endsWith('.js') ? [process.execPath, npm, 'ci'] : ['npm', 'ci'];
  const { status } = spawnSync(program, words, { stdio: 'inherit', shell: program === 'npm' && process.platform === 'win32' });
  process.exit(status ?? 1);
}
