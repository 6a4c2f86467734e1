import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import { answeredRecord, askingRecord, isDue, knownAnswer } from '../../../src/registry/answerRecord.ts';
import { newestVersion } from '../../../src/registry/newestVersion.ts';
import { publicNpmRegistry, publicPythonIndex } from '../../../src/registry/publicIndexes.ts';
import { parsePipConf } from '../../../src/registry/python/pythonSettings.ts';
import { candidatesOf, fileVersion, htmlFiles, jsonFiles } from '../../../src/registry/python/simpleIndex.ts';
import { hangMs, processorTime } from '../processorTime.ts';

const hour = 3_600_000;
const now = Date.parse('2026-11-22T12:00:00Z');
const answer = { at: now - hour, candidates: [{ version: '1.0.0' }] };

describe('a cached answer', () => {
  it('is due after a day, after an hour when no registry was reached, and when it is from the future', () => {
    assert.equal(isDue(undefined, now), true);
    assert.equal(isDue({ key: 'k', askedAt: now - 23 * hour }, now), false);
    assert.equal(isDue({ key: 'k', askedAt: now - 24 * hour }, now), true);
    assert.equal(isDue({ key: 'k', askedAt: now - 0.9 * hour, unreachable: true }, now), false);
    assert.equal(isDue({ key: 'k', askedAt: now - hour, unreachable: true }, now), true);
    assert.equal(isDue({ key: 'k', askedAt: now + hour }, now), true);
    assert.equal(isDue({ key: 'k', askedAt: now + 30_000 }, now), false, 'clocks differ a little');
  });

  it('is shown for a month, never from the future', () => {
    assert.deepEqual(knownAnswer({ key: 'k', askedAt: now, answer }, now), answer);
    assert.equal(knownAnswer({ key: 'k', askedAt: now, answer: { ...answer, at: now - 31 * 24 * hour } }, now), undefined);
    assert.equal(knownAnswer({ key: 'k', askedAt: now, answer: { ...answer, at: now + hour } }, now), undefined);
  });

  it('survives a failure, and not the news that the package is gone', () => {
    const asking = askingRecord('k', { key: 'k', askedAt: now - 30 * hour, answer }, now);
    assert.deepEqual(asking, { key: 'k', askedAt: now, failure: 'no answer yet', unreachable: true, answer });
    assert.deepEqual(answeredRecord(asking, { status: 'unreachable', reason: 'ENOTFOUND' }, now).answer, answer);
    assert.equal(answeredRecord(asking, { status: 'unusable', reason: 'x' }, now).unreachable, undefined);
    assert.equal(answeredRecord(asking, { status: 'absent' }, now).answer, undefined);
    const found = answeredRecord(asking, { status: 'found', candidates: [{ version: '2.0.0' }], etag: '"e"' }, now + 5);
    assert.deepEqual(found, { key: 'k', askedAt: now, answer: { at: now + 5, candidates: [{ version: '2.0.0' }], etag: '"e"' } });
  });
});

describe('newestVersion', () => {
  const of = (...versions: string[]) => versions.map((version) => ({ version }));

  it('passes prereleases over, unless one is installed or the tag is for them', () => {
    assert.equal(newestVersion({ ecosystem: 'python', version: '1.0' }, of('1.1rc1', '1.0.1', '2.0.dev3')), '1.0.1');
    assert.equal(newestVersion({ ecosystem: 'python', version: '1.0rc1' }, of('1.1rc1', '1.0.1')), '1.1rc1');
    assert.equal(newestVersion({ ecosystem: 'npm', version: '1.0.0' }, of('2.0.0-beta.1')), undefined);
    assert.equal(newestVersion({ ecosystem: 'npm', version: '1.0.0', prereleases: true }, of('2.0.0-beta.1')), '2.0.0-beta.1');
  });

  it('passes over what wants another Python', () => {
    const candidates = [{ version: '3.0', requires: ['>=3.13'] }, { version: '2.0', requires: ['>=3.13', '>=3.9'] }, { version: '1.0' }];
    assert.equal(newestVersion({ ecosystem: 'python', version: '0.9', python: '3.11.7' }, candidates), '2.0');
    assert.equal(newestVersion({ ecosystem: 'python', version: '0.9' }, candidates), '3.0');
    assert.equal(newestVersion({ ecosystem: 'python', version: '0.9', python: '3.11' }, [{ version: '1', requires: ['>=3.11.4'] }]), '1');
    assert.equal(newestVersion({ ecosystem: 'python', version: '0.9', python: '3.11' }, [{ version: '1', requires: ['nonsense'] }]), '1');
  });
});

describe('the pages of Python indexes', () => {
  it('are read in both forms', () => {
    const json = JSON.stringify({
      meta: { 'api-version': '1.1' },
      files: [{ filename: 'a-1.0.tar.gz', 'requires-python': '>=3' }, { filename: 'a-1.1.tar.gz', yanked: 'bad' }, 7, { url: 'x' }],
    });
    const files = [
      { name: 'a-1.0.tar.gz', yanked: false, requires: '>=3' },
      { name: 'a-1.1.tar.gz', yanked: true },
    ];
    assert.deepEqual(jsonFiles(json), files);
    const html = '<a href="x" data-requires-python="&gt;=3">a-1.0.tar.gz</a> <A HREF=y data-yanked>a-1.1.tar.gz</A>';
    assert.deepEqual(htmlFiles(html), files);
  });

  it('are read once, however the page is broken', () => {
    const start = processorTime();
    assert.equal(htmlFiles('<a '.repeat(66_000)), undefined);
    assert.deepEqual(parsePipConf(`[global]\nindex-url = x${' '.repeat(100_000)}y`).size, 1);
    // Seconds to minutes where each beginning is followed to the end.
    assert.ok(processorTime() - start < hangMs);
  });

  it('are refused when they are something else', () => {
    assert.equal(jsonFiles('{"meta":{"api-version":"2.0"},"files":[]}'), undefined);
    assert.equal(jsonFiles('[]'), undefined);
    assert.equal(jsonFiles('<html>'), undefined);
    assert.equal(htmlFiles('<html>log in</html>'), undefined);
  });

  const names: [string, string | undefined][] = [
    ['mcp_server_git-2026.1.14-py3-none-any.whl', '2026.1.14'],
    ['mcp_server_git-1.0-1build-cp311-cp311-linux_x86_64.whl', '1.0'],
    ['mcp-server-git-0.6.2.tar.gz', '0.6.2'],
    ['mcp_server_git-0.6.2.zip', '0.6.2'],
    ['MCP.Server.Git-1!2.0.tar.gz', '1!2.0'],
    ['mcp-server-git-extra-1.0.tar.gz', undefined],
    ['mcp_server_github-1.0-py3-none-any.whl', undefined],
    ['mcp_server_git-1.0.exe', undefined],
  ];
  for (const [file, version] of names) {
    it(`${file} is ${version ?? 'none of its files'}`, () => assert.equal(fileVersion(file, 'mcp-server-git'), version));
  }

  it('give the newest versions without what was yanked, by PEP 440', () => {
    const files = ['1.9', '1.10', '1.2'].map((version) => ({ name: `a-${version}.tar.gz`, yanked: version === '1.9' }));
    assert.deepEqual(candidatesOf(files, 'a'), [{ version: '1.10' }, { version: '1.2' }]);
    const mixed = [
      { name: 'a-1.0-py3-none-any.whl', yanked: false, requires: '>=3.9' },
      { name: 'a-1.0.tar.gz', yanked: false },
    ];
    assert.deepEqual(candidatesOf(mixed, 'a'), [{ version: '1.0' }]);
    assert.equal(
      candidatesOf(
        Array.from({ length: 500 }, (_, at) => ({ name: `a-0.${at}.tar.gz`, yanked: false })),
        'a',
      )?.[0]?.version,
      '0.499',
    );
  });

  it('are not judged where a page lists more than 10,000 versions or 50,000 files, and no more is read', () => {
    const name = (at: number): string => `a-0.${(at * 7_919) % 200_003}.tar.gz`;
    const some = (length: number) => Array.from({ length }, (_, at) => ({ name: name(at), yanked: false }));
    const before = processorTime();
    assert.equal(candidatesOf(some(10_001), 'a'), undefined);
    assert.equal(candidatesOf(some(200_000), 'a'), undefined);
    assert.ok(processorTime() - before < hangMs);
    assert.equal(candidatesOf([...some(10_000), ...some(10_000)], 'a')?.length, 40);
    const page = some(60_000).map((file) => ({ filename: file.name }));
    assert.equal(jsonFiles(JSON.stringify({ files: page }))?.length, 50_001);
    assert.equal(htmlFiles(page.map(({ filename }) => `<a>${filename}</a>`).join(''))?.length, 50_001);
  });
});

describe('the addresses of public registries', () => {
  it('stand in one file alone', () => {
    const root = join(import.meta.dirname, '../../..');
    const hosts = [publicNpmRegistry, publicPythonIndex].map((url) => new URL(url).host);
    const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: root, encoding: 'utf8' }).split(
      '\n',
    );
    const found = files
      .filter((file) => file !== '' && !/\.(png|vsix|zip|gz)$/.test(file))
      .filter((file) => {
        try {
          const text = readFileSync(join(root, file), 'utf8');
          return hosts.some((host) => text.includes(host));
        } catch {
          return false;
        }
      });
    assert.deepEqual(found, ['src/registry/publicIndexes.ts']);
  });
});
