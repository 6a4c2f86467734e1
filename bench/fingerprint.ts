// Cost of one reading of a closure, compared with tools that give the same answer: `node bench/fingerprint.ts`.
// Ratios of medians within one run; absolute times depend on the machine. Needs npm, Python with venv, and the registry or npm's cache.
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PackageRef } from '../src/model/package.ts';
import { MetadataCache } from '../src/package/metadataCache.ts';
import { readClosure } from '../src/package/readClosure.ts';
import { run } from '../test/process/package/command.ts';
import { makeProject, npm, servers } from '../test/process/package/npmServers.ts';
import { cleanEnv, findPython } from '../test/process/package/pythonWheels.ts';

const distributions = 73;

async function median(times: number, act: () => unknown): Promise<number> {
  const taken: number[] = [];
  for (let index = 0; index < times; index += 1) {
    const start = performance.now();
    await act();
    taken.push(performance.now() - start);
  }
  return taken.sort((a, b) => a - b)[Math.floor(times / 2)] ?? 0;
}

function show(what: string, packages: number, tool: string, cold: number, warm: number, other: number): void {
  console.log(`${what}, ${packages} packages: first ${cold.toFixed(2)} ms, again ${warm.toFixed(2)} ms; ${tool} ${other.toFixed(0)} ms`);
  console.log(
    `  ${tool} takes ${(other / cold).toFixed(0)} times as long as a first reading, ${(other / warm).toFixed(0)} times as long as a repeated one`,
  );
}

async function compare(what: string, tool: string, ref: PackageRef, other: () => Promise<unknown>): Promise<void> {
  const cache = new MetadataCache();
  // The cache does not keep files younger than a second.
  const later = Date.now() + 2_000;
  while (Date.now() < later) {
    readClosure(ref);
  }
  const reading = readClosure(ref, cache);
  if (reading.status !== 'ok') {
    throw new Error(reading.reason);
  }
  const cold = await median(101, () => readClosure(ref));
  const warm = await median(101, () => readClosure(ref, cache));
  show(what, reading.packages.length, tool, cold, warm, await median(5, other));
}

async function npmClosure(temp: string): Promise<void> {
  const { name, bin, versions } = servers.memory;
  const project = join(temp, 'npm');
  await makeProject(project, [`${name}@${versions[1]}`]);
  const ref: PackageRef = { ecosystem: 'npm', entry: join(project, 'node_modules/.bin', bin), environment: project, name };
  await compare('npm closure', 'npm ls --all', ref, () => npm(project, 'ls', '--all'));
}

async function pythonClosure(temp: string): Promise<void> {
  const python = await findPython();
  if (python === undefined) {
    console.log('Python closure: no Python with venv and ensurepip here');
    return;
  }
  const venv = join(temp, 'venv');
  await run(python, ['-m', 'venv', venv], { cwd: temp, env: cleanEnv(temp) });
  const [library = ''] = readdirSync(join(venv, 'lib'));
  const site = join(venv, 'lib', library, 'site-packages');
  for (let index = 0; index < distributions; index += 1) {
    // Sizes as in an environment with a vector database: 12 kB of description, 60 recorded files.
    const info = join(site, `package_${index}-1.${index}.dist-info`);
    const requires =
      index === 0 ? Array.from({ length: distributions - 1 }, (_, at) => `Requires-Dist: package-${at + 1}>=1\n`).join('') : '';
    const files = Array.from({ length: 60 }, (_, at) => `package_${index}/module_${at}.py,sha256=${'A'.repeat(43)},${1_000 + at}\n`).join(
      '',
    );
    mkdirSync(info);
    writeFileSync(
      join(info, 'METADATA'),
      `Metadata-Version: 2.1\nName: package-${index}\nVersion: 1.${index}\n${requires}\n${'text '.repeat(2_400)}\n`,
    );
    writeFileSync(join(info, 'RECORD'), files);
    writeFileSync(join(info, 'INSTALLER'), 'pip\n');
  }
  const ref: PackageRef = { ecosystem: 'python', entry: join(venv, 'bin/package-0'), environment: venv, name: 'package-0' };
  await compare('Python closure', 'pip list', ref, () =>
    run(join(venv, 'bin/python'), ['-m', 'pip', 'list'], { cwd: venv, env: cleanEnv(venv) }),
  );
}

const temp = mkdtempSync(join(tmpdir(), 'mcp-shepherd-bench-'));
try {
  await npmClosure(temp);
  await pythonClosure(temp);
} finally {
  rmSync(temp, { recursive: true, force: true });
}
