import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { buildCli, type Ended, nodesByMajor, RunningCli } from './bundle.ts';

const nodes = nodesByMajor();

for (const major of [20, 24]) {
  describe(`the command line bundle on Node ${major}`, () => {
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
    });
    after(() => rmSync(folder, { recursive: true, force: true }));

    function run(...args: readonly string[]): Promise<Ended> {
      const env = { PATH: process.env.PATH, HOME: folder, USERPROFILE: folder, MCP_RUN_DIR: join(folder, 'run'), NO_COLOR: undefined };
      return new RunningCli(node, bundle, args, { cwd: folder, env }).ended();
    }

    it('prints version and help on stdout', async () => {
      const manifest: { version: string } = JSON.parse(readFileSync('package.json', 'utf8'));
      const silent = { code: 0, signal: null, stderr: '' };
      assert.deepEqual(await run('--version'), { ...silent, stdout: `${manifest.version}\n` });
      for (const args of [[], ['--help'], ['help'], ['status', '--help'], ['help', 'restart']]) {
        const { stdout, ...rest } = await run(...args);
        assert.deepEqual(rest, silent);
        assert.match(stdout, /^Usage: mcp-shepherd /);
        assert.match(stdout, /Exit codes/);
        assert.ok(stdout.split('\n').every((line) => line.length <= 80));
      }
    });

    it('answers mistakes with one message, a hint and 2', async () => {
      const cases: readonly (readonly [readonly string[], RegExp])[] = [
        [['statsu'], /^mcp-shepherd: there is no command "statsu"; did you mean "status"\?\nSee "mcp-shepherd --help"\.\n$/],
        [['status', '--jsno'], /^mcp-shepherd: there is no option --jsno; did you mean "--json"\?\nSee "mcp-shepherd status --help"\.\n$/],
        [['restart'], /^mcp-shepherd: "restart" needs NAME\|PID\nUsage: mcp-shepherd restart NAME\|PID\n$/],
        [['status', '--run-dir', 'relative'], /^mcp-shepherd: --run-dir must be an absolute path, and is "relative"\n$/],
        [['status', '--folder', 'no/such'], /^mcp-shepherd: --folder: ".*such" is no folder\n$/],
        [
          ['restart', 'no-server-is-called-so'],
          /^mcp-shepherd: no MCP server is called "no-server-is-called-so"\n"mcp-shepherd status" lists them\.\n$/,
        ],
      ];
      for (const [args, message] of cases) {
        const { stderr, ...rest } = await run(...args);
        assert.deepEqual(rest, { code: 2, signal: null, stdout: '' }, args.join(' '));
        assert.match(stderr, message);
      }
    });

    it('exits 2 with a message when it cannot keep its records', async () => {
      const { code, stdout, stderr } = await run('status', '--check', '--run-dir', join(bundle, 'run'));
      assert.equal(code, 2, stderr);
      assert.equal(stdout, '');
      assert.match(stderr, /^mcp-shepherd: .*ENOTDIR.*\n$/);
    });
  });
}
