// Cost of the configuration alone: `node bench/config.ts [ROUNDS]`. 200 definitions in 60 files, 40 of them in projects, with no server running.
// `start`: processor time of the first reading in a process of its own, above that of a process that only loads the same modules; `again`: of one after a change, in one
// process; `idle`: of a live survey in 10 s without a change, above one that watches nothing; `seen`: from the end of a write to the snapshot that has it.
// Medians; processor times of one run can be compared, absolute times belong to the machine.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { silentLog } from '../src/base/log.ts';
import { discoverDefinitions } from '../src/config/discovery/discoverDefinitions.ts';
import { startLiveSurvey } from '../src/survey/liveSurvey.ts';
import { createSurveyor } from '../src/survey/machineSurveyor.ts';
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

const [mode, root = ''] = process.argv.slice(2);
if (mode === 'read' || mode === 'nothing') {
  const before = process.cpuUsage();
  if (mode === 'read') {
    const { definitions } = await read(root);
    process.stderr.write(`${definitions.length} ${new Set(definitions.map(({ file }) => file)).size}`);
  }
  const { user, system } = process.cpuUsage(before);
  process.stdout.write(String((user + system) / 1_000));
} else {
  await measure(Number(mode ?? 9));
}

function read(home: string): ReturnType<typeof discoverDefinitions> {
  return discoverDefinitions({ home, platform: 'linux', env: {}, folders: foldersIn(home), vscodeUserDirs: [] });
}

function foldersIn(home: string): string[] {
  return Array.from({ length: projects }, (_, index) => join(home, 'work', `project-${index}`));
}

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
    for (const folder of foldersIn(home)) {
      writeServers(join(folder, '.mcp.json'), perFile.project);
    }
    const child = (what: 'read' | 'nothing'): { readonly ms: number; readonly found: string } => {
      const { stdout, stderr } = spawnSync(process.execPath, [fileURLToPath(import.meta.url), what, home], { encoding: 'utf8' });
      return { ms: Number(stdout), found: stderr };
    };
    const starts = Array.from({ length: rounds }, () => child('read'));
    const again: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const before = process.cpuUsage();
      await read(home);
      const { user, system } = process.cpuUsage(before);
      again.push((user + system) / 1_000);
    }
    console.log(`definitions and files: ${starts[0]?.found}`);
    console.log(`start, ms of processor: ${median(starts.map(({ ms }) => ms)).toFixed(1)}`);
    console.log(`again, ms of processor: ${median(again).toFixed(1)}`);
    await live(home, rounds);
  } finally {
    rmSync(home, { recursive: true, force: true });
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
    `idle for 10 s, ms of processor: ${(await idle(home, foldersIn(home))).toFixed(1)}, of one that watches nothing: ${nothing.toFixed(1)}`,
  );
  const one = await survey(home, foldersIn(home));
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
