import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { parse as parseToml, TomlError } from 'smol-toml';
import * as v from 'valibot';
import { reasonOf } from '../../../src/base/errors.ts';
import { assertNames } from '../../names.ts';

function thrownBy(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  return assert.fail('nothing was thrown');
}

describe('reasonOf', () => {
  const secret = 'C4NARY-1234';
  const faults: Readonly<Record<string, () => unknown>> = {
    'a regular expression': () => new RegExp(`(${secret}`),
    JSON: () => JSON.parse(`${secret}`),
    'an address': () => new URL(`${secret}`),
    'an argument of a program': () => spawnSync('true', [`${secret}\0`]),
    'a path': () => readFileSync(`/${secret}\0`),
    'URI decoding': () => decodeURIComponent(`%${secret}`),
    'a value of another shape': () => v.parse(v.number(), secret),
    'something that is no error': () => {
      throw `${secret}`;
    },
  };
  for (const [what, fault] of Object.entries(faults)) {
    it(`does not repeat what was read: ${what}`, () => {
      const reason = reasonOf(thrownBy(fault));
      assert.ok(!reason.includes(secret), reason);
      assert.match(reason, /\w/);
    });
  }

  it('knows the error of TOML when the build has shortened the names of classes', () => {
    const { value } = Object.getOwnPropertyDescriptor(TomlError, 'name') ?? {};
    Object.defineProperty(TomlError, 'name', { value: 't', configurable: true });
    try {
      const reason = reasonOf(thrownBy(() => parseToml('a = [')));
      assert.ok(!reason.includes('document'), reason);
    } finally {
      Object.defineProperty(TomlError, 'name', { value, configurable: true });
    }
  });

  it('says what the system and our own code say, the first line', () => {
    class OwnError extends Error {}
    assert.equal(reasonOf(new OwnError('The entry is gone.\nmore')), 'The entry is gone.');
    assertNames(reasonOf(thrownBy(() => readFileSync('/nowhere'))), 'ENOENT');
  });
});
