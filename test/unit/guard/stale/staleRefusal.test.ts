import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { CallToolResultSchema } from '@modelcontextprotocol/sdk/types.js';
import { describe, it } from 'mocha';
import type { DriftedPackage } from '../../../../src/guard/stale/codeDrift.ts';
import { staleRefusal } from '../../../../src/guard/stale/staleRefusal.ts';
import { assertNames } from '../../../names.ts';

const packages: readonly DriftedPackage[] = [
  { name: 'srv', serving: '1.0', installed: '1.1', how: 'upgrade' },
  { name: 'lib', serving: '2.0', installed: '1.9', how: 'downgrade' },
];
const facts = {
  params: { name: 'write_note', arguments: { text: 'x' } },
  packages,
  restartHint: 'mcp-shepherd restart 4711',
  readsPass: true,
};

describe('refusal', () => {
  it('A1 says what runs, what is installed, that nothing was written, and the command that restarts the server', () => {
    const answer = staleRefusal(facts);
    ok('result' in answer);
    const [block] = CallToolResultSchema.parse(answer.result).content;
    equal(
      block?.type === 'text' && block.text,
      'Not executed, nothing was written: this MCP server runs different code than is installed now: it runs srv 1.0, installed is 1.1; it runs lib 2.0, installed is 1.9 (a downgrade). ' +
        'The call of "write_note" was stopped before it reached the server. To continue, restart the server: run "mcp-shepherd restart 4711". The session is kept; repeat the call afterwards. ' +
        'Tools that only read still work.',
    );
    equal(answer.result.isError, true);
    // Clients hold structured content against the tool's output schema.
    ok(!('structuredContent' in answer.result) && !('resultType' in answer.result));
    deepEqual(answer.result._meta, {
      action_required: 'restart_mcp_server',
      'mcp-shepherd/stale': {
        tool: 'write_note',
        packages: [
          { package: 'srv', serving: '1.0', installed: '1.1', change: 'upgrade' },
          { package: 'lib', serving: '2.0', installed: '1.9', change: 'downgrade' },
        ],
        cure: 'mcp-shepherd restart 4711',
      },
    });
  });

  it('A27 is complete in the protocol of 2026-07-28', () => {
    const answer = staleRefusal({
      ...facts,
      params: { ...facts.params, _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' } },
    });
    equal('result' in answer && answer.result.resultType, 'complete');
  });

  it('is an error for a call that asked for a task, with a code of its own range', () => {
    const answer = staleRefusal({ ...facts, params: { ...facts.params, task: { ttl: 60_000 } } });
    ok('error' in answer);
    ok(Number(answer.error.code) > -32_000);
    assertNames(String(answer.error.message), 'Not executed');
  });

  it('says what is gone, reinstalled, and how many more', () => {
    const answer = staleRefusal({
      ...facts,
      params: { name: `x\u001b[31m\n${'y'.repeat(500)}` },
      readsPass: false,
      packages: [
        { name: 'srv', serving: '1.0', installed: 'not installed', how: 'removed' },
        { name: 'lib', serving: '2.0', installed: '2.0', how: 'reinstalled' },
        ...Array.from({ length: 20 }, (_, at) => ({ name: `p${at}`, serving: '1', installed: '2', how: 'changed' as const })),
      ],
    });
    const text = JSON.stringify(answer);
    assertNames(text, 'srv 1.0', 'lib 2.0 was reinstalled', '14 more');
    match(text, /install what is missing, then run/);
    ok(!text.includes('\\u001b') && !text.includes('y'.repeat(200)) && !text.includes('only read'));
  });
});
