import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { silentLog } from '../../../../src/base/log.ts';
import { WindowServers } from '../../../../src/extension/window/windowServers.ts';
import type { Instance } from '../../../../src/model/snapshot.ts';
import { assertNames } from '../../../names.ts';
import { FakeEditor, type FakeServer, inFolder } from '../fakeEditor.ts';
import { claude, definition, instance } from '../samples.ts';

const quiet = (): void => {};

function restart(editor: FakeEditor, target: Instance) {
  return new WindowServers(editor, silentLog).restart(target.id, target.definitions, quiet);
}

function user(changes: Partial<FakeServer> = {}): FakeServer {
  const { folder: _, ...own } = definition({ id: 'd2', vscodeCollection: 'user', file: '/home/ann/mcp.json' });
  return { id: 'mcp.config.usrremote.everything', definition: own, ...changes };
}

describe("Restarting a server of this window by VS Code's commands", () => {
  it('stops it, starts it, and believes only the new process', async () => {
    const editor = new FakeEditor([inFolder]);
    const before = editor.running(inFolder.id);
    const outcome = await restart(editor, before);
    assert.deepEqual(editor.calls, [
      'stopServer mcp.config.ws0.everything',
      'startServer mcp.config.ws0.everything {"waitForLiveTools":true}',
    ]);
    assert.ok(outcome.kind === 'restarted');
    assert.deepEqual([outcome.before.pid, outcome.after.pid, outcome.leftBehind], [before.pid, editor.running(inFolder.id).pid, false]);
  });

  it('does in between what only works while it does not run, and starts it again whatever becomes of that', async () => {
    for (const fails of [false, true]) {
      const editor = new FakeEditor([inFolder]);
      const before = editor.running(inFolder.id);
      const outcome = await new WindowServers(editor, silentLog).restart(before.id, before.definitions, quiet, async () => {
        editor.calls.push('upgrade');
        assert.throws(() => editor.running(inFolder.id), 'it still runs');
        if (fails) {
          throw new Error('no network');
        }
      });
      assert.deepEqual(
        editor.calls.map((call) => call.split(' ')[0]),
        ['stopServer', 'upgrade', 'startServer'],
      );
      assert.equal(outcome.kind, 'restarted');
    }
  });

  it('waits for a server that is deaf for 20 seconds', async () => {
    const editor = new FakeEditor([{ ...inFolder, endsAfter: 20_000 }]);
    const outcome = await restart(editor, editor.running(inFolder.id));
    assert.equal(outcome.kind, 'restarted');
  });

  it('leaves a server alone that does not end at all, and never starts a second one', async () => {
    const editor = new FakeEditor([{ ...inFolder, endsAfter: 60_000 }]);
    const outcome = await restart(editor, editor.running(inFolder.id));
    assert.ok(outcome.kind === 'failed');
    assertNames(outcome.reason, '30 seconds');
    assert.deepEqual(editor.calls, ['stopServer mcp.config.ws0.everything']);
  });

  it('tries both ids of the user’s file, and starts only the one that was running', async () => {
    const editor = new FakeEditor([user()]);
    const outcome = await restart(editor, editor.running('mcp.config.usrremote.everything'));
    assert.equal(outcome.kind, 'restarted');
    assert.deepEqual(
      editor.calls.filter((call) => call.startsWith('start')),
      ['startServer mcp.config.usrremote.everything {"waitForLiveTools":true}'],
    );
  });

  it('gives another server back that has the same command and was stopped by mistake', async () => {
    const editor = new FakeEditor([inFolder, user()]);
    const target = editor.running('mcp.config.usrremote.everything');
    const outcome = await restart(editor, target);
    assert.ok(outcome.kind === 'restarted');
    assert.equal(outcome.after.pid, editor.running('mcp.config.usrremote.everything').pid);
    assert.ok(editor.isRunning(inFolder.id), 'the other server runs again');
  });

  it('never acts on a server that this window does not run', async () => {
    const editor = new FakeEditor([inFolder]);
    for (const stranger of [instance({ pid: 1 }), instance({ pid: 2, client: claude })]) {
      const outcome = await restart(editor, stranger);
      assert.ok(outcome.kind === 'failed');
      assert.equal(outcome.output, undefined, 'there is no output to read');
    }
    assert.deepEqual(editor.calls, []);
  });

  it('says so when the editor has no such commands', async () => {
    const editor = new FakeEditor([inFolder]);
    editor.available = ['workbench.mcp.stopServer'];
    const outcome = await restart(editor, editor.running(inFolder.id));
    assert.ok(outcome.kind === 'failed');
    assertNames(outcome.reason, 'MCP: List Servers');
    assert.deepEqual(editor.calls, []);
  });

  it('tells when the server does not come back, and where to read why', async () => {
    const editor = new FakeEditor([{ ...inFolder, broken: true }]);
    const outcome = await restart(editor, editor.running(inFolder.id));
    assert.ok(outcome.kind === 'failed');
    assertNames(outcome.reason, 'MCP: List Servers');
    assert.equal(outcome.output, inFolder.id);
  });

  it('tells what VS Code refuses with', async () => {
    const editor = new FakeEditor([{ ...inFolder, refuses: 'not trusted' }]);
    const outcome = await restart(editor, editor.running(inFolder.id));
    assert.ok(outcome.kind === 'failed');
    assertNames(outcome.reason, 'not trusted');
  });

  it('waits for what a launcher leaves behind, and tells when it stays', async () => {
    const slow = new FakeEditor([{ ...inFolder, lingers: 1_000 }]);
    const first = await restart(slow, slow.running(inFolder.id));
    assert.ok(first.kind === 'restarted' && !first.leftBehind);
    const stubborn = new FakeEditor([{ ...inFolder, lingers: 3_600_000 }]);
    const second = await restart(stubborn, stubborn.running(inFolder.id));
    assert.ok(second.kind === 'restarted' && second.leftBehind);
  });

  it('makes one new process of two clicks on the same server', async () => {
    const editor = new FakeEditor([inFolder]);
    const servers = new WindowServers(editor, silentLog);
    const target = editor.running(inFolder.id);
    const outcomes = await Promise.all([1, 2].map(() => servers.restart(target.id, target.definitions, quiet)));
    assert.deepEqual(
      outcomes.map((outcome) => outcome.kind),
      ['restarted', 'failed'],
    );
    assert.equal(editor.calls.filter((call) => call.startsWith('start')).length, 1);
  });

  it('stops without starting when asked to', async () => {
    const editor = new FakeEditor([inFolder]);
    const target = editor.running(inFolder.id);
    const outcome = await new WindowServers(editor, silentLog).stop(target.id, target.definitions, quiet);
    assert.equal(outcome.kind, 'stopped');
    assert.equal(editor.isRunning(inFolder.id), false);
    assert.deepEqual(editor.calls, ['stopServer mcp.config.ws0.everything']);
  });
});
