import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensuredEntries, noteEnsured } from '../../../../src/survey/facts/ensured.ts';
import { assertOmits } from '../../../names.ts';

const here = { bootId: 'boot', pidNamespace: '1' };
const note = (runDir: string, pid: number, port: number, over = {}): void =>
  noteEnsured(runDir, {
    identity: { ...here, pid, start: 'lx:1', ...over },
    name: `notes ${port}`,
    url: `http://ann:pass@127.0.0.1:${port}/mcp?token=t0psecret`,
    file: '/srv/notes/mcp-shepherd.json',
  });

describe('servers that ensure started', () => {
  let runDir: string;
  beforeEach(() => {
    runDir = mkdtempSync(join(tmpdir(), 'ensured-'));
  });
  afterEach(() => rmSync(runDir, { recursive: true, force: true }));
  const folder = (): string => join(runDir, 'shepherd', 'ensured');

  it('are entries while exactly that process runs; records of processes that have ended are removed', async () => {
    note(runDir, 10, 8700);
    note(runDir, 11, 8701);
    note(runDir, 12, 8702, { pidNamespace: '2' });
    const found = await ensuredEntries(runDir, here, async ({ pid }) => pid === 10);
    assert.deepEqual(
      found.map(({ name, url, file, client }) => [name, url, file, client]),
      [['notes 8700', 'http://127.0.0.1:8700/mcp', '/srv/notes/mcp-shepherd.json', 'mcp-shepherd']],
    );
    assert.equal(readdirSync(folder()).length, 2, 'the record of another namespace is not ours to remove');
  });

  it('are stored without user, password and query; the next server on a port takes the place of the one before', async () => {
    note(runDir, 10, 8700);
    note(runDir, 20, 8700);
    const [file = '', ...others] = readdirSync(folder());
    assert.deepEqual(others, []);
    assertOmits(readFileSync(join(folder(), file), 'utf8'), 't0psecret', 'pass', 'ann');
    assert.equal((await ensuredEntries(runDir, here, async ({ pid }) => pid === 10)).length, 0);
  });

  it('are skipped where a record is damaged, and where nothing was ever started', async () => {
    assert.deepEqual(await ensuredEntries(runDir, here, async () => true), []);
    note(runDir, 10, 8700);
    writeFileSync(join(folder(), 'other.json'), '{"schema":1,"identity":');
    assert.equal((await ensuredEntries(runDir, here, async () => true)).length, 1);
  });
});
