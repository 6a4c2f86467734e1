import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { type HolderEvidence, judgeHolder } from '../../../../src/diagnosis/portTaken.ts';
import { closedMs, judgePort, type PortEvidence, silentMs } from '../../../../src/diagnosis/unresponsive.ts';
import { endpointOf, reaches } from '../../../../src/survey/ports/endpoint.ts';
import { askHealth, parseHealth } from '../../../../src/survey/ports/health.ts';

describe('endpointOf', () => {
  const of = (url: string, transport: 'http' | 'sse' | 'ws' | 'stdio' = 'http') => endpointOf({ transport, url });
  it('knows the addresses of this machine', () => {
    assert.deepEqual(of('http://127.0.0.1:8700/mcp'), { port: 8700, secure: false, addresses: ['127.0.0.1'] });
    assert.deepEqual(of('http://localhost/mcp', 'sse'), { port: 80, secure: false, addresses: ['127.0.0.1', '::1'] });
    assert.deepEqual(of('https://[::1]/mcp'), { port: 443, secure: true, addresses: ['::1'] });
    assert.deepEqual(of('ws://api.localhost:1/'), { port: 1, secure: false, addresses: ['127.0.0.1', '::1'] });
    assert.deepEqual(of('http://0.0.0.0:9/'), { port: 9, secure: false, addresses: ['127.0.0.1', '::1'] });
  });
  for (const url of [
    'https://mcp.example.com/mcp',
    'http://192.168.1.5:8700/',
    'http://127.0.0.1.example.com/',
    `http://\${HOST}:1/`,
    'unix:/x',
    '',
  ]) {
    it(`leaves ${url === '' ? 'nothing' : url} alone`, () => assert.equal(of(url), undefined));
  }
  it('leaves local commands alone', () => assert.equal(of('http://127.0.0.1:1/', 'stdio'), undefined));
  it('reaches a listener at the same address or at all of them', () => {
    const endpoint = of('http://127.0.0.1:1/');
    assert.ok(
      endpoint && reaches(endpoint, '127.0.0.1') && reaches(endpoint, '0.0.0.0') && reaches(endpoint, '::') && !reaches(endpoint, '::1'),
    );
  });
});

describe('judgeHolder', () => {
  const evidence: HolderEvidence = { pid: 10, tree: [10, 11], looksLikeServer: false, program: 'node' };
  const cases: readonly [string, Partial<HolderEvidence>, string][] = [
    ['an unknown program', {}, 'server/likely'],
    ['a /health with its PID', { healthPid: 10, speaksMcp: false }, 'server/proven'],
    ['a /health with the PID of its worker', { healthPid: 11 }, 'server/proven'],
    ['a /health with another PID', { healthPid: 12, looksLikeServer: true }, 'stranger'],
    ['a package without MCP', { speaksMcp: false }, 'stranger'],
    ['a package without MCP, by the name of a server', { speaksMcp: false, looksLikeServer: true }, 'server/likely'],
    ['a data base', { program: 'postgres' }, 'stranger'],
    ['a web server of the library', { program: 'python3', module: 'http.server' }, 'stranger'],
    ['a container’s proxy', { program: 'docker-proxy', healthPid: 1 }, 'forwarder'],
    ['a tunnel', { program: 'ssh' }, 'forwarder'],
  ];
  for (const [what, more, expected] of cases) {
    it(`${what}: ${expected}`, () => {
      const verdict = judgeHolder({ ...evidence, ...more });
      assert.equal(verdict.kind === 'server' ? `server/${verdict.confidence}` : verdict.kind, expected);
    });
  }
});

describe('judgePort', () => {
  const now = Date.parse('2026-11-22T08:00:00Z');
  const evidence: PortEvidence = { now, pid: 10, name: 'notes', port: 8700, silentLooks: 0, closedLooks: 0, actions: [] };
  const kind = (more: Partial<PortEvidence>): string | undefined => judgePort({ ...evidence, ...more }).finding?.confidence;
  it('is quiet about a server that answers, or never said that it would', () => {
    assert.deepEqual(judgePort(evidence), {});
    assert.equal(kind({ healthyAt: now - 1 }), undefined);
    assert.equal(kind({ silentSince: now - 60_000, silentLooks: 9 }), undefined);
  });
  it('waits for a second miss and for time', () => {
    const healthyAt = now - 60_000;
    assert.equal(kind({ healthyAt, silentSince: now - silentMs, silentLooks: 1 }), undefined);
    assert.equal(kind({ healthyAt, silentSince: now - silentMs + 1, silentLooks: 5 }), undefined);
    assert.equal(kind({ healthyAt, silentSince: now - silentMs, silentLooks: 2 }), 'proven');
  });
  it('gives a server that ends the time to end', () => {
    assert.equal(kind({ closedSince: now - closedMs + 1, closedLooks: 5 }), undefined);
    assert.equal(kind({ closedSince: now - closedMs, closedLooks: 1 }), undefined);
    assert.equal(kind({ closedSince: now - closedMs, closedLooks: 2 }), 'proven');
  });
});

describe('/health', () => {
  it('C1: is read in the words of several projects', () => {
    assert.deepEqual(parseHealth('{"status":"ok","version":"1.2.3","pid":7,"started":1,"uptime_s":2.5,"static_files":true}'), {
      kind: 'health',
      health: { status: 'ok', version: '1.2.3', pid: 7, started: '1', uptimeSeconds: 2.5 },
    });
    assert.deepEqual(parseHealth('{"status":"ok","version":7,"pid":"x"}'), { kind: 'health', health: { status: 'ok' } });
  });
  for (const text of ['', '<html>', '[]', 'null', '"ok"', '{"ok":true}', '{"status":1}', `{"status":"${'x'.repeat(300)}"}`]) {
    it(`is not ${JSON.stringify(text.slice(0, 20))}`, () => assert.deepEqual(parseHealth(text), { kind: 'other' }));
  }
  it('is asked of this machine alone', async () => assert.deepEqual(await askHealth('192.0.2.1', 1), { kind: 'other' }));
});
