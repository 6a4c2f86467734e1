import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { commandLink, statusModel } from '../../../../src/extension/display/statusModel.ts';
import { commands } from '../../../../src/extension/manifestNames.ts';
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
  });

  it('counts trouble and warns, whatever the setting', () => {
    const instances = [stale(), instance({ pid: 2, findings: [finding({ kind: 'duplicate' })] })];
    const trouble = statusModel(snapshot({ instances }), here, false);
    assert.deepEqual([trouble.visible, trouble.text, trouble.warning], [true, '$(mcp) 1 stale, 1 duplicate', true]);
  });

  it('does not warn of what is unknown or only information', () => {
    const instances = [instance({ findings: [finding({ confidence: 'unknown' }), finding({ kind: 'update-available' })] })];
    assert.equal(statusModel(snapshot({ instances }), here, true).warning, false);
  });

  it('has one line and one link for each server, trouble first', () => {
    const other = stale({ pid: 5, client: claude });
    const { tooltip } = statusModel(snapshot({ instances: [instance({ pid: 1, name: 'alpha' }), stale(), other] }), here, true);
    const lines = tooltip.split('\n').filter((line) => line.startsWith('| $('));
    assert.equal(lines.length, 3);
    assert.match(
      lines[0] ?? '',
      /\*\*everything\*\*.*stale\\: runs 1\\\.0\\\.0, installed 1\\\.1\\\.0 · this window, PID 4711 .*\[\$\(debug-restart\)\u00a0Restart\]\(command:mcpShepherd\.restartInstance\?/,
    );
    assert.match(lines[1] ?? '', /Claude Code, PID 5 .*\[How\u00a0to\u00a0restart\]\(command:mcpShepherd\.howToRestart\?/);
    assertNames(lines[2], '**alpha**');
    for (const line of lines) {
      assert.equal(line.match(/command:/g)?.length, 1);
    }
  });

  it('says what is being done instead of offering it again', () => {
    const one = stale();
    const { tooltip } = statusModel(snapshot({ instances: [one] }), { ...here, busy: new Map([[one.id, 'restarting']]) }, true);
    assertNames(tooltip, '$(loading~spin) restarting');
    assertOmits(tooltip, 'restartInstance');
  });

  it('keeps its length within a screen', () => {
    const instances = Array.from({ length: 30 }, (_, index) => instance({ pid: index + 1 }));
    const { tooltip } = statusModel(snapshot({ instances }), here, true);
    assert.equal(tooltip.split('\n').filter((line) => line.startsWith('| $(')).length, 12);
    assertNames(tooltip, '18 more', 'mcpShepherd.showServers');
  });

  it('lets a hostile name neither link nor break the table', () => {
    const evil = stale({ name: '](command:workbench.action.quit) | $(x)\n[y' });
    const { tooltip } = statusModel(snapshot({ instances: [evil] }), here, true);
    const links = [...tooltip.matchAll(/(?<!\\)\]\((command:[\w.]+)/g)].map((match) => match[1]);
    assert.deepEqual(links, [`command:${commands.restartInstance}`]);
    const row = tooltip.split('\n').find((line) => line.startsWith('| $('));
    assert.equal(row?.match(/(?<!\\)\|/g)?.length, 5);
  });

  it('encodes the argument of a link so that nothing in it ends the address', () => {
    const link = commandLink('Go', 'a.b', 'x)(y "z"');
    const encoded = /\(command:a\.b\?([^()]*)\)$/.exec(link)?.[1];
    assert.deepEqual(JSON.parse(decodeURIComponent(encoded ?? '')), ['x)(y "z"']);
  });
});
