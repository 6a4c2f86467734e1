import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { judgeMissingScript } from '../../../../src/diagnosis/stale/missingScript.ts';
import type { ProcessDetail } from '../../../../src/model/process.ts';
import { missingEntryScript } from '../../../../src/package/code/missingEntryScript.ts';
import { rowOf } from '../../../process/package/observe.ts';

describe('a script that is gone', () => {
  let root = '';
  before(() => {
    root = mkdtempSync(join(tmpdir(), 'entry-'));
    writeFileSync(join(root, 'there.js'), '');
  });
  after(() => rmSync(root, { recursive: true, force: true }));

  const detail = (over: Partial<ProcessDetail> = {}): ProcessDetail => ({
    exe: '/usr/bin/node',
    cwd: root,
    environment: new Map(),
    stdin: 'unknown',
    listens: 'unknown',
    missing: [],
    ...over,
  });
  const missing = (argv: string[], over?: Partial<ProcessDetail>): string | undefined => missingEntryScript(rowOf(argv), detail(over));

  it('is the one that the command line names, absolute or from the working directory', () => {
    assert.equal(missing(['node', '/nowhere/x.js']), '/nowhere/x.js');
    assert.equal(missing(['node', 'gone.js']), join(root, 'gone.js'));
    assert.equal(missing(['python3', '/nowhere/bin/tool'], { exe: '/usr/bin/python3.11' }), '/nowhere/bin/tool');
  });

  it('is undefined for an existing script, for an unknown one, and for one that only its runtime can open', () => {
    for (const argv of [
      ['node', 'there.js'],
      ['node', 'there'],
      ['node', '-e', 'x'],
      ['my-title'],
      ['node', '/a/app.asar/x.js'],
      ['node', '/a/p.zip/x.js'],
    ]) {
      assert.equal(missing(argv), undefined, argv.join(' '));
    }
    const gone = ['node', '/nowhere/x.js'];
    assert.equal(missing(gone, { elsewhere: { reason: 'a container' } }), undefined);
    assert.equal(missing(gone, { environment: new Map([['ELECTRON_RUN_AS_NODE', '1']]) }), undefined);
    assert.equal(missing(gone, { exe: '/opt/server' }), undefined);
    assert.equal(missingEntryScript(rowOf(gone, 1, false), detail()), undefined);
    assert.equal(missing(['node', 'gone.js'], { cwd: `${root} (deleted)` }), undefined);
  });

  it('gets ten seconds; then it is likely, and proven where the script was seen', () => {
    const given = { now: 20_000, pid: 1, startedAt: 0, path: '/x', actions: [], seen: false };
    assert.deepEqual(judgeMissingScript({ ...given, since: 15_000 }), { askAgainIn: 5_000 });
    for (const [seen, confidence] of [
      [false, 'likely'],
      [true, 'proven'],
    ] as const) {
      const { finding } = judgeMissingScript({ ...given, since: 5_000, seen });
      assert.deepEqual([finding?.kind, finding?.confidence], ['files-gone', confidence]);
    }
  });
});
