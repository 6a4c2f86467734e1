import assert from 'node:assert/strict';
import { processTree } from '../../../../src/process/tree/processTree.ts';
import { createRedactor } from '../../../../src/redaction/redactor.ts';
import type { Attributed } from '../../../../src/survey/match/attributeServers.ts';
import { clientOf, redactInstance, serverName, serverTree, withHiddenWords } from '../../../../src/survey/server/instanceParts.ts';
import { row } from '../../../fixtures/argv/processRows.ts';
import { assertNames, assertOmits } from '../../../names.ts';
import { finding, instance } from '../../cli/fixture.ts';

const server = row(30, 20, ['node', '/srv/index.js']);

function under(parent: Attributed['parent'], markedClient?: string): Attributed {
  return {
    server,
    detail: { stdin: 'connected', listens: false, missing: [] },
    launchers: [],
    ...(parent ? { parent } : {}),
    ...(markedClient === undefined ? {} : { markedClient }),
    definitions: [],
    byPort: [],
    whyByPort: [],
    confidence: 'likely',
    why: [],
  };
}

describe('the name of a server without entry and package', () => {
  for (const [argv, name] of [
    [['/usr/local/bin/github-mcp-server', 'stdio'], 'github-mcp-server'],
    [['/opt/mcp-grafana', '-t', 'sse'], 'mcp-grafana'],
    [['docker', 'run', '-i', '--rm', 'mcp/notes'], 'notes'],
    [['node', '--inspect', '/srv/notes.js', 'serve'], 'notes.js'],
    [['python3', '-m', 'notes_mcp', 'serve'], 'notes_mcp'],
    [['/usr/bin/ruby', '-W0', '/srv/notes.rb', 'serve'], 'notes.rb'],
    [['java', '-jar', '/srv/notes.jar'], 'notes.jar'],
  ] as const) {
    it(`${argv.join(' ')}: ${name}`, () => assert.equal(serverName({ ...under(undefined), server: row(30, 20, argv) }, undefined), name));
  }
});

describe('a name of 3,000 characters that a process gives itself', () => {
  const title = `/opt/${'n'.repeat(3_000)}`;
  it('is not the name of the server or of the client: each of 5,000 copies would repeat it', () => {
    const server = { ...row(30, 20, [title]), name: 'nnn' };
    assert.equal(serverName({ ...under(undefined), server }, undefined), 'nnn');
    assert.equal(serverName({ ...under(undefined), server }, 'p'.repeat(3_000)), 'nnn');
    assert.equal(clientOf(under({ ...row(20, 1, [title]), name: 'ccc' }))?.name, 'ccc');
  });
});

describe('the client of a server', () => {
  for (const [argv, name] of [
    [['/usr/bin/node', '/opt/agent/main.mjs', '--x'], 'node main.mjs'],
    [['node', '--inspect', 'tool.js'], 'node tool.js'],
    [['/usr/bin/python3.11', '-u', '/home/u/bot.py'], 'python3.11 bot.py'],
    [['/opt/my-agent/bin/agent', 'serve'], 'agent'],
    [['-zsh'], 'zsh'],
  ] as const) {
    it(`is called ${name}, whatever the kernel calls its main thread`, () => {
      const client = clientOf(under(row(20, 10, argv, { name: 'MainThread' })));
      assert.deepEqual([client?.id, client?.name, client?.pid], ['unknown', name, 20]);
    });
  }

  it('is the one whose marks the server carries, when the program above it is not recognised', () =>
    assert.equal(clientOf(under(row(20, 10, ['/opt/x']), 'claude-code'))?.name, 'Claude Code'));

  it('is null when the parent adopts orphans', () => {
    assert.equal(clientOf(under(row(1, 0, ['/sbin/init']))), null);
    assert.equal(clientOf(under(row(800, 1, ['/usr/lib/systemd/systemd', '--user'], { name: 'systemd' }))), null);
    assert.equal(clientOf(under(undefined)), null);
  });
});

describe('the processes of a server', () => {
  const shell = row(20, 10, ['sh', '-c', 'node /srv/index.js & sleep 500; wait']);
  const npx = row(20, 10, ['npm', 'exec', 'some-server']);
  const others = [row(31, 20, ['sleep', '500']), row(32, 31, ['sleep', '9']), row(40, 30, ['worker']), row(41, 40, ['worker'])];

  it('are itself, its launchers and all below it; what a script started beside it is not of them', () =>
    assert.deepEqual(
      serverTree({ ...under(undefined), launchers: [shell] }, processTree([shell, server, ...others])).pids.sort(),
      [20, 30, 40, 41],
    ));

  it('are also what a launcher of packages started for it', () =>
    assert.deepEqual(
      serverTree({ ...under(undefined), launchers: [npx] }, processTree([npx, server, ...others])).pids.sort(),
      [20, 30, 31, 32, 40, 41],
    ));
});

describe('a word of a command line that its place shows as a secret', () => {
  const secret = 'Aa1+/n0t-to-be-seen';
  const told = [secret, 'n0t-to-be-seen'];
  for (const words of [
    ['node', '--token', secret],
    ['node', '-H', `Authorization: Bearer ${secret}`],
    ['node', '--db', `Server=db;Password=${secret};Encrypt=true`],
  ]) {
    it(`${words.slice(1).join(' ')} is in no text about its server`, () => {
      const parent = row(20, 10, words);
      const attributed = { ...under(parent), server: row(30, 20, words) };
      const redactor = withHiddenWords(createRedactor([]), [attributed.server, parent]);
      const message = told.join(' and ');
      const shown = redactInstance(
        instance({
          pid: 30,
          command: '',
          name: serverName(attributed, undefined),
          client: clientOf(attributed),
          cwd: `/srv/${secret}`,
          unknown: `${message} does not exist`,
          findings: [finding({ kind: 'orphan', message, evidence: [message], actions: [{ kind: 'manual', step: message }] })],
        }),
        redactor,
      );
      assert.doesNotMatch(JSON.stringify(shown), /n0t-to-be-seen|Aa1/);
    });
  }

  it('is in no name that is cut at a slash of it, also where quotation marks have backslashes', () => {
    const words = ['node', '--config', JSON.stringify({ password: 'a"Aa1+/n0t-to-be-seen"b\\' })];
    const attributed = { ...under(undefined), server: row(30, 20, words) };
    const name = serverName(attributed, undefined);
    assertNames(name, 'n0t-to-be-seen');
    const shown = redactInstance(instance({ pid: 30, command: '', name }), withHiddenWords(createRedactor([]), [attributed.server]));
    assertOmits(shown.name, 'n0t-to-be-seen');
  });

  it('needs no redactor of its own where the command line hides nothing', () => {
    const redactor = createRedactor([]);
    assert.equal(withHiddenWords(redactor, [server]), redactor);
  });
});
