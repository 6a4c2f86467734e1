import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { identityKey, type ProcessRow, type ProcessTable } from '../../../../src/model/process.ts';
import { createProcessTable } from '../../../../src/process/createProcessTable.ts';
import { findThisWindow, publishThisWindow } from '../../../../src/survey/facts/thisWindow.ts';

describe('this window', () => {
  /** The real table, with its answers counted. */
  async function counting(over: { readonly without?: 'rowsOf'; readonly only?: (row: ProcessRow) => boolean } = {}) {
    const real = await createProcessTable();
    const asked: string[] = [];
    const only = over.only ?? (() => true);
    const { rowsOf } = real;
    const table: ProcessTable = {
      source: real.source,
      list: async () => {
        asked.push('list');
        return (await real.list()).filter(only);
      },
      pids: () => real.pids(),
      detail: (row) => real.detail(row),
      isAlive: (identity) => real.isAlive(identity),
      ...(rowsOf && over.without !== 'rowsOf'
        ? {
            rowsOf: async (pids: readonly number[]) => {
              asked.push('rowsOf');
              return (await rowsOf.call(real, pids)).filter(only);
            },
          }
        : {}),
    };
    return { table, asked };
  }

  it('is found by its own row where that is to be had, else by one list, and is the same either way', async () => {
    const cheap = await counting();
    const byRow = await findThisWindow(process.platform, cheap.table);
    assert.deepEqual(cheap.asked, [cheap.table.rowsOf ? 'rowsOf' : 'list']);
    const dear = await counting({ without: 'rowsOf' });
    const byList = await findThisWindow(process.platform, dear.table);
    assert.deepEqual(dear.asked, ['list']);
    assert.equal(byRow.own?.pid, process.pid);
    assert.equal(byRow.own && identityKey(byRow.own), byList.own && identityKey(byList.own));
  });

  it('is published when its identity is known, without asking again', async () => {
    const runDir = mkdtempSync(join(tmpdir(), 'this-window-'));
    try {
      const paths = { folders: ['/work space'], workspaceFiles: [], userDirs: [] };
      const hidden = await findThisWindow(process.platform, (await counting({ only: (row) => row.pid !== process.pid })).table);
      assert.equal(hidden.own, undefined);
      publishThisWindow(runDir, hidden, paths).dispose();
      const windows = join(runDir, 'shepherd', 'windows');
      assert.equal(existsSync(windows), false, 'no identity to publish');
      const { table, asked } = await counting();
      const here = await findThisWindow(process.platform, table);
      const published = publishThisWindow(runDir, here, paths);
      assert.equal(readdirSync(windows).length, 1);
      published.dispose();
      assert.equal(readdirSync(windows).length, 0);
      assert.equal(asked.length, 1);
    } finally {
      rmSync(runDir, { recursive: true, force: true });
    }
  });
});
