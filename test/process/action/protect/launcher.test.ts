import { deepEqual, equal, match } from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { type LauncherFacts, posixLauncher } from '../../../../src/action/protect/launcherScript.ts';
import { assertNames } from '../../../names.ts';
import { shippedProgram } from '../../shippedProgram.ts';

/** Says what it was started with, as JSON. */
const program = `
const { ELECTRON_RUN_AS_NODE, MCP_SHEPHERD_ELECTRON, PATH, HOME, ...others } = process.env;
console.log(JSON.stringify({
  script: require('node:path').basename(__filename), args: process.argv.slice(2), ELECTRON_RUN_AS_NODE, MCP_SHEPHERD_ELECTRON,
  others: Object.keys(others).filter((name) => /shepherd/i.test(name)), pid: process.pid,
}));
`;

interface Said {
  readonly script: string;
  readonly args: readonly string[];
  readonly ELECTRON_RUN_AS_NODE?: string;
  readonly MCP_SHEPHERD_ELECTRON?: string;
  readonly others: readonly string[];
  readonly pid: number;
}

describe('the launcher', function () {
  this.timeout(60_000);
  let folder = '';
  let facts: LauncherFacts;
  const words = ['--on-stale', 'warn', '--', 'npx', '-y', 'a "b" $c `d` \'e\' *', '', 'ünï'];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "launcher ünï's $x "));
    mkdirSync(join(folder, '1.0.0-aa'));
    writeFileSync(join(folder, '1.0.0-aa', 'guard.cjs'), program);
    writeFileSync(join(folder, '1.0.0-aa', 'cli.cjs'), program);
    facts = { version: '1.0.0', programs: '1.0.0-aa', folder, node: process.execPath };
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** Writes a program to a folder of its own. */
  function script(name: string, text: string): string {
    const path = join(folder, name);
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, `#!/bin/sh\n${text}\n`);
    chmodSync(path, 0o755);
    return path;
  }

  /** `nowhere`: as on a machine where nothing lies in the usual places. */
  function launch(own: LauncherFacts, args: readonly string[], env: NodeJS.ProcessEnv = {}, nowhere = true) {
    const text = posixLauncher(own);
    const path = script('mcp-shepherd', '');
    writeFileSync(
      path,
      nowhere
        ? text.replace(/ \/(usr|opt|snap|Applications)\//g, ' /nowhere/').replace(/'\/(usr|opt|Applications)\//g, "'/nowhere/")
        : text,
    );
    const result = spawnSync(path, [...args], { env: { PATH: '/nowhere', HOME: folder, ...env }, encoding: 'utf8' });
    const said: Said | undefined = result.stdout.startsWith('{"script"') ? JSON.parse(result.stdout) : undefined;
    return { ...result, said };
  }

  const gone = { node: '/nowhere/at/all/node' };

  it('becomes the guard, with its words untouched and nothing added to the environment', () => {
    const { said, pid, stderr } = launch(facts, ['guard', ...words]);
    deepEqual(said, { script: 'guard.cjs', args: words, others: [], pid }, stderr);
    deepEqual(launch(facts, ['status', '--json']).said?.args, ['status', '--json']);
    equal(launch(facts, []).said?.script, 'cli.cjs');
  });

  it('finds a Node in PATH when the one that installed it is gone, and passes by what is too old', () => {
    script('old dir/node', 'exit 1');
    script('odd/node', 'exec /nowhere/node "$@"');
    script('new dir/node', `exec '${process.execPath}' "$@"`);
    const PATH = ['', 'relative', join(folder, 'old dir'), join(folder, 'odd'), join(folder, 'new dir')].join(delimiter);
    deepEqual(launch({ ...facts, ...gone }, ['guard', ...words], { PATH }).said?.args, words);
  });

  it('finds what version managers have put into the home', () => {
    script('.nvm/versions/node/v18.0.0/bin/node', 'exit 1');
    script('.nvm/versions/node/v22.0.0/bin/node', `exec '${process.execPath}' "$@"`);
    deepEqual(launch({ ...facts, ...gone }, ['guard', ...words]).said?.args, words);
  });

  it('uses an editor’s program as Node where there is no other, and says so to the guard alone', () => {
    const editor = script("Co de's", `[ "$ELECTRON_RUN_AS_NODE" = 1 ] || exit 9\nexec '${process.execPath}' "$@"`);
    const own = { ...facts, ...gone, editor };
    const { said, stderr } = launch(own, ['guard', ...words]);
    deepEqual([said?.args, said?.ELECTRON_RUN_AS_NODE, said?.MCP_SHEPHERD_ELECTRON], [words, '1', '1'], stderr);
    // A client that has the variable itself (VS Code's extension host) keeps it.
    equal(launch(own, ['guard', ...words], { ELECTRON_RUN_AS_NODE: '1' }).said?.MCP_SHEPHERD_ELECTRON, undefined);
  });

  it('keeps the editor’s variable from the server, unless the client gave it', async () => {
    await shippedProgram('guard', join(folder, '1.0.0-aa'));
    const editor = script('editor', `[ "$ELECTRON_RUN_AS_NODE" = 1 ] || exit 9\nexec '${process.execPath}' "$@"`);
    const server = script('server', 'echo "$ELECTRON_RUN_AS_NODE|$MCP_SHEPHERD_ELECTRON|"');
    const own = { ...facts, ...gone, editor };
    const start = (env: NodeJS.ProcessEnv) => launch(own, ['guard', '--run-dir', join(folder, 'run'), '--', server], env).stdout;
    equal(start({}), '||\n');
    equal(start({ ELECTRON_RUN_AS_NODE: '1' }), '1||\n');
  });

  it('starts the server without the guard where nothing can run it, but never without its lock', () => {
    const server = script('server', 'printf "%s|" "$@"');
    const start = (...options: readonly string[]) => launch({ ...facts, ...gone }, ['guard', ...options, '--', server, 'a b', '--', '*']);
    const open = start('--on-stale', 'warn');
    deepEqual([open.status, open.stdout], [0, 'a b|--|*|']);
    match(open.stderr, /no Node.js 20 or newer.*\n.*without the guard/);
    for (const lock of [['--lock', 'name:x'], ['--lock=name:x']]) {
      const closed = start(...lock);
      deepEqual([closed.status, closed.stdout], [127, '']);
      assertNames(closed.stderr, 'not started');
    }
    rmSync(join(folder, '1.0.0-aa'), { recursive: true });
    const missing = launch(facts, ['guard', '--', server, 'x']);
    deepEqual([missing.status, missing.stdout], [0, 'x|']);
    assertNames(missing.stderr, 'is missing');
    equal(launch(facts, ['status']).status, 127);
  });
});
