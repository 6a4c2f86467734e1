import { deepEqual } from 'node:assert/strict';
import { describe, it } from 'mocha';
import { hideSecretsOfLines } from '../../../../src/action/upgrade/hiddenOutput.ts';

describe('The output of an installer', () => {
  it('shows no secret by its name, of an own variable, after its name in the line before, or of a key of several lines', () => {
    const hide = hideSecretsOfLines({ MY_TOKEN: 'c4naryQ7x', LANG: 'C' });
    const lines = [
      'added 3 packages in 2s',
      'npm error env c4naryQ7x',
      'npm error password: k9Zq2wV',
      'https://u:pw7Q2x@registry.example/notes',
      '--token',
      'n3Xt7Line',
      '-----BEGIN PRIVATE KEY-----',
      'MIIEvQIBADANBg',
      '-----END PRIVATE KEY-----',
      'done',
    ];
    const shown = lines.map(hide);
    deepEqual([shown[0], shown.at(-1)], [lines[0], 'done']);
    deepEqual(
      ['c4naryQ7x', 'k9Zq2wV', 'pw7Q2x', 'n3Xt7Line', 'MIIEvQIBADANBg'].filter((secret) => shown.join('\n').includes(secret)),
      [],
    );
  });
});
