import { equal, ok } from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import { knownUpdateFile, readKnownUpdate } from '../../../../src/package/knownUpdate.ts';
import { UpdateNotes } from '../../../../src/survey/updates/updateNotes.ts';

const ref = { ecosystem: 'npm', name: '@scope/server', environment: '/home/u/my project', entry: '/x' } as const;
const at = 1_000_000_000_000;

describe('UpdateNotes', () => {
  it('keeps what the guard reads, for this user only, and writes it once', () => {
    const runDir = mkdtempSync(join(tmpdir(), 'update-notes-'));
    try {
      const state = join(runDir, 'shepherd');
      const notes = new UpdateNotes(runDir);
      notes.keep(ref, '1.0.0', '1.1.0', { argv: ['npm', 'install', '--prefix', ref.environment, '@scope/server@1.1.0'], cwd: '/w' }, at);
      const file = knownUpdateFile(runDir, ref);
      const how = readKnownUpdate(runDir, ref, '1.0.0', at)?.how;
      equal(how, 'run: npm install --prefix "/home/u/my project" @scope/server@1.1.0 (in /w)');
      equal((statSync(file).mode & 0o777).toString(8), '600');
      const written = statSync(file).ino;
      notes.keep(ref, '1.0.0', '1.1.0', { argv: ['npm', 'install', '--prefix', ref.environment, '@scope/server@1.1.0'], cwd: '/w' }, at);
      equal(statSync(file).ino, written);
      notes.keep(ref, '1.0.0', '1.2.0', { words: 'write it in the configuration' }, at);
      equal(readKnownUpdate(runDir, ref, '1.0.0', at)?.how, 'write it in the configuration');
      // Of another version, another place, or long ago: no news.
      ok(!readKnownUpdate(runDir, ref, '1.1.0', at));
      ok(!readKnownUpdate(runDir, { ...ref, environment: '/other' }, '1.0.0', at));
      ok(!readKnownUpdate(runDir, ref, '1.0.0', at + 40 * 86_400_000));
      // What could not be read again is not written.
      notes.keep({ ...ref, name: 'x\ny' }, '1.0.0', '1.2.0', { words: 'w' }, at);
      equal(readdirSync(join(state, 'updates')).length, 1);
    } finally {
      rmSync(runDir, { recursive: true, force: true });
    }
  });

  it('does without a folder that cannot be made', () => {
    new UpdateNotes('/dev/null/run').keep(ref, '1.0.0', '1.1.0', { words: 'w' }, at);
  });
});
