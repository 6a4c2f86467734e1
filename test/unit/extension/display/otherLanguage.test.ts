import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { bundleFile } from '../../../../scripts/texts.ts';
import { makePlan } from '../../../../src/action/plan/makePlan.ts';
import { setTexts } from '../../../../src/base/language/translate.ts';
import { judgeConfig } from '../../../../src/diagnosis/configChanged.ts';
import { judgeOwner } from '../../../../src/diagnosis/orphans.ts';
import { detailsPage } from '../../../../src/extension/display/details/detailsPage.ts';
import { entryLenses } from '../../../../src/extension/display/entryLenses.ts';
import { evidenceText } from '../../../../src/extension/display/evidenceText.ts';
import { definitionTooltip, instanceTooltip } from '../../../../src/extension/display/instanceTooltip.ts';
import { planText, stopQuestion } from '../../../../src/extension/display/pruneText.ts';
import { fixPicks, serverPicks } from '../../../../src/extension/display/serverPicks.ts';
import { statusModel } from '../../../../src/extension/display/statusModel.ts';
import { buildTree } from '../../../../src/extension/display/treeModel.ts';
import { indexNodes } from '../../../../src/extension/display/treeNode.ts';
import { bunScript, denoScript, nodeScript } from '../../../../src/package/npm/nodeEntry.ts';
import { packageOfFile } from '../../../../src/package/npm/nodePackage.ts';
import { pythonEntry } from '../../../../src/package/python/pythonEntry.ts';
import { readBounded, statPath } from '../../../../src/storage/boundedFile.ts';
import { englishWords, pseudoBundle } from '../../../pseudoLanguage.ts';
import { claude, definition, finding, here, instance, now, snapshot, stale } from '../samples.ts';

/** Every text of a value: what comes from files and processes stays as it is. */
function textsOf(value: unknown): string[] {
  return typeof value === 'string' ? [value] : Object.values(typeof value === 'object' && value !== null ? value : {}).flatMap(textsOf);
}

describe('Views in another display language', () => {
  before(() => setTexts(pseudoBundle(JSON.parse(readFileSync(bundleFile, 'utf8')))));
  after(() => setTexts(undefined));

  const servers = [
    stale(),
    instance({ id: 'i2', pid: 12, client: claude, name: 'notes', guarded: true, tree: [12, 13] }),
    instance({ id: 'i3', pid: 14, client: null, name: 'thinking', package: null, findings: [finding({ kind: 'orphan' })] }),
  ];
  const machine = snapshot({ instances: servers, definitions: [definition(), definition({ id: 'd2', name: 'other', enabled: false })] });
  const data = [...textsOf(machine), '21/11/2026', 'MB', 'GB', 'PID', 'SIGTERM', 'SIGKILL', 'command', 'mcpShepherd', 'npx'];
  const check = (where: string, texts: readonly string[]): void => {
    const found = texts.flatMap((text) => {
      const plain = text
        .replace(/\$\([\w~-]+\)/g, '')
        .replace(/\]\(command:[^)]*\)/g, ']')
        .replace(/\\(?=[^A-Za-z0-9])/g, '')
        .replaceAll('\u00a0', ' ');
      const words = englishWords(plain, data);
      return words.length === 0 ? [] : [`${words.join(' ')} ← ${plain}`];
    });
    assert.deepEqual(found, [], where);
    assert.ok(texts.length > 0, where);
  };

  it('are translated throughout: rows, cards, lists, links, page, evidence', () => {
    const rows = [...indexNodes(buildTree(machine, here, now)).values()];
    check(
      'rows',
      rows.flatMap(({ label, description = '', spoken }) => [label, description, spoken]),
    );
    const { text, tooltip, spoken } = statusModel(machine, here, true);
    check('status bar', [text.replace('MCP:', ''), tooltip, spoken]);
    for (const server of servers) {
      check('card', [instanceTooltip(server, definition(), here, now)]);
      const { title, verdict, buttons, versions, times, processes, facts, evidence } = detailsPage({
        instance: server,
        snapshot: machine,
        facts: here,
        history: [],
        timeZone: 'UTC',
      });
      check('page', [title, verdict, ...buttons.map(({ label }) => label), ...textsOf([versions, times, processes, facts, evidence])]);
      check('evidence', [evidenceText(server, machine, here, now).replace(/\n +/g, ' ')]);
      const plan = makePlan('stop', server, machine, { windows: new Set(), ownPids: new Set() });
      check('question', [...textsOf(stopQuestion([plan], [])), planText([plan], [])]);
    }
    check('card of an entry', [definitionTooltip(definition(), here)]);
    const picks = [...fixPicks(machine, here), ...serverPicks(machine, here, now)];
    check(
      'lists',
      picks.flatMap(({ label, description = '' }) => [label.replace(/\$\([\w~-]+\)/g, ''), description]),
    );
    check(
      'links above entries',
      entryLenses(definition().file, machine, here).map(({ title }) => title.replace(/\$\([\w~-]+\)/g, '')),
    );
  });

  it('get reasons that are translated when they are made: of files, packages, Node.js and Python', () => {
    const folder = mkdtempSync(join(tmpdir(), 'reasons-'));
    const made = [
      statPath(join(folder, 'missing')),
      readBounded(folder, 10),
      packageOfFile(join(folder, 'server.js')),
      nodeScript(['-e', 'x']),
      bunScript(['--print=1']),
      denoScript(['run', 'jsr:@a/b']),
      pythonEntry(['-c', 'x']),
    ];
    rmSync(folder, { recursive: true });
    const reasons = made.flatMap((one) => ('reason' in one ? [one.reason] : 'unknown' in one ? [one.unknown] : []));
    assert.equal(reasons.length, made.length);
    check(
      'reasons',
      reasons.map((text) => text.replaceAll(folder, '').replace('package.json', '')),
    );
  });

  it('get findings that are translated when they are made', () => {
    const server = { now, pid: 1, startedAt: now - 60_000, actions: [] };
    const orphan = judgeOwner({ ...server, name: 'notes', ownerAlive: false, stdin: 'none', listens: false, memoryBytes: 0 }).finding;
    const config = judgeConfig({ ...server, differences: ['args'], recordedAt: now, file: '/f', line: 1 });
    const made = [orphan, config].flatMap((one) => [one?.message ?? 'no finding', ...(one?.evidence ?? [])]);
    check(
      'findings',
      made.map((text) => text.replace('args', '')),
    );
  });
});
