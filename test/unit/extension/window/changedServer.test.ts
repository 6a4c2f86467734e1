import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { startChangedServer } from '../../../../src/extension/window/changedServer.ts';
import { assertNames } from '../../../names.ts';
import { FakeEditor, type FakeServer, inFolder } from '../fakeEditor.ts';
import { definition } from '../samples.ts';

/** The entry has been changed; the editor ends the server by itself some time later. */
async function change(editor: FakeEditor, server: FakeServer, endsAfter = 700, guarded = false): Promise<string | undefined> {
  const { id } = editor.running(server.id);
  void editor.wait(endsAfter).then(() => editor.end(server.id));
  return startChangedServer(editor, server.definition, id, guarded);
}

const starts = (editor: FakeEditor): string[] => editor.calls.map((call) => call.split(' ').slice(0, 2).join(' '));

describe('Starting a server of this window whose entry was changed', () => {
  it('waits for the old one to end, and starts it once', async () => {
    const editor = new FakeEditor([inFolder]);
    assert.equal(await change(editor, inFolder), undefined);
    assert.deepEqual(starts(editor), ['startServer mcp.config.ws0.everything']);
    assert.ok(editor.isRunning(inFolder.id));
  });

  it('asks again where the editor still took the old one for running, and did nothing', async () => {
    const server = { ...inFolder, noticedAfter: 400 };
    const editor = new FakeEditor([server]);
    assert.equal(await change(editor, server), undefined);
    assert.equal(starts(editor).length, 2);
    assert.ok(editor.isRunning(server.id));
  });

  it('takes the guard for running whose server starts when it is called, for a guarded entry alone', async () => {
    const server = { ...inFolder, lazy: true };
    const editor = new FakeEditor([server]);
    assert.equal(await change(editor, server, 700, true), undefined);
    assert.deepEqual(starts(editor), ['startServer mcp.config.ws0.everything']);
    assertNames(await change(new FakeEditor([server]), server), 'did not start everything');
  });

  it('tells of one that does not start, after three tries', async () => {
    const server = { ...inFolder, broken: true };
    const editor = new FakeEditor([server]);
    assertNames(await change(editor, server), 'everything');
    assert.equal(starts(editor).length, 3);
  });

  it("tells the editor's own refusal at once", async () => {
    const server = { ...inFolder, refuses: 'not trusted' };
    const editor = new FakeEditor([server]);
    assert.equal(await change(editor, server), 'VS Code could not start everything: not trusted');
    assert.equal(starts(editor).length, 1);
  });

  it('tries each name that the editor may have for it, also when the first start of the right one did nothing', async () => {
    const { folder: _, ...own } = definition({ id: 'd2', vscodeCollection: 'user', file: '/home/ann/mcp.json' });
    const server: FakeServer = { id: 'mcp.config.usrremote.everything', definition: own, noticedAfter: 400 };
    const editor = new FakeEditor([server]);
    assert.equal(await change(editor, server), undefined);
    assert.ok(editor.isRunning(server.id));
    assert.ok(new Set(starts(editor)).size > 1);
  });

  it('starts nothing while the old one runs on', async () => {
    const editor = new FakeEditor([inFolder]);
    assertNames(await change(editor, inFolder, 60_000), 'still runs everything');
    assert.deepEqual(editor.calls, []);
  });
});
