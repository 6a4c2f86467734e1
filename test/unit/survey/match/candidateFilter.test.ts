import { deepEqual, equal } from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { RawDefinition } from '../../../../src/model/definition.ts';
import type { ProcessRow } from '../../../../src/model/process.ts';
import { candidateFilter } from '../../../../src/survey/match/candidateFilter.ts';

function definition(name: string, command: string, ...args: string[]): RawDefinition {
  const place = { client: 'vscode', readBy: ['vscode'], scope: 'workspace', file: '/w/.vscode/mcp.json', line: 1 } as const;
  return { ...place, id: name, name, transport: 'stdio', command, args, env: {}, secrets: [], enabled: true };
}

function row(commandLine: string): ProcessRow {
  const identity = { bootId: 'b', pidNamespace: '1', pid: 7, startTicks: '1' } as unknown as ProcessRow['identity'];
  return { pid: 7, ppid: 1, identity, commandLine, argv: commandLine.split(' '), argvExact: true } as unknown as ProcessRow;
}

describe('candidateFilter', () => {
  it('finds the words of entries, in any case, and Python names with any of - _ .', () => {
    const test = candidateFilter([definition('a', 'uvx', 'my-weather_tool'), definition('b', '/opt/(odd)+[x/run.sh')]);
    const found = ['python /x/My_Weather-Tool', '/bin/sh /opt/(odd)+[x/run.sh', 'node chromadb_MCP.js', 'sleep 5'].map((line) =>
      test(row(line)),
    );
    deepEqual(found, ['named', 'named', 'looks', undefined]);
  });

  for (const length of [40_000, 1_000_000]) {
    it(`takes a word of ${length} characters`, () => {
      const word = `/srv/${'a(b'.repeat(length / 3)}`;
      const test = candidateFilter([definition('long', word, word), definition('other', 'npx', '-y', 'weather-tool')]);
      equal(test(row('node weather-tool')), 'named', 'the other entry is found');
      equal(test(row(`${word} ${word}`)), 'named');
      equal(test(row('sleep 5')), undefined);
    });
  }
});
