import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { appendHistory, historyEntry } from '../../../src/action/execute/actionHistory.ts';
import type { Snapshot } from '../../../src/model/snapshot.ts';
import { assertNames, assertOmits } from '../../names.ts';
import { openNode, otherUser } from '../../otherUser.ts';
import { buildCli, type Ended, nodesByMajor, RunningCli } from './bundle.ts';

const nodes = nodesByMajor();

/** The oldest that is supported; the newest too in test:long, and with every other test of the bundle. */
for (const major of process.env.TEST_LONG === '1' ? [20, 24] : [nodes.has(20) ? 20 : 24]) {
  describe(`the command line bundle on Node ${major}`, function () {
    this.timeout(60_000);
    let folder = '';
    let bundle = '';
    const node = nodes.get(major) ?? '';

    before(async function () {
      if (node === '') {
        console.log(`No Node ${major} on PATH: the bundle is not tried on it.`);
        this.skip();
      }
      folder = mkdtempSync(join(tmpdir(), 'cli-usage-'));
      bundle = await buildCli(folder);
      env = { PATH: process.env.PATH, HOME: folder, USERPROFILE: folder, MCP_RUN_DIR: join(folder, 'run'), NO_COLOR: undefined };
    });
    after(() => rmSync(folder, { recursive: true, force: true }));

    let env: NodeJS.ProcessEnv = {};
    function run(...args: readonly string[]): Promise<Ended> {
      return new RunningCli(node, bundle, args, { cwd: folder, env }).ended();
    }

    it('prints version and help on stdout', async () => {
      const manifest: { version: string } = JSON.parse(readFileSync('package.json', 'utf8'));
      const silent = { code: 0, signal: null, stderr: '' };
      assert.deepEqual(await run('--version'), { ...silent, stdout: `${manifest.version}\n` });
      for (const args of [[], ['--help'], ['help'], ['status', '--help'], ['help', 'restart']]) {
        const { stdout, ...rest } = await run(...args);
        assert.deepEqual(rest, silent);
        assertNames(stdout, 'Usage: mcp-shepherd');
        assertNames(stdout, 'Exit codes');
        assert.ok(stdout.split('\n').every((line) => line.length <= 80));
      }
    });

    it('is ended by no entry of a workspace, however long, and prints none of its values', async () => {
      const home = mkdtempSync(join(folder, 'long-'));
      const workspace = join(home, 'work');
      mkdirSync(join(workspace, '.vscode'), { recursive: true });
      const values = ['c4nRy(1', 'c4nRy+2'].map((part) => part.repeat(6_000));
      const many = Array.from({ length: 80_000 }, (_, index) => (index % 2 === 0 ? '-a' : `c4nRy${index}`));
      const servers = {
        long: { command: 'node', args: ['z('.repeat(20_000)] },
        values: { command: 'node', env: { CA: values[0], KUBE: values[1] }, args: ['x', ...values, `--ca=${values[0]}`] },
        redis: { command: 'redis-cli', args: many },
      };
      const file = join(workspace, '.vscode', 'mcp.json');
      writeFileSync(file, JSON.stringify({ servers }));
      const inHome = { ...env, HOME: home, USERPROFILE: home, MCP_RUN_DIR: join(home, 'run') };
      for (const args of [['status', '--json'], ['status'], ['doctor'], ['explain', 'values'], ['prune', '--dry-run']]) {
        const { code, stdout, stderr } = await new RunningCli(node, bundle, [...args, '--offline'], {
          cwd: workspace,
          env: inHome,
        }).ended();
        assert.ok(!`${stdout}${stderr}`.includes('c4nRy'), args.join(' '));
        assert.ok(!/regular expression|internal|its text is not shown/.test(stderr), stderr.slice(0, 500));
        if (args[1] === '--json') {
          assert.equal(code, 0, stderr.slice(0, 500));
          const snapshot: Snapshot = JSON.parse(stdout);
          assert.deepEqual(snapshot.definitions.map(({ name }) => name).sort(), ['long', 'redis', 'values']);
          assert.deepEqual(
            snapshot.problems.filter((problem) => problem.file === file).map(({ message }) => /“redis”.*80000.*1000/.test(message)),
            [true],
          );
        }
      }
    });

    it('neither reads nor writes a run folder that another user can write, says so once, and protects nothing there', async function () {
      if (process.platform === 'win32') {
        this.skip();
      }
      const home = mkdtempSync(join(folder, 'home-'));
      const runDir = join(home, 'run');
      mkdirSync(join(runDir, 'v1', 'instances'), { recursive: true, mode: 0o700 });
      chmodSync(runDir, 0o777);
      mkdirSync(join(home, '.cursor'));
      const file = join(home, '.cursor', 'mcp.json');
      const content = JSON.stringify({ mcpServers: { notes: { command: process.execPath, args: ['x.js'] } } });
      writeFileSync(file, content);
      const inHome = { ...env, HOME: home, USERPROFILE: home, MCP_RUN_DIR: runDir };
      const runThere = (...args: readonly string[]) => new RunningCli(node, bundle, args, { cwd: home, env: inHome }).ended();
      const snapshot: Snapshot = JSON.parse((await runThere('status', '--json')).stdout);
      const told = snapshot.problems.filter(({ message }) => message.includes(`${runDir} is open to other users`));
      assert.deepEqual(
        told.map(({ source }) => source),
        ['facts'],
        JSON.stringify(snapshot.problems),
      );
      const refused = await runThere('protect', 'notes', '--yes');
      assert.equal(refused.code, 2, refused.stdout);
      assertNames(refused.stderr, 'chmod 700');
      assert.equal(readFileSync(file, 'utf8'), content);
      assert.deepEqual(readdirSync(runDir), ['v1']);
      const history = await runThere('history');
      assert.deepEqual([history.code, history.stdout], [2, '']);
      assertNames(history.stderr, 'chmod 700');
      chmodSync(runDir, 0o700);
      const clean: Snapshot = JSON.parse((await runThere('status', '--json')).stdout);
      assert.deepEqual(clean.problems, [], 'the control: the same folder, closed');
    });

    it('shows control characters of names in refusals as escapes', async () => {
      const home = mkdtempSync(join(folder, 'home-'));
      mkdirSync(join(home, '.cursor'));
      const name = 'no\x1b]0;x\x07tes\u202e';
      writeFileSync(join(home, '.cursor', 'mcp.json'), JSON.stringify({ mcpServers: { [name]: { url: 'https://server.example/mcp' } } }));
      const inHome = { ...env, HOME: home, USERPROFILE: home, MCP_RUN_DIR: join(home, 'run') };
      const { code, stderr } = await new RunningCli(node, bundle, ['protect', name, '--yes'], { cwd: home, env: inHome }).ended();
      assert.equal(code, 2);
      assertNames(stderr, 'remote server');
      assert.match(stderr, /no\\x1b\]0;x\\x07tes/);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these must not be there
      assert.doesNotMatch(stderr.replaceAll('\n', ''), /[\x00-\x1f\x7f\u202a-\u202e]/);
    });

    it('answers mistakes with one message, a hint and 2', async () => {
      const cases: readonly (readonly [readonly string[], RegExp])[] = [
        [['statsu'], /^mcp-shepherd: .*"statsu".*"status".*\n.*--help.*\n$/],
        [['status', '--jsno'], /^mcp-shepherd: .*--jsno.*"--json".*\n.*status --help.*\n$/],
        [['restart'], /^mcp-shepherd: .*NAME\|PID\nUsage: mcp-shepherd restart NAME\|PID\n$/],
        [['status', '--run-dir', 'relative'], /^mcp-shepherd: --run-dir .*"relative"\n$/],
        [['status', '--folder', 'no/such'], /^mcp-shepherd: --folder: ".*such".*\n$/],
        [['restart', 'no-server-is-called-so'], /^mcp-shepherd: .*"no-server-is-called-so"\n.*mcp-shepherd status\n$/],
      ];
      for (const [args, message] of cases) {
        const { stderr, ...rest } = await run(...args);
        assert.deepEqual(rest, { code: 2, signal: null, stdout: '' }, args.join(' '));
        assert.match(stderr, message);
      }
    });

    it('works without memory where it cannot keep its records, and says so once', async () => {
      const { code, stdout, stderr } = await run('status', '--check', '--run-dir', join(bundle, 'run'));
      assert.equal(code, 3, `${stdout}${stderr}`);
      assert.equal(stderr, '');
      assertNames(stdout, '--run-dir');
      const { problems }: Snapshot = JSON.parse((await run('status', '--json', '--run-dir', join(bundle, 'run'))).stdout);
      assert.deepEqual(
        problems.map(({ source, file }) => [source, file]),
        [['facts', join(bundle, 'run', 'shepherd', 'facts')]],
      );
    });

    it('does not say that nothing was done where the history cannot be read', async () => {
      const runDir = join(folder, 'run-of-history');
      const history = join(runDir, 'shepherd', 'history');
      const file = join(history, 'history.jsonl');
      mkdirSync(history, { recursive: true });
      const silent = { code: 0, signal: null, stderr: '' };
      try {
        const none = await run('history', '--run-dir', runDir);
        assert.deepEqual(none, { ...silent, stdout: 'No history yet.\n' }, 'control: there is none');
        writeFileSync(file, '');
        truncateSync(file, 2 ** 30);
        const { stdout, stderr, code } = await run('history', '--run-dir', runDir);
        assert.deepEqual([code, stdout], [2, '']);
        const [message = '', hint = '', end] = stderr.split('\n');
        assert.ok(message.startsWith(`mcp-shepherd: history: ${file} `) && message.includes('1073741824'), stderr);
        assert.ok(hint !== '' && end === '', stderr);
        const json = await run('history', '--json', '--run-dir', runDir);
        assert.deepEqual([json.code, json.stderr], [2, stderr]);
        const { entries, unread }: { entries: unknown[]; unread: { file: string }[] } = JSON.parse(json.stdout);
        assert.deepEqual([entries, unread.map((one) => one.file)], [[], [file]]);
        rmSync(file);
        if (process.getuid?.() === 0) {
          // For root nothing is unreadable.
          chmodSync(folder, 0o755);
          chmodSync(history, 0o700);
          writeFileSync(file, '');
          const theirs = await new RunningCli(openNode(node), bundle, ['history', '--run-dir', runDir], { ...otherUser, env }).ended();
          assert.deepEqual([theirs.code, theirs.stdout], [2, '']);
          assertNames(theirs.stderr, history, 'user 0', '--run-dir');
        }
      } finally {
        rmSync(runDir, { recursive: true, force: true });
      }
    });

    it('says of a server to which nothing was done that others are in the history', async () => {
      const runDir = join(folder, 'run-of-others');
      try {
        const target = { instance: 'boot:1:7:lx:1', pid: 7, name: 'memory', client: null, runs: null };
        appendHistory(runDir, historyEntry({ by: 'a test', verb: 'stop', target, steps: [], outcome: 'done', message: 'memory stopped.' }));
        assertNames((await run('history', 'memory', '--run-dir', runDir)).stdout, 'stop memory (PID 7)', 'a test');
        const none = (await run('history', 'notes', '--run-dir', runDir)).stdout;
        assertNames(none, '"notes"', 'mcp-shepherd history');
        assertOmits(none, 'memory');
      } finally {
        rmSync(runDir, { recursive: true, force: true });
      }
    });

    it('exits with 3 from --check where something could not be read, and 0 without --check', async () => {
      writeFileSync(join(folder, '.mcp.json'), 'no JSON');
      try {
        assert.equal((await run('status', '--check')).code, 3);
        assert.equal((await run('status')).code, 0);
      } finally {
        rmSync(join(folder, '.mcp.json'));
      }
      assert.equal((await run('status', '--check')).code, 0);
    });

    it('takes a .code-workspace file for a folder, and looks in the folders that it names', async () => {
      mkdirSync(join(folder, 'part', '.vscode'), { recursive: true });
      writeFileSync(
        join(folder, 'part', '.vscode', 'mcp.json'),
        '{"servers": {"": {"command": "no-such-program-3"}, "inner": {"command": "no-such-program-1"}}}',
      );
      const file = join(folder, 'both.code-workspace');
      writeFileSync(file, '{"folders": [{"path": "part"}], "settings": {"mcp": {"servers": {"outer": {"command": "no-such-program-2"}}}}}');
      const { definitions }: Snapshot = JSON.parse((await run('status', '--json', '--folder', file)).stdout);
      assert.deepEqual(definitions.map(({ name }) => name).sort(), ['', 'inner', 'outer']);
      assert.match((await run('status', '--all', '--folder', file)).stdout, /^ {2}"" +not running$/m);
      assertNames((await run('status', '--folder', join(folder, 'no.code-workspace'))).stderr, '--folder:', 'no.code-workspace');
    });

    it('answers restart --json in JSON, also when there is nothing to restart', async () => {
      writeFileSync(join(folder, '.mcp.json'), '{"mcpServers": {"resting": {"command": "no-such-program-1"}}}');
      const resting = await run('restart', 'resting', '--json');
      const none = await run('restart', '1', '--json');
      rmSync(join(folder, '.mcp.json'));
      assert.deepEqual([resting.code, resting.stderr, none.code, none.stderr], [2, '', 2, '']);
      const answer = JSON.parse(resting.stdout);
      assert.deepEqual([answer.schema, answer.instance, answer.reason, answer.outcome.status], [1, null, 'not-running', 'refused']);
      assert.equal(answer.definitions[0].name, 'resting');
      assert.deepEqual(JSON.parse(none.stdout), {
        schema: 1,
        instance: null,
        asked: '1',
        reason: 'none',
        plan: null,
        outcome: { status: 'refused', message: 'no MCP server has PID 1', steps: [] },
      });
    });
  });
}
