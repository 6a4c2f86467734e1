import { deepEqual, equal, ok } from 'node:assert/strict';
import { spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { after, afterEach, before, describe, it } from 'mocha';
import { configuredPackage } from '../../../../src/guard/stale/configuredPackage.ts';
import { openNode } from '../../../otherUser.ts';
import { distInfo, TempTree } from '../../../unit/package/tree.ts';
import { until } from '../../../until.ts';
import { makeProject, npm, npmEnv, servers } from '../../package/npmServers.ts';
import { type Gated, type GatedServer, refusedFor, startGated } from './gatedServer.ts';

const { name, bin, versions } = servers.memory;
const [older, newer] = versions;
const sdk = '@modelcontextprotocol/sdk';

describe('The stale gate on real npm installs', function () {
  this.timeout(180_000);
  let root: string;
  let env: NodeJS.ProcessEnv;
  const running: GatedServer[] = [];

  before(async function () {
    if (process.platform !== 'linux') {
      console.log('skipped: the gate was not run on this system yet');
      this.skip();
    }
    root = realpathSync(mkdtempSync(join(tmpdir(), 'stale-gate-npm-')));
    env = { ...(await npmEnv()), MEMORY_FILE_PATH: join(root, 'memory.jsonl') };
  });
  afterEach(async () => {
    await Promise.all(running.splice(0).map(({ server }) => server.stop()));
  });
  after(() => {
    if (root) {
      rmSync(root, { recursive: true, force: true, maxRetries: 5 });
    }
  });
  const gated = async (more: Partial<Gated> & Pick<Gated, 'command'>): Promise<GatedServer> => {
    const started = await startGated({ cwd: root, env, ...more });
    running.push(started);
    return started;
  };

  it('A1 A2 A5 A7 A27: a library of the closure, then the server, then nothing; what the server calls itself decides nothing', async () => {
    const project = join(root, 'project');
    await makeProject(project, [`${name}@${older}`, `${sdk}@1.32.2`]);
    // This server says of no tool that it only reads.
    const one = await gated({ command: join(project, 'node_modules/.bin', bin), readTools: ['read_graph'] });
    equal(one.gate.recorded(one.child).package?.version, older);
    const packages = Object.keys(one.gate.recorded(one.child).deps?.versions ?? {});
    ok(packages.includes(sdk) && packages.length > 50, `${packages.length} packages`);
    deepEqual([one.call('create_entities').action, one.call('read_graph').action], ['pass', 'pass']);

    if (process.env.TEST_LONG === '1') {
      // What is not of the closure, or only moves within it, changes nothing.
      await npm(project, 'install', '--save-exact', 'isexe@3.1.1');
      equal(one.call('create_entities').action, 'pass');
    }

    await npm(project, 'install', '--save-exact', `${sdk}@1.29.0`);
    // npm may downgrade what the older library needs along with it.
    ok(refusedFor(one.call('create_entities')).includes(`${sdk} 1.32.2 1.29.0 downgrade`));
    equal(one.call('read_graph').action, 'pass');

    await npm(project, 'install', '--save-exact', `${name}@${newer}`, `${sdk}@1.32.2`);
    ok(refusedFor(one.call('create_entities')).includes(`${name} ${older} ${newer} upgrade`));
    // The control: the old code would have served the write.
    await one.ask('create_entities', { entities: [{ name: 'x', entityType: 'test', observations: [] }] });
    ok(existsSync(join(root, 'memory.jsonl')));

    rmSync(join(project, 'node_modules'), { recursive: true });
    ok(refusedFor(one.call('create_entities')).includes(`${name} ${older} not installed removed`));
  });

  it('A19: npx is unknown before it runs, and known after its first answer; its shared folder is upgraded in place', async function () {
    if (process.env.TEST_LONG !== '1') {
      console.log('skipped: TEST_LONG=1 runs npx');
      this.skip();
    }
    const cache = join(root, 'cache');
    const npx = { ...env, npm_config_cache: cache };
    // The download cache of the machine, the npx folder of the test.
    const real = env.npm_config_cache ?? '';
    mkdirSync(cache);
    symlinkSync(join(real, '_cacache'), join(cache, '_cacache'));
    const args = ['-y', '--prefer-offline', `${name}@${older}`];
    deepEqual(Object.keys(configuredPackage({ command: 'npx', args, cwd: root, env: npx })), ['unknown']);
    const one = await gated({ command: 'npx', args, env: npx });
    deepEqual([one.gate.recorded(one.child).package?.name, one.gate.recorded(one.child).package?.version], [name, older]);
    equal(one.call('create_entities').action, 'pass');
    const folder = one.gate.recorded(one.child).package?.root ?? '';
    ok(folder.startsWith(join(cache, '_npx')), folder);
    const manifest = join(folder, 'node_modules', name, 'package.json');
    const text = readFileSync(manifest, 'utf8');
    writeFileSync(`${manifest}.new`, text.replace(`"version": "${older}"`, `"version": "${newer}"`));
    renameSync(`${manifest}.new`, manifest);
    ok(refusedFor(one.call('create_entities')).includes(`${name} ${older} ${newer} upgrade`));
  });

  it('A8: a source checkout without a package has no baseline, and says so', async () => {
    const folder = join(root, 'checkout');
    mkdirSync(folder);
    const script = join(folder, 'server.mjs');
    writeFileSync(
      script,
      "process.stdin.setEncoding('utf8').on('data', (text) => { for (const line of text.split('\\n').filter(Boolean)) { const { id } = JSON.parse(line); if (id !== undefined) console.log(JSON.stringify({ jsonrpc: '2.0', id, result: { tools: [] } })); } });",
    );
    const one = await gated({ command: process.execPath, args: [script] });
    equal(one.call('write').action, 'pass');
    deepEqual([one.gate.report().stale, one.gate.recorded(one.child)], [false, {}]);
    ok(one.gate.report().uncompared?.includes('package.json'));
    // A call of a tool that is in no whole list and may write was checked, and the reason logged once.
    equal(one.log.filter((line) => line.startsWith('its packages are not compared')).length, 1);
  });

  it('finds the package of a configured command before it runs, also behind env and a shell', () => {
    const tree = new TempTree().write({
      'p/node_modules/server/package.json': { name: 'server', version: '1.0.0' },
      'p/node_modules/server/i.js': '#!/usr/bin/env node\n',
      'v/pyvenv.cfg': 'version = 3.11.2\n',
      'v/bin/python3': '',
      ...distInfo('v/lib/python3.11/site-packages', 'tool', '2.0', { scripts: ['tool'] }),
    });
    try {
      const script = tree.path('p/node_modules/server/i.js');
      chmodSync(script, 0o755);
      writeFileSync(tree.path('v/bin/tool'), `#!${tree.path('v/bin/python3')}\n`);
      const known = (command: string, ...args: string[]): unknown => {
        const found = configuredPackage({ command, args, cwd: tree.path('p'), env: process.env });
        return 'ref' in found ? `${found.ref.ecosystem} ${found.ref.name}` : 'unknown';
      };
      equal(known(process.execPath, script), 'npm server');
      equal(known('node', '--no-warnings', 'node_modules/server/i.js', '--flag'), 'npm server');
      equal(known(script), 'npm server');
      equal(known('env', 'A=1', 'node', script), 'npm server');
      equal(known('sh', '-c', `exec node ${script}`), 'npm server');
      equal(known(tree.path('v/bin/tool')), 'python tool');
      deepEqual([known('uvx', 'tool'), known('no-such-program'), known('/bin/true')], ['unknown', 'unknown', 'unknown']);
    } finally {
      tree.remove();
    }
  });

  it('A16: a process without a descriptor left reads nothing, and takes nothing for changed or gone', async () => {
    const tree = new TempTree().write({
      'p/node_modules/server/package.json': { name: 'server', version: '1.0.0', dependencies: { lib: '*' } },
      'p/node_modules/server/i.js': '',
      'p/node_modules/lib/package.json': { name: 'lib', version: '1.0.0' },
    });
    try {
      await settled(tree.path('p/node_modules/server/package.json'));
      const answers = await askInChild(tree.path('p/node_modules/server/i.js'), 'as-we-are', async (ask) => {
        const seen = [await ask()];
        tree.write({ 'p/node_modules/lib/package.json': { name: 'lib', version: '2.0.0' } });
        // "take" and "give": every descriptor that the process may have.
        seen.push(await ask('take'), await ask(), await ask('give'));
        return seen;
      });
      deepEqual(answers, [
        ['pass', false, [], null],
        ['pass', false, ['lib'], null],
        ['pass', false, ['lib'], null],
        ['refuse', true, [], null],
      ]);
    } finally {
      tree.remove();
    }
  });

  it('A16: a directory that may not be listed is unreadable, not uninstalled', async function () {
    if (process.geteuid?.() !== 0) {
      this.skip();
    }
    // For root nothing is unreadable: the gate runs as another user, in a process of its own.
    const tree = new TempTree().write({
      'p/node_modules/server/package.json': { name: 'server', version: '1.0.0', dependencies: { lib: '*' } },
      'p/node_modules/server/i.js': '',
      'p/node_modules/lib/package.json': { name: 'lib', version: '1.0.0' },
    });
    try {
      chmodSync(tree.root, 0o755);
      const steps = ['p/node_modules/lib', 'p/node_modules/server', 'p/node_modules'].map((path) => tree.path(path));
      const answers = await askInChild(tree.path('p/node_modules/server/i.js'), 'as-nobody', async (ask) => {
        const seen = [await ask()];
        for (const step of steps) {
          chmodSync(step, 0);
          seen.push(await ask());
          chmodSync(step, 0o755);
          seen.push(await ask());
        }
        return seen;
      });
      deepEqual(answers, [
        ['pass', false, [], null],
        ['pass', false, ['lib'], null],
        ['pass', false, [], null],
        ['pass', false, ['server'], 'the files of its packages cannot be read'],
        ['pass', false, [], null],
        ['pass', false, ['server'], 'the files of its packages cannot be read'],
        ['pass', false, [], null],
      ]);
    } finally {
      tree.remove();
    }
  });
});

/** Waits until a file is old enough for its times to be trusted (`closureReader.ts`): a younger one is read again at each check. */
async function settled(path: string): Promise<void> {
  await until('the file is older than 2 s', () => Date.now() - statSync(path).ctimeMs > 2_000);
}

/**
 * A gate in a process of its own: of another user, for whom files can be unreadable, or with few descriptors. Each question is a writing call and a report.
 * @param story asks, and says before which question the process takes or gives back all its descriptors
 */
async function askInChild(
  script: string,
  who: 'as-nobody' | 'as-we-are',
  story: (ask: (before?: 'take' | 'give') => Promise<unknown>) => Promise<unknown[]>,
): Promise<unknown[]> {
  const [gate, recorder, table] = ['guard/stale/staleGate.ts', 'guard/stale/codeRecorder.ts', 'process/createProcessTable.ts'].map((file) =>
    JSON.stringify(fileURLToPath(new URL(`../../../../src/${file}`, import.meta.url))),
  );
  const code = `
    import { createInterface } from 'node:readline';
    import { StaleGate } from ${gate};
    import { CodeRecorder } from ${recorder};
    import { createProcessTable } from ${table};
    import { closeSync, openSync } from 'node:fs';
    const table = await createProcessTable();
    if (${who === 'as-nobody'}) {
      process.setgroups([]);
      process.setgid(65534);
      process.setuid(65534);
    }
    const taken = [];
    const acts = {
      take: () => { for (;;) { try { taken.push(openSync('/dev/null')); } catch (error) { if (error.code === 'EMFILE') return; throw error; } } },
      give: () => taken.splice(0).forEach((one) => closeSync(one)),
      '': () => undefined,
    };
    const recorder = new CodeRecorder({ command: process.execPath, args: [${JSON.stringify(script)}], cwd: '/', env: {} });
    const gate = new StaleGate({
      policy: 'refuse-writes', env: {}, configured: undefined,
      table, restartHint: () => 'x', log: () => {}, writeTools: ['write'], readTools: [],
    });
    gate.serve(recorder.beforeStart());
    for await (const line of createInterface({ input: process.stdin })) {
      acts[line]();
      const { stale, unreadable, uncompared } = gate.report();
      console.log(JSON.stringify([gate.call({ params: { name: 'write' } }).action, stale, unreadable, uncompared ?? null]));
    }`;
  const words = ['-n', '256', who === 'as-nobody' ? openNode() : process.execPath, '--input-type=module', '-e', code];
  const limited = `ulimit "$1" "$2"; shift 2; exec "$@"`;
  const child = spawn('sh', ['-c', limited, 'sh', ...words], { cwd: '/', stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  try {
    return await story(async (before = undefined) => {
      child.stdin.write(`${before ?? ''}\n`);
      const { value, done } = await lines.next();
      return done ? 'ended' : JSON.parse(value);
    });
  } finally {
    child.kill('SIGKILL');
  }
}
