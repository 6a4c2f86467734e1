import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLog } from '../../../src/base/log.ts';
import type { RawDefinition } from '../../../src/model/definition.ts';
import { Configuration } from '../../../src/survey/configuration.ts';
import { type Clock, systemClock } from '../../../src/survey/facts/bootClock.ts';

let ahead = 0;
const clock: Clock = { ...systemClock, awake: () => ahead };
const here = { bootId: 'boot', pidNamespace: '1' };

describe('configuration of the survey', () => {
  let root: string;
  let home: string;
  let file: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'configuration-'));
    home = join(root, 'home');
    mkdirSync(home);
    file = join(home, '.claude.json');
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  it('loses an entry whose command cannot be parsed, and names it and its file', async () => {
    write('one', 'two');
    const place = { client: 'vscode', readBy: ['vscode'], scope: 'workspace', file: '/w/.vscode/mcp.json', line: 7 } as const;
    const entry: RawDefinition = {
      ...place,
      id: 'bad',
      name: 'bad',
      transport: 'stdio',
      command: 'npx',
      args: [],
      env: {},
      secrets: [],
      enabled: true,
    };
    const bad = Object.defineProperty({ ...entry }, 'args', {
      enumerable: true,
      get: () => {
        throw new RangeError('S3cr3t');
      },
    });
    const reading = await configuration([bad]).read(here);
    assert.deepEqual(namesOf(reading), ['one', 'two']);
    assert.deepEqual(
      reading.problems.map(({ file, line, message }) => [file, line, /“bad”/.test(message), /S3cr3t/.test(message)]),
      [['/w/.vscode/mcp.json', 7, true, false]],
    );
  });

  function configuration(entries: readonly RawDefinition[] = []): Configuration {
    const options = { home, platform: process.platform, env: { HOME: home }, runDir: join(root, 'run'), clock };
    return new Configuration({ ...options, folders: [], vscodeUserDirs: [], log: silentLog, entries }, { isAlive: async () => true });
  }
  function write(...names: string[]): void {
    writeFileSync(file, JSON.stringify({ mcpServers: Object.fromEntries(names.map((name) => [name, { command: 'server' }])) }));
  }
  const namesOf = (reading: Awaited<ReturnType<Configuration['read']>>) => reading.definitions.map(({ name }) => name);

  it('is read again when one of its files changed, and not before', async () => {
    write('one');
    const config = configuration();
    const first = await config.read(here);
    assert.deepEqual(namesOf(first), ['one']);
    write('one', 'two');
    assert.equal(await config.read(here), first, 'no change was reported');
    config.changed(join(home, 'other.json'));
    assert.equal(await config.read(here), first, 'not one of its files');
    config.changed(file);
    assert.equal(config.current, undefined);
    assert.equal(config.last, first);
    assert.deepEqual(namesOf(await config.read(here)), ['one', 'two']);
  });

  it('is read once more when a file changed while it was read', async () => {
    write('one');
    const config = configuration();
    await config.read(here);
    config.changed(file);
    const reading = config.read(here);
    config.changed(file);
    await reading;
    write('one', 'two');
    assert.deepEqual(namesOf(await config.read(here)), ['one', 'two']);
  });

  it('keeps the entries of a file that is being written for a second, then tells what it is', async () => {
    for (const half of ['{"mcpServers":{"one":{"comm', '', undefined]) {
      write('one', 'two');
      const config = configuration();
      const first = await config.read(here);
      if (half === undefined) {
        rmSync(file);
      } else {
        writeFileSync(file, half);
      }
      config.changed(file);
      assert.equal(await config.read(here), first);
      ahead += 900;
      assert.equal(await config.read(here), first);
      assert.equal(config.askAgainIn(), 100);
      write('two');
      config.changed(file);
      assert.deepEqual(namesOf(await config.read(here)), ['two'], 'written');
      writeFileSync(file, half ?? '{');
      config.changed(file);
      assert.deepEqual(namesOf(await config.read(here)), ['two']);
      ahead += 1_000;
      assert.deepEqual(namesOf(await config.read(here)), []);
      assert.equal(config.askAgainIn(), undefined);
    }
    write('one');
    const config = configuration();
    await config.read(here);
    writeFileSync(file, '{}');
    config.changed(file);
    assert.deepEqual(namesOf(await config.read(here)), [], 'a whole file without servers counts at once');
  });

  it('is read again for folders that it was not read for', async () => {
    const project = join(root, 'project');
    mkdirSync(project);
    writeFileSync(join(project, '.mcp.json'), JSON.stringify({ mcpServers: { ours: { command: 'server' } } }));
    const config = configuration();
    assert.deepEqual(namesOf(await config.read(here)), []);
    config.setFolders([project], [], false);
    assert.deepEqual(namesOf(await config.read(here)), ['ours']);
  });
});
