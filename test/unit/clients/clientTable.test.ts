import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import {
  afterStop,
  clientById,
  clientName,
  clientTable,
  copiesByDesign,
  editorPaths,
  familyAt,
  isVscode,
  isVscodeEditor,
  manualStep,
  scopeRank,
} from '../../../src/clients/clientTable.ts';
import { environmentMarks, processPatterns } from '../../../src/clients/recogniseClient.ts';
import { assertNames } from '../../names.ts';

/** Ids in the order in which they are tried, as far as `known` names them: a new client joins without a change here. */
function assertOrder(patterns: readonly { readonly id: string }[], known: string): void {
  const ids = known.split(' ');
  assert.equal(
    patterns
      .map(({ id }) => id)
      .filter((id) => ids.includes(id))
      .join(' '),
    known,
  );
}

describe('clientTable', () => {
  it('names each client once, with a step that names the server', () => {
    assert.equal(new Set(clientTable.map(({ id }) => id)).size, clientTable.length);
    for (const { id, name, copies, restartStep } of clientTable) {
      assert.ok(name !== '' && copies !== '' && restartStep.includes('NAME') && restartStep.endsWith('.'), id);
    }
  });

  it('has a client for each id that a row names', () => {
    for (const { processes = [], files } of clientTable) {
      for (const id of [...processes.map(({ after }) => after), ...files.map(({ of }) => of)]) {
        assert.ok(id === undefined || clientById(id), id);
      }
    }
  });

  it('recognises processes in this order', () =>
    assertOrder(
      processPatterns,
      'vscode-agent-host claude-code claude-desktop claude-desktop claude-code codex codex qwen qwen gemini gemini kilo kilo opencode opencode ' +
        'copilot-cli copilot-cli auggie auggie amp amp goose zed zed windsurf antigravity antigravity kiro amazon-q crush droid lm-studio',
    ));

  it('recognises environment marks in this order', () =>
    assertOrder(environmentMarks, 'claude-code qwen gemini kilo opencode copilot-cli vscode-agent-host'));

  it('recognises editors by their path in this order', () =>
    assertOrder(editorPaths, 'cursor windsurf antigravity kiro trae vscode-insiders vscodium code-server'));

  it('knows VS Code in all its builds, and the editors made from it', () => {
    const ids = (test: (id: string) => boolean): string =>
      clientTable
        .map(({ id }) => id)
        .filter(test)
        .join(' ');
    assert.equal(ids(isVscode), 'vscode vscode-insiders vscodium code-server');
    assert.equal(ids(isVscodeEditor), 'vscode vscode-insiders vscodium code-server cursor windsurf antigravity kiro trae');
    assert.equal(familyAt('/usr/share/code/resources/app'), 'vscode');
    assert.equal(familyAt('C:\\Users\\a\\AppData\\Local\\Programs\\cursor\\resources\\app'), 'cursor');
  });

  it('says what a client does when a server has ended, where that is known', () => {
    assertNames(afterStop('zed') ?? '', 'Zed');
    assertNames(afterStop('codex') ?? '', 'Codex');
    assert.deepEqual([afterStop('trae'), afterStop('later')], [undefined, undefined]);
    assert.notEqual(afterStop('crush')?.replace('Crush', ''), afterStop('kilo')?.replace('Kilo Code', ''));
  });

  it('keeps equal names apart in VS Code, and asks the project first elsewhere, Codex’s administrator last', () => {
    const best = (id: string): string | undefined =>
      (['managed', 'project', 'user'] as const).toSorted((a, b) => (scopeRank(id, a) ?? 0) - (scopeRank(id, b) ?? 0)).join(' ');
    assert.deepEqual([best('claude-code'), best('codex')], ['managed project user', 'project user managed']);
    assert.equal(scopeRank('vscode', 'user'), undefined);
  });

  it('gives name, copies and step of a client; a client that it does not have keeps its own name', () => {
    assert.deepEqual([clientName('amp'), clientName('later')], ['Amp', 'later']);
    assert.deepEqual([copiesByDesign('amp'), copiesByDesign('later'), typeof copiesByDesign('codex')], [undefined, undefined, 'string']);
    assertNames(manualStep({ id: 'claude-code', name: 'x', pid: 1 }, '$& notes'), '$& notes');
    assertNames(manualStep({ id: 'unknown', name: 'tmux', pid: 7 }, 'notes'), 'tmux (PID 7)');
    assert.ok(manualStep(null, 'notes').length > 0);
    // A step is copied and pasted.
    assert.doesNotMatch(manualStep({ id: 'claude-code', name: 'x', pid: 1 }, 'a\n! touch x\u202e'), /[\n\u202e]/);
  });
});
