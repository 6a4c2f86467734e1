import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { commandTable } from '../../../src/cli/commandTable.ts';
import { type CompletionShell, completionShells, renderCompletion } from '../../../src/cli/render/completionScript.ts';

/** How each shell completes the last of some words. The words are given as arguments. */
const drivers: Readonly<Record<Exclude<CompletionShell, 'powershell'>, string>> = {
  bash: '. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _mcp_shepherd; printf "%s\\n" "${COMPREPLY[@]}"',
  // The functions of the completion system answer only inside of its line editor.
  zsh: 'compdef() { :; }; _describe() { print -l -- "${(@P)2%%:*}"; }; _directories() { print -l -- *(/); }; . "$1"; shift; words=("$@"); CURRENT=$#; _mcp_shepherd',
  fish: 'source $argv[1]; complete -C (string join " " -- $argv[2..-1]) | string replace -r "\\t.*" ""',
};

describe('completion', () => {
  let folder = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'completion-'));
    mkdirSync(join(folder, 'my shop'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  for (const [shell, driver] of Object.entries(drivers) as [keyof typeof drivers, string][]) {
    it(`${shell} offers commands, the options of one command, and folders`, function () {
      const file = join(folder, `script.${shell}`);
      writeFileSync(file, renderCompletion(shell, commandTable));
      const complete = (...words: string[]): string[] => {
        const command = shell === 'fish' ? ['--no-config', '-c', driver, file] : ['-c', driver, shell, file];
        const ran = spawnSync(shell, [...command, 'mcp-shepherd', ...words], {
          cwd: folder,
          encoding: 'utf8',
          env: { ...process.env, HOME: folder },
        });
        if (ran.error) {
          console.log(`${shell} is not installed: its completion is not tried.`);
          this.skip();
        }
        assert.equal(ran.stderr, '');
        const last = words.at(-1) ?? '';
        return ran.stdout.split('\n').filter((line) => line !== '' && line.startsWith(last));
      };
      assert.deepEqual(complete('sta'), ['status']);
      assert.deepEqual(complete('un'), ['unprotect']);
      assert.deepEqual(complete('status', '--c'), ['--check']);
      assert.deepEqual(complete('--offline', 'watch', '--c'), []);
      assert.deepEqual(complete('completion', 'f'), ['fish']);
      assert.deepEqual(
        complete('status', '--folder', 'my').map((word) => word.replace(/\/$/, '')),
        ['my shop'],
      );
      assert.deepEqual(complete('history', '--limit', ''), []);
    });
  }

  it('names every command and every option, in each shell', () => {
    for (const shell of completionShells) {
      const script = renderCompletion(shell, commandTable);
      for (const { name, options } of commandTable) {
        const words = Object.entries(options).flatMap(([option, { help }]) => (help === undefined ? [] : [option]));
        assert.deepEqual(
          [name, ...words].filter((word) => !script.includes(word)),
          [],
          shell,
        );
      }
    }
  });
});
