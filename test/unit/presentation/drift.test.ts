import { deepEqual, equal } from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { Definition } from '../../../src/model/definition.ts';
import { driftOf, driftSummary } from '../../../src/presentation/drift.ts';

let count = 0;
function entry(client: string, command: string, more: Partial<Definition> = {}): Definition {
  const [program = '', ...args] = command.split(' ');
  count += 1;
  return {
    id: `d${count}`,
    client,
    readBy: [client],
    scope: 'user',
    file: `/home/${client}.json`,
    line: 1,
    name: 'memory',
    transport: 'stdio',
    command: program,
    args,
    envNames: [],
    enabled: true,
    findings: [],
    ...more,
  };
}

const kinds = (...definitions: readonly Definition[]): string[] =>
  driftOf(definitions).flatMap(({ differences }) => differences.map(({ kind }) => kind));

describe('driftOf', () => {
  it('tells what differs between clients: version, arguments, names of variables, command, transport, address', () => {
    const pinned = entry('cursor', 'npx -y @scope/memory@1.2.0 --all', { envNames: ['B', 'A'] });
    deepEqual(kinds(pinned, entry('codex', 'npx -y @scope/memory@1.3.0 --all', { envNames: ['A', 'B'] })), ['version']);
    deepEqual(kinds(pinned, entry('codex', 'npx @scope/memory --all', { envNames: ['A', 'B'] })), ['version']);
    deepEqual(kinds(pinned, entry('codex', 'npx @scope/memory@1.2.0', { envNames: ['A'] })), ['args', 'env']);
    deepEqual(kinds(entry('cursor', 'uvx a==1'), entry('codex', 'uvx a==2')), ['version']);
    deepEqual(kinds(entry('cursor', 'uvx a'), entry('codex', 'npx a')), ['command']);
    deepEqual(kinds(entry('cursor', 'uvx a'), entry('codex', '', { transport: 'http', url: 'http://x' })), ['transport']);
    const far = (client: string, url: string): Definition => entry(client, '', { transport: 'http', url });
    deepEqual(kinds(far('cursor', 'http://x'), far('codex', 'http://y')), ['address']);
  });

  it('the same server is the same through the guard, by another path, through cmd, and in one client', () => {
    const plain = entry('cursor', 'npx -y memory@1');
    const guarded = entry('codex', '/run/bin/mcp-shepherd guard --on-stale warn -- /usr/bin/npx memory@1', { guarded: true });
    deepEqual(kinds(plain, guarded, entry('zed', 'cmd /c npx.cmd -y memory@1')), []);
    deepEqual(kinds(plain, entry('cursor', 'npx memory@2', { scope: 'project' })), []);
    deepEqual(kinds(plain, entry('codex', 'npx other@2', { name: 'other' })), []);
  });

  it('names the clients of each side, and no argument and no address', () => {
    const [drift] = driftOf([
      entry('cursor', 'npx memory@1 --token s3cr3t', { envNames: ['KEY'] }),
      entry('zed', 'npx memory@1 --token s3cr3t', { envNames: ['KEY'] }),
      entry('codex', 'npx memory@2'),
    ]);
    equal(
      drift && driftSummary(drift, (client) => client.toUpperCase()),
      'version: 1 (CURSOR, ZED), 2 (CODEX); args: CURSOR, ZED / CODEX; env: KEY (CURSOR, ZED), none (CODEX)',
    );
  });
});
