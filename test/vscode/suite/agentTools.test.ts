import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import * as vscode from 'vscode';
import { agentToolNames } from '../../../src/mcp/agentTools.ts';
import { until } from '../../until.ts';

async function answer(name: string, input: object): Promise<Record<string, unknown>> {
  const { content } = await vscode.lm.invokeTool(name, { input, toolInvocationToken: undefined });
  return JSON.parse(content.map((part) => (part instanceof vscode.LanguageModelTextPart ? part.value : '')).join(''));
}

describe('Tools for language models in a real VS Code', function () {
  this.timeout(60_000);

  it('are listed, and the status and an explanation answer', async () => {
    const names = Object.values(agentToolNames);
    await until('the tools', () => names.every((name) => vscode.lm.tools.some((tool) => tool.name === name)));
    const status = await until('the first scan', () => answer(agentToolNames.status, {}).catch(() => undefined));
    assert.ok(Array.isArray(status.servers));
    assert.deepEqual(await answer(agentToolNames.explain, { server: 'there is no such server' }), { found: 'none' });
  });
});
