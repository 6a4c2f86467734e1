import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { proxyFor } from '../../../src/registry/httpProxy.ts';

const host = (target: string, env: Record<string, string>, own = {}): string | undefined => proxyFor(new URL(target), env, own)?.host;

describe('proxyFor', () => {
  it('goes directly when nothing is set', () => assert.equal(host('https://a.example/', {}), undefined));

  it('takes the variable of the protocol, in either case, then the one for all', () => {
    const env = { HTTP_PROXY: 'http://plain.example:1', https_proxy: 'secure.example:2', ALL_PROXY: 'http://all.example:3' };
    assert.equal(host('http://a.example/', env), 'plain.example:1');
    assert.equal(host('https://a.example/', env), 'secure.example:2');
    assert.equal(host('https://a.example/', { ALL_PROXY: 'http://all.example:3' }), 'all.example:3');
    assert.equal(host('https://a.example/', { HTTP_PROXY: 'http://plain.example:1' }), undefined);
  });

  it('puts the settings of the package manager above', () => {
    assert.equal(host('https://a.example/', { HTTPS_PROXY: 'http://env.example:1' }, { https: 'http://own.example:2' }), 'own.example:2');
    assert.equal(host('https://a.example/', { HTTPS_PROXY: 'http://env.example:1' }, { none: 'a.example' }), undefined);
  });

  it('takes what is no address for no proxy', () => assert.equal(host('https://a.example/', { HTTPS_PROXY: 'http://' }), undefined));

  const exceptions: [string, string, boolean][] = [
    ['*', 'https://a.example/', true],
    ['a.example', 'https://a.example/', true],
    ['.a.example', 'https://a.example/', true],
    ['a.example', 'https://b.a.example/', true],
    ['*.a.example', 'https://b.a.example/', true],
    ['a.example', 'https://nota.example/', false],
    ['x.example, a.example', 'https://a.example/', true],
    ['a.example:443', 'https://a.example/', true],
    ['a.example:8443', 'https://a.example/', false],
    ['a.example:8443', 'https://a.example:8443/', true],
    ['127.0.0.1', 'http://127.0.0.1:4873/', true],
    ['::1', 'http://[::1]:4873/', true],
    ['[::1]:4873', 'http://[::1]:4873/', true],
    ['A.Example', 'https://a.example/', true],
  ];
  for (const [list, target, direct] of exceptions) {
    it(`NO_PROXY=${list} ${direct ? 'excepts' : 'does not except'} ${target}`, () => {
      const env = { NO_PROXY: list, HTTP_PROXY: 'http://p.example:1', HTTPS_PROXY: 'http://p.example:1' };
      assert.equal(host(target, env), direct ? undefined : 'p.example:1');
    });
  }
});
