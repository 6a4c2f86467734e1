import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { HistoryEntry } from '../../../../src/action/execute/actionHistory.ts';
import { detailsDocument, detailsHtml } from '../../../../src/extension/display/details/detailsHtml.ts';
import { type DetailsPage, detailsPage, successorOf } from '../../../../src/extension/display/details/detailsPage.ts';
import { commands } from '../../../../src/extension/manifestNames.ts';
import type { Instance } from '../../../../src/model/snapshot.ts';
import { assertNames, assertOmits } from '../../../names.ts';
import { assertGolden } from '../../cli/golden.ts';
import { claude, definition, finding, here, instance, snapshot, stale } from '../samples.ts';

const page = (one: Instance, changes: Partial<Parameters<typeof detailsPage>[0]> = {}): DetailsPage =>
  detailsPage({ instance: one, snapshot: snapshot({ instances: [one] }), facts: here, history: [], timeZone: 'UTC', ...changes });
const restarted: HistoryEntry = {
  schema: 1,
  at: '2026-11-21T09:00:01Z',
  by: 'terminal (PID 50)',
  verb: 'restart',
  target: { instance: 'boot:1:4000:lx:1', pid: 4000, name: 'everything', client: 'VS Code', runs: '0.9.0' },
  steps: [],
  outcome: 'done',
  message: 'everything restarted',
  after: { pid: 4711, runs: '1.0.0' },
};
const commandsOf = (shown: DetailsPage): string[] => shown.buttons.map(({ command }) => command);
const textOf = (rows: readonly { name: string; text: string }[], name: string): string | undefined =>
  rows.find((row) => row.name === name)?.text;

describe('The page of a server', () => {
  it('says what is wrong, what fixes it, and what happened when', () => {
    const one = stale({
      guarded: true,
      launchers: [{ pid: 4700, kind: 'npx', command: 'npx -y everything' }],
      tree: [4711, 4700, 4712],
      treeMemory: [66_000_000, 41_000_000, 0],
      changedDependencies: [{ name: 'zod', running: '3.1.0', installed: '4.0.0', direction: 'upgrade' }],
      record: {
        id: 'r1',
        serverId: 'everything',
        state: 'running',
        exclusion: 'flock',
        locks: [{ key: 'k', kind: 'path', resource: '/home/ann/notes' }],
        control: [],
        guardPid: 4690,
        refused: { calls: 2, last: 'write_file was refused', at: '2026-11-21T11:40:00Z' },
      },
      evidence: {
        firstSeenAt: '2026-11-21T09:00:05Z',
        program: '/usr/bin/node',
        unreadable: [],
        match: { confidence: 'proven', why: [] },
        source: null,
        baseline: null,
        compared: [],
      },
    });
    const shown = page(one, { history: [restarted, { ...restarted, after: { pid: 1, runs: null } }] });
    assert.equal(shown.tone, 'warning');
    assert.equal(shown.buttons[0]?.command, commands.restartInstance);
    assert.deepEqual(
      shown.times.map(({ name }) => name.slice(-8)),
      ['09:00:00', '09:00:01', '09:00:05', '11:30:00', '11:40:00'],
    );
    assert.equal(textOf(shown.versions, 'Running'), '1.0.0');
    assert.equal(textOf(shown.versions, 'Installed'), '1.1.0');
    assert.deepEqual(
      shown.processes.map(({ depth }) => depth),
      [0, 1, 2, 3],
    );
    const { evidence, ...rest } = shown;
    assert.ok(evidence.length > 2);
    assertGolden('details-page', `${JSON.stringify(rest, undefined, 2)}\n`, 'extension');
  });

  it('names every version: what runs, what is installed, what a restart starts, and the latest', () => {
    const own = { ecosystem: 'npm', name: 'notes', root: '/r', running: '1.0.0', installed: '1.0.0', latest: '1.2.0' } as const;
    const told = finding({ kind: 'respawn-differs', message: 'a restart would start notes 1.1.0 instead of 1.0.0' });
    const shown = page(instance({ package: own, findings: [told] }));
    assert.equal(shown.tone, 'good');
    assert.deepEqual(
      shown.versions.map(({ text }) => text),
      ['notes', '1.0.0', '1.0.0', told.message, '1.2.0'],
    );
  });

  it('offers what this window can do: the step for another client, no action while one runs', () => {
    const other = page(stale({ client: claude }));
    assert.equal(other.buttons[0]?.command, commands.howToRestart);
    assert.ok(!commandsOf(other).includes(commands.showOutput));
    assert.ok(commandsOf(other).includes(commands.launchThroughGuard));
    const own = page(stale());
    assert.ok(commandsOf(own).includes(commands.showOutput));
    assert.equal(new Set(commandsOf(own)).size, own.buttons.length);
    const busy = page(stale(), { facts: { ...here, busy: new Map([[stale().id, 'restarting']]) } });
    assert.deepEqual(commandsOf(busy), [commands.revealDefinition, commands.showOutput, commands.copyReport]);
    assert.equal(
      page(stale({ definitions: [] })).buttons.some(({ command }) => command === commands.revealDefinition),
      false,
    );
  });

  it('claims nothing where nothing is known', () => {
    const shown = page(instance({ package: null, unknown: 'a binary without metadata', client: null, definitions: [] }));
    assert.equal(shown.tone, 'unknown');
    assert.match(shown.verdict, /not known/);
    assert.deepEqual(shown.versions, []);
    const undecided = page(instance({ unknown: 'server.js was written after it started' }));
    assert.equal(undecided.tone, 'unknown');
    assertNames(undecided.verdict, 'server.js was written after it started');
    assertOmits(undecided.verdict, 'No problem');
  });

  it('goes on with the server that replaced this one, and with no other', () => {
    const before = stale();
    const after = instance({ pid: 4805, startedAt: '2026-11-21T12:00:00Z' });
    const others = [
      instance({ pid: 5, startedAt: '2026-11-21T12:00:00Z', client: claude }),
      instance({ pid: 6, startedAt: '2026-11-21T12:00:00Z', definitions: ['d2'] }),
      instance({ pid: 7, startedAt: '2026-11-21T08:00:00Z' }),
    ];
    assert.equal(successorOf(before, snapshot({ instances: [...others, after] })), after);
    assert.equal(successorOf(before, snapshot({ instances: others })), undefined);
  });

  it('shows hostile texts as text: no tag, no attribute, no line, no change of direction', () => {
    const evil = `"><img src=x onerror=alert(1)>'<script>1</script>&amp;\u202e\n`;
    const one = stale({
      name: evil,
      command: evil,
      cwd: evil,
      launchers: [{ pid: 1, kind: evil, command: evil }],
      client: { ...claude, name: evil },
      package: { ecosystem: 'npm', name: evil, root: evil, running: evil, installed: `${evil}2`, latest: evil },
      changedDependencies: [{ name: evil, running: evil, installed: evil, direction: 'changed' }],
      findings: [finding({ message: evil, evidence: [evil] })],
    });
    const entry = definition({ name: evil, file: evil, args: [evil], envNames: [evil] });
    const html = detailsHtml(
      page(one, { snapshot: snapshot({ instances: [one], definitions: [entry] }), history: [{ ...restarted, by: evil, message: evil }] }),
    );
    assert.deepEqual(
      [...new Set([...html.matchAll(/<\/?([a-z0-9]+)/gi)].map((match) => match[1]))].filter((tag) =>
        ['img', 'script', 'a'].includes(tag ?? ''),
      ),
      [],
    );
    assert.equal(/<[^>]*onerror/.test(html), false);
    assert.equal(/\u202e/.test(html), false);
    // Control: the text is there, escaped.
    assert.ok(html.includes('&lt;img src=x onerror=alert(1)&gt;'));
    assert.ok(html.includes('&amp;amp;'));
  });

  it('forbids everything but its own style and script, which carry the nonce', () => {
    const html = detailsDocument(page(stale()), 'abc');
    const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(html)?.[1];
    assert.equal(policy, "default-src 'none'; style-src 'nonce-abc'; script-src 'nonce-abc'");
    assert.equal([...html.matchAll(/<(?:style|script)[ >]/g)].length, 2);
    assert.equal([...html.matchAll(/<(?:style|script) nonce="abc">/g)].length, 2);
    assert.equal(/\b(?:src|href|url)\s*[=(]/.test(html), false, 'nothing is loaded');
    assert.equal(/\sstyle=|\son\w+=/.test(html), false, 'the policy would drop these');
    assert.match(detailsHtml(undefined), /no longer running/);
  });
});
