import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { judgeRespawn } from '../../../src/diagnosis/respawnDiffers.ts';
import { isHeadline } from '../../../src/model/finding.ts';
import { npxNext, uvxNext } from '../../../src/version/nextVersion.ts';
import { parseNpmSpec } from '../../../src/version/npmSpec.ts';
import { parsePythonSpec } from '../../../src/version/pythonSpec.ts';

const [cached, latest] = ['2025.9.25', '2026.8.31'];

function npx(spec: string, npm: string | undefined, more: object = {}): string {
  const next = npxNext({ spec: parseNpmSpec(spec), cached, latest, ...(npm === undefined ? {} : { npm }), ...more });
  return 'unknown' in next ? 'unknown' : `${next.version} ${next.by}`;
}

describe('what npx starts next', () => {
  // The measured table: cache seeded with 2025.9.25, latest 2026.8.31.
  const table: readonly [npm: string, bare: string, tag: string, range: string][] = [
    ['9.9.4', 'unknown', 'unknown', 'unknown'],
    ['10.8.2', `${latest} registry`, `${latest} registry`, `${cached} local`],
    ['10.9.4', `${latest} registry`, `${latest} registry`, `${cached} local`],
    ['11.6.2', `${latest} registry`, `${latest} registry`, `${latest} registry`],
    ['11.19.1', `${latest} registry`, `${latest} registry`, `${latest} registry`],
  ];
  for (const [npm, bare, tag, range] of table) {
    it(`with npm ${npm}`, () => {
      assert.deepEqual([npx('pkg', npm), npx('pkg@latest', npm), npx('pkg@>=2025.1.1', npm)], [bare, tag, range]);
    });
  }

  it('is the exact version where one is asked for, and the project’s own where it fits', () => {
    assert.equal(npx('@a/b@1.2.3', undefined), '1.2.3 spec');
    assert.equal(npx('@a/b@1.2.3', '8.19.4'), '1.2.3 spec');
    assert.equal(npx('pkg', '11.0.0', { project: '1.0.0' }), '1.0.0 local');
    assert.equal(npx('pkg@^2', '10.0.0', { project: '1.0.0', cached: '2.1.0' }), '2.1.0 local');
    assert.equal(npx('pkg@latest', '11.0.0', { project: '1.0.0' }), `${latest} registry`);
  });

  it('is what the registry said of the very tag that is asked for', () => {
    assert.equal(npx('pkg@next', '11.0.0', { latest: '3.0.0-rc.1', tag: 'next' }), '3.0.0-rc.1 registry');
    for (const spec of ['pkg', 'pkg@latest', 'pkg@>=1', 'pkg@beta']) {
      assert.equal(npx(spec, '11.0.0', { latest: '3.0.0-rc.1', tag: 'next' }), 'unknown', spec);
    }
  });

  it('is unknown without an answer of the registry, for other tags and sources, and without npm’s version', () => {
    assert.equal(npx('pkg', '11.0.0', { latest: undefined }), 'unknown');
    assert.equal(npx('pkg@next', '11.0.0'), 'unknown');
    assert.equal(npx('git+https://example.invalid/x.git', '11.0.0'), 'unknown');
    assert.equal(npx('pkg', undefined), 'unknown');
  });
});

describe('what uvx starts next', () => {
  const uvx = (spec: string, more: object = {}): string => {
    const next = uvxNext({ spec: parsePythonSpec(spec), latest: '2.0.0', ...more });
    return 'unknown' in next ? 'unknown' : `${next.version} ${next.by}`;
  };

  it('is the pinned one, else an installed tool that fits, else what the index has', () => {
    assert.equal(uvx('pkg==1.1', { tool: '1.0' }), '1.1 spec');
    assert.equal(uvx('pkg@1.1', { tool: '1.0' }), '1.1 spec');
    assert.equal(uvx('pkg', { tool: '1.0' }), '1.0 local');
    assert.equal(uvx('pkg>=1.5', { tool: '1.0' }), '2.0.0 registry');
    assert.equal(uvx('pkg@latest', { tool: '1.0' }), '2.0.0 registry');
    assert.equal(uvx('pkg<2', {}), 'unknown');
    assert.equal(uvx('pkg', { latest: undefined }), 'unknown');
    assert.equal(uvx('pkg @ git+https://example.invalid/x', { tool: '1.0' }), 'unknown');
  });
});

describe('the finding about the next start', () => {
  const given = {
    now: 10,
    pid: 1,
    startedAt: 1,
    ecosystem: 'npm',
    name: 'pkg',
    running: '1.0.0',
    installed: '1.0.0',
    because: 'its entry asks for',
    actions: [],
  } as const;

  it('is information, says how sure it is, and is silent where nothing differs, nothing is known, or "stale" says it', () => {
    const pinned = judgeRespawn({ ...given, next: { version: '2.0.0', by: 'spec' } });
    assert.deepEqual([pinned?.confidence, pinned && isHeadline(pinned)], ['proven', false]);
    assert.equal(pinned?.message, 'a restart would start pkg 2.0.0 instead of 1.0.0');
    const asked = judgeRespawn({ ...given, next: { version: '2.0.0', by: 'registry' } });
    assert.equal(asked?.message, 'a restart may start pkg 2.0.0 instead of 1.0.0');
    assert.equal(asked?.confidence, 'likely');
    assert.equal(judgeRespawn({ ...given, next: { version: '1.0.0', by: 'spec' } }), undefined);
    assert.equal(judgeRespawn({ ...given, next: { unknown: 'x' } }), undefined);
    assert.equal(judgeRespawn({ ...given, installed: '2.0.0', next: { version: '2.0.0', by: 'local' } }), undefined);
  });
});
