import assert from 'node:assert/strict';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { confirmLaunch } from '../../../../src/cli/session/confirmLaunch.ts';
import type { EnsureSetting } from '../../../../src/cli/session/ensureSetting.ts';
import { assertNames, assertOmits } from '../../../names.ts';

describe('the question before a command of mcp-shepherd.json', () => {
  let folder = '';

  beforeEach(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'confirm-')));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** What the user reads, and the reason why nothing is started. */
  async function asked(
    more: Partial<EnsureSetting>,
    answer = 'n',
  ): Promise<{ readonly text: string; readonly reason: string | undefined }> {
    const setting = { file: join(folder, 'mcp-shepherd.json'), command: 'bash', args: [], cwd: folder, ...more };
    let text = '';
    const shell = {
      stderr: {
        write: (part: string) => {
          text += part;
        },
      },
      ask: async () => answer,
    };
    const reason = await confirmLaunch({ name: 'notes', setting, runDir: join(folder, 'run'), yes: false, shell });
    return { text, reason };
  }

  it('says what it hides: a word that looks like a secret may be code', async () => {
    const hidden = await asked({ args: ['-c', 'TOKEN=x;touch$IFS/srv/pwned'] });
    assertOmits(hidden.text, 'touch');
    assert.match(hidden.text, /Not shown.*‹redacted›.*mcp-shepherd\.json before you agree/);
    const open = await asked({ args: ['-c', 'echo hello'] });
    assertNames(open.text, 'bash -c echo hello', folder);
    assertOmits(open.text, 'Not shown');
  });

  it('shows the values of variables that make a program load code, and names the others', async () => {
    const { text } = await asked({
      env: { NODE_OPTIONS: '--require ./evil.js', LD_PRELOAD: '/srv/evil.so', API_KEY: 'canary-4711', MODE: 'canary-4712' },
    });
    assertNames(text, 'NODE_OPTIONS=--require ./evil.js', 'LD_PRELOAD=/srv/evil.so', 'the values of API_KEY, MODE');
    assertOmits(text, 'canary');
  });

  it('is not asked where the command is too long to be read', async () => {
    const { text, reason } = await asked({ args: ['-c', 'touch /srv/pwned', ...Array.from({ length: 1_000 }, () => 'padding')] }, 'y');
    assert.equal(text, '');
    assert.match(reason ?? '', /too long to be shown in a question.*--yes/);
  });

  it('is asked once for each content', async () => {
    assert.equal((await asked({ args: ['a'] }, 'y')).reason, undefined);
    assert.equal((await asked({ args: ['a'] })).text, '', 'it was confirmed');
    assert.notEqual((await asked({ args: ['b'] })).reason, undefined);
  });
});
