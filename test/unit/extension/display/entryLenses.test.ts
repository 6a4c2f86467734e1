import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { attentions } from '../../../../src/extension/display/attention.ts';
import { entryLenses } from '../../../../src/extension/display/entryLenses.ts';
import { commands } from '../../../../src/extension/manifestNames.ts';
import { assertNames } from '../../../names.ts';
import { claude, definition, finding, here, instance, snapshot, stale } from '../samples.ts';

const file = '/home/ann/api/.vscode/mcp.json';

describe('The links above an entry', () => {
  it('name the finding with both versions, restart the server and offer the guard', () => {
    const lenses = entryLenses(file, snapshot({ instances: [stale()] }), here);
    assert.deepEqual(
      lenses.map(({ line, command }) => [line, command]),
      [commands.showDetails, commands.restartInstance, commands.launchThroughGuard].map((command) => [3, command]),
    );
    assertNames(lenses[0]?.title, 'stale: 1.0.0 → 1.1.0');
    assert.equal(lenses[1]?.argument, stale().id);
  });

  it('are in the file of every client, at the line of its entry', () => {
    const entry = definition({ id: 'd9', file: '/home/ann/.codex/config.toml', line: 12, client: 'codex', readBy: ['codex'] });
    const seen = snapshot({
      definitions: [definition(), entry],
      instances: [instance(), stale({ pid: 5, definitions: ['d9'], client: claude })],
    });
    assert.deepEqual(entryLenses(entry.file, seen, here).map(({ line, command }) => [line, command])[1], [12, commands.howToRestart]);
    assert.deepEqual(entryLenses(file, seen, here), []);
  });

  it('are not there where all is well, for what the user ignores, and for information', () => {
    assert.deepEqual(entryLenses(file, snapshot(), here), []);
    assert.deepEqual(
      entryLenses(file, snapshot({ instances: [instance({ findings: [finding({ kind: 'update-available' })] })] }), here),
      [],
    );
    const seen = snapshot({ instances: [stale()] });
    const ignored = attentions(seen, here).map(({ key }) => key);
    assert.deepEqual(entryLenses(file, seen, { ...here, choices: { ...here.choices, ignored } }), []);
  });

  it('say so while the server is being restarted, and turn no text of others into an icon', () => {
    const seen = snapshot({
      instances: [stale({ package: { ecosystem: 'npm', name: 'x', root: '/', running: '$(bug)', installed: '2' } })],
    });
    assert.equal(entryLenses(file, seen, here)[0]?.title.includes('$(bug)'), false);
    const busy = entryLenses(file, seen, { ...here, busy: new Map([[stale().id, 'restarting']]) });
    assert.equal(busy.length, 2);
    assertNames(busy[1]?.title, 'restarting');
  });
});
