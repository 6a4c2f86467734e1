import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runDirFor } from '../../../../src/storage/stateFolder.ts';
import { claimNotification, openWindows, publishWindow } from '../../../../src/survey/facts/windows.ts';
import { assertNames, assertOmits } from '../../../names.ts';

const here = { bootId: 'boot', pidNamespace: '1' };
const record = (pid: number, over = {}) => ({
  identity: { ...here, pid, start: 'lx:1', ...over },
  folders: ['/work space'],
  workspaceFiles: [],
  userDirs: ['/user'],
});

describe('state folder', () => {
  let runDir: string;
  beforeEach(() => {
    runDir = mkdtempSync(join(tmpdir(), 'windows-'));
  });
  afterEach(() => rmSync(runDir, { recursive: true, force: true }));

  it('holds the windows that are open, and drops those that are gone', async () => {
    const own = publishWindow(runDir, record(10));
    publishWindow(runDir, record(11));
    publishWindow(runDir, record(12, { pidNamespace: '2' }));
    const alive = async (identity: { pid: number }) => identity.pid === 10;
    assert.deepEqual(
      (await openWindows(runDir, here, alive)).map((window) => window.identity.pid),
      [10],
    );
    const all = await openWindows(runDir, here, async () => true);
    assert.deepEqual(all.map((window) => window.identity.pid).sort(), [10, 12], 'the record of another namespace is not ours to drop');
    own.dispose();
    assert.deepEqual((await openWindows(runDir, here, async () => true)).length, 1);
  });

  it('lets exactly one claim a notification', () => {
    assert.equal(claimNotification(runDir, 'everything 2.0'), true);
    assert.equal(claimNotification(runDir, 'everything 2.0'), false);
    assert.equal(claimNotification(runDir, 'everything 2.1'), true);
  });

  it('is where MCP_RUN_DIR or --run-dir say, absolute only', () => {
    assert.equal(runDirFor({ MCP_RUN_DIR: '/a' }), '/a');
    assert.equal(runDirFor({ MCP_RUN_DIR: '/a' }, '/b'), '/b');
    assert.throws(() => runDirFor({ MCP_RUN_DIR: 'relative' }), /MCP_RUN_DIR must be an absolute path/);
    assertNames(runDirFor({ HOME: '/elsewhere' }), '.mcp-run');
    assertOmits(runDirFor({ HOME: '/elsewhere' }), 'elsewhere');
  });
});
