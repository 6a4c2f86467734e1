import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { attentions } from '../../../../src/extension/display/attention.ts';
import { fixPicks } from '../../../../src/extension/display/serverPicks.ts';
import { attentionRow } from '../../../../src/extension/display/serverRows.ts';
import { commandLink, statusModel } from '../../../../src/extension/display/statusModel.ts';
import { commands } from '../../../../src/extension/manifestNames.ts';
import type { Finding } from '../../../../src/model/finding.ts';
import type { Instance } from '../../../../src/model/snapshot.ts';
import { assertNames, assertOmits } from '../../../names.ts';
import { claude, finding, here, instance, snapshot, stale } from '../samples.ts';

describe('The status bar item', () => {
  it('is an icon without background when all is well, and hidden when the user wants that', () => {
    const quiet = statusModel(snapshot(), here, true);
    assert.deepEqual([quiet.visible, quiet.text, quiet.warning], [true, '$(mcp)', false]);
    assert.equal(statusModel(snapshot(), here, false).visible, false);
  });

  it('says "current" only of versions that are known', () => {
    const unknown = instance({ pid: 2, package: null });
    assertNames(statusModel(snapshot({ instances: [instance(), unknown] }), here, true).spoken, '1 version unknown');
    assertNames(statusModel(snapshot({ instances: [instance(), instance({ pid: 3 })] }), here, true).spoken, 'all current');
    const undecided = instance({ pid: 2, unknown: 'server.js was written after it started' });
    const told = statusModel(snapshot({ instances: [instance(), undecided] }), here, true);
    assertNames(told.spoken, '1 not certain');
    assertNames(told.tooltip, '1 healthy', '1 other');
  });

  it('says what it counts while there is one kind, and shows in either setting', () => {
    const one = statusModel(snapshot({ instances: [stale()] }), here, false);
    assert.deepEqual([one.visible, one.text, one.warning], [true, '$(warning) MCP: 1 stale', true]);
    const instances = [stale(), instance({ pid: 2, findings: [finding({ kind: 'duplicate' })] })];
    const several = statusModel(snapshot({ instances }), here, false);
    assert.deepEqual([several.visible, several.text, several.warning], [true, '$(warning) MCP: 2', true]);
    assert.match(several.spoken, /1 stale, 1 duplicate/);
  });

  it('tells servers of one name and client apart by their PID, in the tooltip, the list of fixes and the view', () => {
    const two = [stale({ pid: 41, client: claude }), stale({ pid: 42, client: claude })];
    const shown = (instances: readonly Instance[]): string[] => {
      const all = snapshot({ instances: [...instances] });
      const picks = fixPicks(all, here).flatMap(({ item, description }) => (item ? [description ?? ''] : []));
      const rows = attentions(all, here).map((item) => attentionRow(item, { snapshot: all, facts: here, now: 0 }).description);
      return [statusModel(all, here, true).tooltip.replaceAll('\u00a0', ' '), picks.join(), rows.join()];
    };
    for (const text of shown(two)) {
      assertNames(text, 'PID 41', 'PID 42');
    }
    for (const text of shown(two.slice(1))) {
      assertOmits(text, 'PID 42');
    }
  });

  it('is coloured by what is proven to need a restart and by conflicts alone', () => {
    const coloured = (changes: Partial<Finding>) =>
      statusModel(snapshot({ instances: [instance({ findings: [finding(changes)] })] }), here, true).warning;
    assert.deepEqual(
      [{}, { kind: 'files-gone' }, { kind: 'lock-conflict' }].map((one) => coloured(one as Partial<Finding>)),
      [true, true, true],
    );
    const calm = [{ confidence: 'likely' }, { kind: 'duplicate' }, { kind: 'orphan' }, { kind: 'unresponsive' }];
    assert.deepEqual(
      calm.map((one) => coloured(one as Partial<Finding>)),
      [false, false, false, false],
    );
  });

  it('leaves out what the user ignores, for every process of that entry and until the next version', () => {
    const two = snapshot({ instances: [stale(), stale({ pid: 5, client: claude })] });
    const keys = attentions(two, here).map(({ key }) => key);
    assert.equal(new Set(keys).size, 2);
    const facts = { ...here, choices: { ...here.choices, ignored: keys.slice(0, 1) } };
    assert.equal(attentions(two, facts).length, 1);
    const again = snapshot({ instances: [stale({ pid: 77 })] });
    assert.deepEqual([statusModel(again, facts, true).text, statusModel(again, facts, true).warning], ['$(mcp)', false]);
    const own = stale().package;
    const next = snapshot({ instances: [stale({ package: own && { ...own, installed: '1.2.0' } })] });
    assert.equal(statusModel(next, facts, true).warning, true);
  });

  it('leaves out the idle copies of a client once the user ignores those of one of its entries', () => {
    const codex = { id: 'codex', name: 'Codex', pid: 50, identity: 'boot:1:50:lx:1' } as const;
    const copy = (pid: number, client: typeof codex | typeof claude, name: string) =>
      instance({ pid, client, definitions: [name], name, findings: [finding({ kind: 'copies', confidence: 'likely' })] });
    const all = snapshot({
      instances: [
        copy(1, codex, 'notes'),
        copy(2, codex, 'notes'),
        copy(3, codex, 'files'),
        copy(4, claude, 'notes'),
        stale({ pid: 5, client: codex }),
      ],
    });
    const items = attentions(all, here);
    assert.deepEqual(items.map(({ instance: one }) => one?.pid).sort(), [1, 3, 4, 5], 'one line for each entry');
    const key = items.find(({ instance: one }) => one?.pid === 1)?.key ?? '';
    const facts = { ...here, choices: { ...here.choices, ignored: [key] } };
    assert.deepEqual(
      attentions(all, facts)
        .map(({ instance: one }) => one?.pid)
        .sort(),
      [4, 5],
    );
    const nextProcess = snapshot({
      instances: [copy(9, { ...codex, pid: 60, identity: 'boot:1:60:lx:1' } as unknown as typeof codex, 'mail')],
    });
    assert.deepEqual(attentions(nextProcess, facts), []);
  });

  it('does not warn of what is unknown or only information', () => {
    const instances = [instance({ findings: [finding({ confidence: 'unknown' }), finding({ kind: 'update-available' })] })];
    assert.equal(statusModel(snapshot({ instances }), here, true).warning, false);
  });

  it('does not call a server current that has an update', () => {
    const [own] = [instance().package];
    const update = finding({ kind: 'update-available', actions: [{ kind: 'upgrade', argv: ['npm', 'install'] }] });
    const newer = instance({ package: own && { ...own, latest: '1.2.0' }, findings: [update] });
    const { spoken, tooltip } = statusModel(snapshot({ instances: [newer] }), here, true);
    assert.doesNotMatch(spoken, /current/);
    assert.match(tooltip, /update\savailable .*\(command:mcpShepherd\.upgradeInstance\?/);
  });

  it('has one line and one fix for each finding, and one line for all other servers', () => {
    const other = stale({ pid: 5, client: claude });
    const orphan = instance({ pid: 6, name: 'left', client: null, findings: [finding({ kind: 'orphan' })] });
    const { tooltip } = statusModel(snapshot({ instances: [instance({ pid: 1, name: 'alpha' }), stale(), other, orphan] }), here, true);
    const lines = tooltip.split('\n').filter((line) => line.startsWith('| $('));
    assert.deepEqual(
      lines.map((line) => [...line.matchAll(/\(command:mcpShepherd\.(\w+)\?/g)].map(([, command]) => command)),
      [['restartInstance'], ['howToRestart'], ['stopInstance']],
    );
    assert.match(lines[0] ?? '', /\*\*everything\*\* \| 1\\\.0\\\.0 → 1\\\.1\\\.0 · restart\sneeded · this\swindow/);
    assert.match(tooltip, /^1 healthy · 58 MB$/m);
    assert.doesNotMatch(tooltip, /alpha/);
    assert.match(tooltip, /\[Stop Orphans…\]\(command:\S+\) · \[Open\]\(command:mcpShepherd\.showServers\)$/);
  });

  it('has no fix for healthy servers', () => {
    const { tooltip } = statusModel(snapshot({ instances: [instance(), instance({ pid: 2, client: claude })] }), here, true);
    assert.deepEqual(
      [...tooltip.matchAll(/command:mcpShepherd\.(\w+)/g)].map(([, command]) => command),
      ['showServers'],
    );
  });

  it('says what is being done instead of offering it again', () => {
    const one = stale();
    const { tooltip } = statusModel(snapshot({ instances: [one] }), { ...here, busy: new Map([[one.id, 'restarting']]) }, true);
    assertNames(tooltip, '$(loading~spin) | restarting');
    assertOmits(tooltip, 'restartInstance');
  });

  it('keeps its length within a screen', () => {
    const instances = Array.from({ length: 40 }, (_, index) => stale({ pid: index + 1 }));
    const { tooltip } = statusModel(snapshot({ instances }), here, true);
    assert.equal(tooltip.split('\n').filter((line) => line.startsWith('| $(')).length, 10);
    assert.match(tooltip, /and \[30 more\]\(command:mcpShepherd\.fixProblems\)/);
  });

  it('lets a hostile name neither link nor break the table', () => {
    const evil = stale({ name: '](command:workbench.action.quit) | $(x)\n[y' });
    const { tooltip } = statusModel(snapshot({ instances: [evil] }), here, true);
    const links = [...tooltip.matchAll(/(?<!\\)\]\((command:[\w.]+)/g)].map((match) => match[1]);
    assert.deepEqual(links, [`command:${commands.restartInstance}`, `command:${commands.showServers}`]);
    const row = tooltip.split('\n').find((line) => line.startsWith('| $('));
    assert.equal(row?.match(/(?<!\\)\|/g)?.length, 6);
  });

  it('encodes the argument of a link so that nothing in it ends the address', () => {
    const link = commandLink('Go', 'a.b', 'x)(y "z"');
    const encoded = /\(command:a\.b\?([^()]*)\)$/.exec(link)?.[1];
    assert.deepEqual(JSON.parse(decodeURIComponent(encoded ?? '')), ['x)(y "z"']);
  });
});
