import { deepEqual, equal, ok } from 'node:assert/strict';
import { describe, it } from 'mocha';
import { describeProblem } from '../../../../src/base/optionHelp.ts';
import type { OptionProblem } from '../../../../src/base/optionTable.ts';
import { type HttpGuardOptions, httpOptionTable, parseHttpOptions } from '../../../../src/guard/options/httpOptions.ts';
import { assertOmits } from '../../../names.ts';

function read(...words: string[]): HttpGuardOptions {
  const parsed = parseHttpOptions(words);
  ok(parsed.status === 'run', JSON.stringify(parsed));
  return parsed.options;
}

function problemOf(...words: string[]): OptionProblem {
  const parsed = parseHttpOptions(words);
  ok(parsed.status === 'wrong', JSON.stringify(parsed));
  return parsed.problem;
}

/** A proxy that would start. */
const proxy = ['--listen', '1', '--upstream', 'http://h'];

describe('parseHttpOptions', () => {
  it('reads a proxy in front of an address', () => {
    const options = read(
      ...['--http', '--listen', '8800', '--upstream=http://127.0.0.1:8700', '--unknown-session', '404', '--allow-host', 'A.example,b'],
    );
    deepEqual(options.listen, { host: '127.0.0.1', port: 8800 });
    equal(options.upstream?.host, '127.0.0.1:8700');
    equal(options.unknownSession, '404');
    deepEqual(options.allowHosts, ['a.example', 'b']);
  });

  it('reads how an external server is started again, and the version of a server that tells none', () => {
    equal(read('--listen', '1', '--upstream', 'http://[::1]:8700', '--ensure', 'my notes').ensure, 'my notes');
    const served = read('--listen', '1', '--server-version', '1.2.3-rc.1', '--port-env', 'PORT', '--', 'node', 's.js');
    equal(served.serverVersion, '1.2.3-rc.1');
  });

  it('reads a server to start, and leaves its words alone', () => {
    const options = read('--listen', '[::1]:0', '--overlap', '--', 'node', 's.js', '--port', '{port}', '--http', '--help');
    deepEqual(options.listen, { host: '::1', port: 0 });
    deepEqual([options.command, ...options.args], ['node', 's.js', '--port', '{port}', '--http', '--help']);
  });

  for (const [option, value] of [
    ['--upstream', 'http://me:secret@h'],
    ['--upstream', 'ftp://h'],
    ['--listen', '70000'],
    ['--wait', '-1'],
    ['--body-timeout', '0'],
    ['--max-sessions', '0'],
    ['--unknown-session', '500'],
    ['--on-conflict', 'takeover'],
    ['--on-conflict', 'read-only'],
    ['--lock', 'port:99999'],
    ['--lock', 'name:Mine'],
    ['--server-version', 'new'],
    ['--port-env', '1A'],
  ] as const) {
    it(`refuses ${option} ${value}`, () => {
      const problem = problemOf(...proxy, option, value);
      deepEqual([problem.kind, 'option' in problem && problem.option], ['invalid', option]);
    });
  }

  for (const words of [
    ['--upstream', 'http://h'],
    ['--listen', '1'],
    ['--listen', '1', '--', 'node', 'x'],
    [...proxy, '--', 'node', '{port}'],
    [...proxy, '--overlap', '--', 'node'],
    ['--listen', '0.0.0.0:1', '--upstream', 'http://h'],
    ['--listen', '1', '--upstream', 'http://localhost:1'],
    ['--listen', '1', '--ensure', 'notes', '--port-env', 'PORT', '--', 'node'],
    ['--listen', '1', '--upstream', 'http://10.0.0.1:8700', '--ensure', 'notes'],
    ['--listen', '1', '--upstream', 'http://localhost:8700', '--server-version', '1.0'],
  ]) {
    it(`finds the contradiction in ${words.join(' ')}`, () => equal(problemOf(...words).kind, 'contradiction'));
  }

  it('refuses unknown options, stray words and missing values', () => {
    deepEqual(problemOf(...proxy, '--nothing'), { kind: 'unknown', option: '--nothing' });
    deepEqual(problemOf(...proxy, 'word'), { kind: 'stray-word', word: 'word' });
    deepEqual(problemOf('--listen'), { kind: 'no-value', option: '--listen' });
  });

  it('never repeats a password', () => {
    assertOmits(describeProblem(problemOf(...proxy, '--upstream', 'http://me:secret@h'), httpOptionTable), 'secret');
  });
});
