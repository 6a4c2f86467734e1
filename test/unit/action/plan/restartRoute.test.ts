import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { otherWindowStep, restartRoute } from '../../../../src/action/plan/restartRoute.ts';
import { assertNames, assertOmits } from '../../../names.ts';
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
    assertNames(route.step, '/mcp');
    assertNames(route.step, 'memory');
    assertOmits(route.step, 'NAME');
  });

  it('is the user of a program that no table names', () => {
    const route = restartRoute(instance({ client: { id: 'unknown', name: 'tmux', pid: 7, identity: 'x' } }), snapshot());
    assert.ok(route.kind === 'manual');
    assertNames(route.step, 'tmux (PID 7)');
  });

  it('is a client that can be asked, where it has an interface for that', () => {
    const opencode = { id: 'opencode', name: 'opencode', pid: 8, identity: 'y' };
    const route = restartRoute(instance({ client: opencode }), snapshot());
    assert.deepEqual([route.kind, 'askable' in route], ['manual', true]);
    assert.ok(!('askable' in restartRoute(instance({ client: claude }), snapshot())));
  });

  it('is the user where the client itself would start the old version again, even behind a guard or in a window', () => {
    const step = 'Run “Developer: Reload Window” in that window.';
    const beside = finding({ kind: 'stale', subKind: 'replaced-beside', actions: [{ kind: 'manual', step, held: true }] });
    assert.deepEqual(restartRoute(instance({ findings: [beside] }), snapshot()), { kind: 'manual', step });
    const own = finding({ kind: 'stale', subKind: 'replaced-beside', actions: [{ kind: 'restart' }] });
    assert.equal(restartRoute(instance({ findings: [own] }), snapshot()).kind, 'vscode-window');
    const reworded = finding({ kind: 'stale', subKind: 'replaced-beside', actions: [{ kind: 'manual', step }] });
    assert.equal(restartRoute(instance({ findings: [reworded] }), snapshot()).kind, 'vscode-window', 'the wording decides nothing');
    assert.equal(restartRoute(instance({ findings: [beside] }), snapshot(), 'stop').kind, 'vscode-window', 'stopping it is another matter');
  });

  it('is none for an orphan or a server that runs on its own, and says which it is', () => {
    const orphan = restartRoute(instance({ client: null, findings: [finding({ kind: 'orphan' })] }), snapshot());
    const service = restartRoute(instance({ client: null, background: true }), snapshot());
    assert.ok(orphan.kind === 'none' && service.kind === 'none');
    assert.deepEqual([orphan.orphan, service.orphan], [true, undefined]);
    assert.notEqual(orphan.reason, service.reason);
    assert.deepEqual(restartRoute(instance({ client: null }), snapshot()), service);
  });

  it('names the other window', () => {
    assertNames(otherWindowStep(instance()), 'PID 100', 'Restart Server…', 'everything');
  });
});
