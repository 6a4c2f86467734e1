import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'mocha';
import { because } from '../../../../src/base/language/because.ts';
import { msg, setTexts, t, translated } from '../../../../src/base/language/translate.ts';

describe('Texts in the display language', () => {
  afterEach(() => setTexts(undefined));

  it('are English where there is no bundle, and where the bundle lacks one', () => {
    assert.equal(t('Stop {0} (PID {1})?', 'notes', 7), 'Stop notes (PID 7)?');
    setTexts({ other: 'autre' });
    assert.equal(t('Stop {0} (PID {1})?', 'notes', 7), 'Stop notes (PID 7)?');
    assert.equal(t('toString'), 'toString');
  });

  it('may have their places in another order', () => {
    setTexts({ 'Stop {0} (PID {1})?': 'PID {1}: {0}?', Restart: 'Neu starten' });
    assert.equal(t('Stop {0} (PID {1})?', 'notes', 7), 'PID 7: notes?');
    assert.equal(translated(msg('Restart')), 'Neu starten');
  });

  it('hold reasons with values, which are English where nothing is set or the bundle lacks them', () => {
    const [file, code] = ['/srv/{1}', 'EIO'];
    const reason = (): string => because`${file} cannot be read (${code})`;
    assert.equal(reason(), '/srv/{1} cannot be read (EIO)');
    setTexts({ '{0} cannot be read ({1})': '{1}: {0}?', 'it is gone': 'weg' });
    assert.equal(reason(), 'EIO: /srv/{1}?');
    assert.equal(because`it is gone`, 'weg');
    assert.equal(because`${file} is \`new\``, '/srv/{1} is `new`');
  });

  it('take what others wrote as it is: neither places nor patterns in it are read', () => {
    assert.equal(t('{0} and {1}', '{1}', '$& {0}'), '{1} and $& {0}');
    assert.equal(t('{0} of {2}', 'a'), 'a of {2}');
  });
});
