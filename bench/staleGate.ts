// Cost of the stale gate for each writing call, compared with a reading of the closure: `node bench/staleGate.ts`. Needs no network.
// Limit: 0.5 ms for 100 packages. Medians and 99th percentiles; absolute times depend on the machine.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CodeRecorder } from '../src/guard/stale/codeRecorder.ts';
import { configuredPackage } from '../src/guard/stale/configuredPackage.ts';
import { StaleGate } from '../src/guard/stale/staleGate.ts';
import { createProcessTable } from '../src/process/createProcessTable.ts';

const packages = 100;
const rounds = 2_000;

function times(count: number, act: () => unknown): readonly number[] {
  const taken: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const start = performance.now();
    act();
    taken.push(performance.now() - start);
  }
  return taken.sort((a, b) => a - b);
}

/** Processor time of calls that are a second apart, ms: each compares the own code, too. */
async function apart(count: number, act: () => unknown): Promise<readonly number[]> {
  const taken: number[] = [];
  for (let index = 0; index < count; index += 1) {
    await new Promise((done) => setTimeout(done, 1_050));
    const start = process.cpuUsage();
    act();
    const { user, system } = process.cpuUsage(start);
    taken.push((user + system) / 1_000);
  }
  return taken.sort((a, b) => a - b);
}

function show(what: string, taken: readonly number[]): void {
  const at = (part: number): string => (taken[Math.floor(taken.length * part)] ?? 0).toFixed(3);
  console.log(`  ${what}: median ${at(0.5)} ms, p99 ${at(0.99)} ms (${taken.length} times)`);
}

/** @param own files of the server's own code */
function makeNpm(project: string, own = 1): { command: string; args: string[] } {
  const root = join(project, 'node_modules');
  const names = Array.from({ length: packages }, (_, at) => `package-${at}`);
  for (const [at, name] of names.entries()) {
    mkdirSync(join(root, name), { recursive: true });
    const dependencies = at === 0 ? Object.fromEntries(names.slice(1).map((one) => [one, '1'])) : {};
    writeFileSync(join(root, name, 'package.json'), JSON.stringify({ name, version: `1.0.${at}`, main: 'index.js', dependencies }));
    writeFileSync(join(root, name, 'index.js'), '');
  }
  for (let at = 1; at < own; at += 1) {
    writeFileSync(join(root, 'package-0', `part-${at}.js`), '');
  }
  const entries = names.map((name, at) => [`node_modules/${name}`, { version: `1.0.${at}`, integrity: `sha512-${'A'.repeat(86)}==` }]);
  writeFileSync(join(root, '.package-lock.json'), JSON.stringify({ lockfileVersion: 3, packages: Object.fromEntries(entries) }));
  return { command: process.execPath, args: [join(root, 'package-0', 'index.js')] };
}

function makePython(venv: string): { command: string; args: string[] } {
  const site = join(venv, 'lib', 'python3.11', 'site-packages');
  mkdirSync(join(venv, 'bin'), { recursive: true });
  writeFileSync(join(venv, 'pyvenv.cfg'), 'home = /usr/bin\nversion = 3.11.2\n');
  for (let at = 0; at < packages; at += 1) {
    const info = join(site, `package_${at}-1.${at}.dist-info`);
    mkdirSync(info, { recursive: true });
    const requires = at === 0 ? Array.from({ length: packages - 1 }, (_, one) => `Requires-Dist: package-${one + 1}>=1\n`).join('') : '';
    writeFileSync(
      join(info, 'METADATA'),
      `Metadata-Version: 2.1\nName: package-${at}\nVersion: 1.${at}\n${requires}\n${'text '.repeat(2_400)}\n`,
    );
    writeFileSync(
      join(info, 'RECORD'),
      Array.from({ length: 60 }, (_, one) => `package_${at}/m${one}.py,sha256=${'A'.repeat(43)},${one}\n`).join(''),
    );
    writeFileSync(join(info, 'INSTALLER'), 'pip\n');
  }
  writeFileSync(join(site, 'package_0-1.0.dist-info', 'entry_points.txt'), '[console_scripts]\nserver = package_0:main\n');
  const script = join(venv, 'bin', 'server');
  writeFileSync(join(venv, 'bin', 'python3'), '');
  writeFileSync(script, `#!${join(venv, 'bin', 'python3')}\n`);
  return { command: script, args: [] };
}

async function measure(
  what: string,
  { command, args }: { command: string; args: string[] },
  touched: string,
  running?: ReturnType<typeof configuredPackage>,
): Promise<void> {
  const table = await createProcessTable();
  const recorder = (): CodeRecorder => new CodeRecorder({ command, args, cwd: tmpdir(), env: process.env });
  const first = recorder();
  const make = (): StaleGate =>
    new StaleGate({
      policy: 'refuse-writes',
      env: process.env,
      configured: { command, args, cwd: tmpdir(), env: process.env },
      table,
      restartHint: () => 'mcp-shepherd restart 1',
      log: () => {},
      writeTools: ['write'],
      readTools: ['read'],
    });
  const gate = make();
  const child = first.beforeStart();
  if (running) {
    // As after its first answer: before that, a shell script is not known to start a package.
    child.record(running);
  }
  gate.serve(child);
  const found = gate.recorded(child);
  if (!found.package) {
    throw new Error(`${what}: ${gate.report().uncompared}`);
  }
  console.log(`${what}, ${1 + Object.keys(found.deps?.versions ?? {}).length} packages`);
  const call = (name: string) => (): unknown => gate.call({ params: { name } });
  show(
    'record before a spawn (cold)',
    times(21, () => recorder().beforeStart()),
  );
  show('write while files moved a moment ago (read again each time)', times(101, call('write')));
  // Until the files have been unchanged for long enough.
  const until = Date.now() + 2_500;
  while (Date.now() < until) {
    call('write')();
  }
  show('write', times(rounds, call('write')));
  show('read', times(rounds, call('read')));
  show('write, a second after the last one, processor time', await apart(15, call('write')));
  const later = new Date(Date.now() + 60_000);
  utimesSync(touched, later, later);
  show('first write after something moved', times(1, call('write')));
}

const temp = mkdtempSync(join(tmpdir(), 'mcp-shepherd-bench-'));
try {
  const npm = join(temp, 'npm');
  await measure('npm', makeNpm(npm), join(npm, 'node_modules', 'package-7', 'package.json'));
  const large = join(temp, 'large');
  await measure('npm, 500 files of its own', makeNpm(large, 500), join(large, 'node_modules', 'package-7', 'package.json'));
  // Two links and a shell script lead to the code.
  const current = join(temp, 'current');
  symlinkSync('npm', current);
  const script = join(temp, 'script');
  writeFileSync(script, `#!/bin/sh\nexec node "${join(current, 'node_modules', 'package-0', 'index.js')}" "$@"\n`, { mode: 0o755 });
  symlinkSync('script', join(temp, 'server'));
  const linked = { command: 'node', args: [join(current, 'node_modules', 'package-0', 'index.js')] };
  await measure('npm, through a link', linked, join(npm, 'node_modules', 'package-7', 'package.json'));
  const ref = configuredPackage({ ...linked, cwd: temp, env: process.env });
  await measure(
    'npm, through two links and a script',
    { command: join(temp, 'server'), args: [] },
    join(npm, 'node_modules', 'package-7', 'package.json'),
    ref,
  );
  const venv = join(temp, 'venv');
  await measure('Python', makePython(venv), join(venv, 'lib/python3.11/site-packages/package_7-1.7.dist-info/METADATA'));
} finally {
  rmSync(temp, { recursive: true, force: true });
}
