import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { isWindowClient, otherWindowStep, restartRoute, windowClientAt } from '../../../../src/action/plan/restartRoute.ts';
import { claude, definition, finding, instance, snapshot } from '../../extension/samples.ts';

describe('Who restarts a server', () => {
  it('is the window whose extension host runs it', () => {
    assert.deepEqual(restartRoute(instance(), snapshot()), { kind: 'vscode-window', windowPid: 100 });
  });

  it('is the user in the window when no file tells VS Code’s name for it', () => {
    assert.equal(restartRoute(instance({ definitions: [] }), snapshot()).kind, 'manual');
    const { vscodeCollection: _, ...foreign } = definition();
    assert.equal(restartRoute(instance(), snapshot({ definitions: [foreign] })).kind, 'manual');
  });

  it('is the client, by its own step with the name of the server', () => {
    const route = restartRoute(instance({ client: claude, name: 'memory' }), snapshot());
    assert.ok(route.kind === 'manual');
    assert.match(route.step, /\/mcp/);
    assert.match(route.step, /memory/);
    assert.doesNotMatch(route.step, /NAME/);
  });

  it('is whoever looks after a program that no table names', () => {
    const route = restartRoute(instance({ client: { id: 'unknown', name: 'tmux', pid: 7, identity: 'x' } }), snapshot());
    assert.ok(route.kind === 'manual');
    assert.match(route.step, /tmux \(PID 7\)/);
  });

  it('is nobody for an orphan or a background server, and the reason says which it is', () => {
    const orphan = restartRoute(instance({ client: null, findings: [finding({ kind: 'orphan' })] }), snapshot());
    const service = restartRoute(instance({ client: null, background: true }), snapshot());
    assert.ok(orphan.kind === 'none' && service.kind === 'none');
    assert.match(orphan.reason, /left behind.*ended, not restarted/);
    assert.match(service.reason, /runs on its own/);
    assert.equal(restartRoute(instance({ client: null }), snapshot()).kind, 'none');
  });

  it('knows the windows that obey VS Code’s commands', () => {
    assert.deepEqual(['vscode', 'vscode-insiders', 'vscodium', 'code-server', 'cursor', 'claude-code'].map(isWindowClient), [
      true,
      true,
      true,
      true,
      false,
      false,
    ]);
    assert.equal(windowClientAt('/usr/share/code/resources/app'), 'vscode');
    assert.equal(windowClientAt('C:\\Users\\a\\AppData\\Local\\Programs\\cursor\\resources\\app'), 'cursor');
  });

  it('names the other window', () => {
    assert.match(otherWindowStep(instance()), /extension host PID 100.*MCP Shepherd: Restart Server….*everything/);
  });
});
