// Cost of the configuration alone: `node bench/config.ts [ROUNDS]`. 200 definitions in 60 files, 40 of them in projects, with no server running.
// `start`: processor time of a process that loads the built modules and reads once (`configReader.ts`), above one that only loads them, in turns; `load`: of the latter,
// above a process that does nothing; `again`: of one more reading in this process; `idle`: of a live survey in 10 s without a change, above one that watches nothing; `seen`: from the end of a write to the snapshot that has it.
// Medians; processor times of one run can be compared, absolute times belong to the machine.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { build } from 'esbuild';
import { common } from '../esbuild.ts';
import { silentLog } from '../src/base/log.ts';
import { startLiveSurvey } from '../src/survey/liveSurvey.ts';
import { createSurveyor } from '../src/survey/machineSurveyor.ts';
import { foldersIn, readConfiguration } from './configReader.ts';
import { median } from './measure.ts';

const projects = 40;
const perFile = { project: 3, user: 4 };
/** With those of the projects 60 files and 200 definitions. */
const userFiles = [
  '.cursor/mcp.json',
  '.codeium/windsurf/mcp_config.json',
  '.kiro/settings/mcp.json',
  '.factory/mcp.json',
  '.kimi-code/mcp.json',
  '.pi/agent/mcp.json',
  '.mastracode/mcp.json',
  '.mcporter/mcporter.json',
  '.lmstudio/mcp.json',
  '.tome/mcp_config.json',
  '.gemini/settings.json',
  '.qwen/settings.json',
  '.tabnine/agent/settings.json',
  '.copilot/mcp-config.json',
  '.aws/amazonq/mcp.json',
  '.kimi/mcp.json',
  '.cline/data/settings/cline_mcp_settings.json',
  '.gemini/config/mcp_config.json',
  '.claude.json',
  '.continue/mcpServers/one.json',
];

await measure(Number(process.argv[2] ?? 9));

function writeServers(path: string, count: number, more: readonly string[] = []): void {
  mkdirSync(dirname(path), { recursive: true });
  const names = [...Array.from({ length: count }, (_, index) => `server-${index}`), ...more];
  const mcpServers = Object.fromEntries(
    names.map((name) => [name, { command: 'npx', args: ['-y', `@scope/${name}@1.2.3`, '--root', dirname(path)], env: { TOKEN: 'x' } }]),
  );
  writeFileSync(`${path}.new`, JSON.stringify({ mcpServers }, undefined, 2));
  renameSync(`${path}.new`, path);
}

async function measure(rounds: number): Promise<void> {
  const home = mkdtempSync(join(tmpdir(), 'bench-config-'));
  try {
    for (const file of userFiles) {
      writeServers(join(home, file), perFile.user);
    }
    for (const folder of foldersIn(home, projects)) {
      writeServers(join(folder, '.mcp.json'), perFile.project);
    }
    await starts(home, rounds);
    const again: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const before = process.cpuUsage();
      await readConfiguration(home, projects);
      const { user, system } = process.cpuUsage(before);
      again.push((user + system) / 1_000);
    }
    console.log(`again, ms of processor: ${median(again).toFixed(1)}`);
    await live(home, rounds);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

async function starts(home: string, rounds: number): Promise<void> {
  const built = mkdtempSync(join(tmpdir(), 'bench-config-built-'));
  try {
    const entry = join(import.meta.dirname, 'configReader.ts');
    // The piece with the parser of YAML, which no file here needs, stays apart as in the shipped programs.
    await build({
      ...common,
      plugins: [],
      entryPoints: [entry],
      format: 'esm',
      splitting: true,
      external: ['yaml'],
      outdir: built,
      outExtension: { '.js': '.mjs' },
    });
    const child = (...args: readonly string[]): { readonly ms: number; readonly found: string } =>
      JSON.parse(spawnSync(process.execPath, args, { encoding: 'utf8' }).stdout);
    const program = join(built, 'configReader.mjs');
    const turns = Array.from({ length: rounds }, () => ({
      bare: child('-e', 'const { user, system } = process.cpuUsage(); console.log(JSON.stringify({ ms: (user + system) / 1_000 }))').ms,
      loaded: child(program).ms,
      read: child(program, home, String(projects)),
    }));
    console.log(`definitions and files: ${turns[0]?.read.found}`);
    console.log(`load, ms of processor: ${median(turns.map(({ bare, loaded }) => loaded - bare)).toFixed(1)}`);
    console.log(`start, ms of processor: ${median(turns.map(({ loaded, read }) => read.ms - loaded)).toFixed(1)}`);
  } finally {
    rmSync(built, { recursive: true, force: true });
  }
}

async function live(home: string, rounds: number): Promise<void> {
  const survey = async (place: string, folders: readonly string[]) =>
    startLiveSurvey(
      await createSurveyor({
        home: place,
        platform: process.platform,
        env: { HOME: place },
        runDir: join(place, 'run'),
        folders,
        vscodeUserDirs: [],
        log: silentLog,
      }),
      silentLog,
    );
  const idle = async (place: string, folders: readonly string[]): Promise<number> => {
    const one = await survey(place, folders);
    await one.refresh();
    await wait(6_000);
    const before = process.cpuUsage();
    await wait(10_000);
    const { user, system } = process.cpuUsage(before);
    one.dispose();
    return (user + system) / 1_000;
  };
  const empty = join(home, 'empty');
  mkdirSync(empty);
  const nothing = await idle(empty, []);
  console.log(
    `idle for 10 s, ms of processor: ${(await idle(home, foldersIn(home, projects))).toFixed(1)}, of one that watches nothing: ${nothing.toFixed(1)}`,
  );
  const one = await survey(home, foldersIn(home, projects));
  await one.refresh();
  const seen: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const name = `added-${round}`;
    const file = join(home, 'work', `project-${round}`, '.mcp.json');
    const found = new Promise<void>((resolve) => {
      const listener = one.onSnapshot(({ definitions }) => {
        if (definitions.some((definition) => definition.name === name)) {
          listener.dispose();
          resolve();
        }
      });
    });
    writeServers(file, perFile.project, [name]);
    const at = performance.now();
    await found;
    seen.push(performance.now() - at);
  }
  one.dispose();
  console.log(`seen, ms: ${median(seen).toFixed(0)}, at most ${Math.max(...seen).toFixed(0)}`);
}
