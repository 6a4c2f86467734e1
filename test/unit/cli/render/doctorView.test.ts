import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { renderDoctor } from '../../../../src/cli/render/doctorView.ts';
import { doctorReport } from '../../../../src/cli/session/doctorReport.ts';
import type { HealthNote } from '../../../../src/model/entryHealth.ts';
import { assertNames, assertOmits } from '../../../names.ts';
import { busySnapshot, definition, fixtureNow, snapshot } from '../fixture.ts';
import { assertGolden } from '../golden.ts';

const machine = {
  version: '0.1.0',
  node: { version: 'v20.20.2', path: '/usr/bin/node' },
  platform: 'linux x64',
  home: '/home/ada',
  folders: ['/home/ada/shop'],
};
const survey = {
  processSource: 'proc',
  processCount: 312,
  bootId: 'b',
  pidNamespace: '4026531836',
  folders: ['/home/ada/shop', '/home/ada'],
  clients: [
    { id: 'vscode', name: 'VS Code', present: true },
    { id: 'cursor', name: 'Cursor', present: false },
    { id: 'zed', name: 'Zed', present: true },
  ],
};

const note = { definition: 'd', name: 'notes', client: 'cursor', file: '/home/ada/.cursor/mcp.json', line: 7 };
const health: readonly HealthNote[] = [
  {
    ...note,
    kind: 'command-hidden',
    level: 'warning',
    message:
      'Claude Desktop cannot start notes: uvx is /home/ada/.local/bin/uvx, and the PATH of Claude Desktop does not have that folder.',
    fix: { kind: 'program', path: '/home/ada/.local/bin/uvx' },
  },
  { ...note, kind: 'unpinned', level: 'information', message: 'notes names no version of notes. \u001b[31mWrite notes@VERSION.' },
];

describe('doctor', () => {
  let folder = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'mcp-shepherd-doctor-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('tells found, broken and absent files apart', () => {
    const file = (name: string): string => join(folder, name);
    writeFileSync(file('good.json'), '{}');
    writeFileSync(file('bad.json'), '{');
    symlinkSync('/nowhere/at/all', file('dangling.json'));
    mkdirSync(file('run'));
    const given = snapshot({
      clients: [{ id: 'vscode', name: 'VS Code' }],
      definitions: [
        definition({ name: 'a', file: file('good.json'), readBy: ['vscode', 'cursor'] }),
        definition({ id: 'b', name: 'b', file: file('good.json') }),
      ],
      problems: [{ source: 'config', message: 'no end', file: file('bad.json'), line: 1 }],
    });
    const files = ['good.json', 'bad.json', 'dangling.json', 'absent.json'].map((name) => ({ path: file(name), client: 'vscode' }));
    const report = doctorReport(given, { ...survey, files }, { ...machine, runFolder: { path: file('run'), movedBy: '--run-dir' } });
    assert.deepEqual(
      report.files.map(({ file: path, state, entries, clients }) => [path.slice(folder.length + 1), state, entries, clients]),
      [
        ['good.json', 'found', 2, ['VS Code']],
        ['bad.json', 'broken', 0, ['VS Code']],
        ['dangling.json', 'found', 0, ['VS Code']],
        ['absent.json', 'absent', 0, ['VS Code']],
      ],
    );
    assert.deepEqual(report.runFolder, { path: file('run'), movedBy: '--run-dir', exists: true });
    assert.deepEqual(report.clients, [
      { id: 'vscode', name: 'VS Code', present: true, entries: 2, servers: 0 },
      { id: 'cursor', name: 'Cursor', present: false, entries: 0, servers: 0 },
      { id: 'zed', name: 'Zed', present: true, entries: 0, servers: 0 },
    ]);
    // A client with a broken file and no entry is not one that has nothing configured.
    const clients = [{ id: 'vscode', name: 'VS Code', present: true, entries: 0, servers: 0 }];
    const page = renderDoctor({ ...report, clients }, { width: 80, color: false, now: fixtureNow });
    assert.match(page, /VS Code +1 broken file/);
    assertOmits(page, 'no servers configured');
  });

  it('is a page that a person reads', () => {
    const searched = [
      { path: '/nowhere/.cursor/mcp.json', client: 'cursor' },
      { path: '/nowhere/.vscode/mcp.json', client: 'vscode' },
    ];
    const report = doctorReport(
      { ...busySnapshot(), health },
      { ...survey, files: searched },
      { ...machine, runFolder: { path: '/nowhere/run', movedBy: 'MCP_RUN_DIR' } },
    );
    // The fixture's files exist on no machine; what is there is not the subject here.
    const files = report.files.map((file) => (file.entries > 0 ? { ...file, state: 'found' as const } : file));
    const view = { width: 80, color: false, now: fixtureNow };
    const shown = { ...report, files };
    assertGolden('doctor', renderDoctor(shown, view));
    assertGolden('doctor-40', renderDoctor(shown, { ...view, width: 40 }));
    assertGolden('doctor-80-color', renderDoctor(shown, { ...view, color: true }));
    assertGolden('doctor-everything', renderDoctor(shown, { ...view, everything: true }));
    assertOmits(renderDoctor(shown, view), '/nowhere/.cursor/mcp.json');
    assertNames(renderDoctor(shown, { ...view, everything: true }), '/nowhere/.cursor/mcp.json');
  });
});
