import { deepEqual, ok } from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { redactorOf, shownDefinition } from '../../../../src/redaction/definitionRedactor.ts';
import { named, Tree } from '../tree.ts';

describe('The file with variables that an entry names', () => {
  let tree: Tree;
  beforeEach(() => {
    tree = new Tree();
  });
  afterEach(() => tree.remove());

  const values = ['S3cr3t-of-a-file', 'two words 7x', "it's-7x-secret", 'line-1x\nline-2x', 'S3cr3t#with-a-sign'];
  const text = [
    '# comment=not-a-value-1x',
    `A_TOKEN=${values[0]}`,
    `export B = "${values[1]}" # why`,
    `C="${values[2]}"\r`,
    `D="line-1x\\nline-2x"`,
    `E=${values[4]}`,
    'MODE=production',
    'broken line',
  ].join('\n');

  const projectOfHome = ['work', 'project'].join('/');
  for (const [where, envFile] of [
    ['the folder', '${workspaceFolder}/.env'],
    ['a relative path', '.env'],
    ['the home folder', `\${userHome}/${projectOfHome}/.env`],
    ['the home folder, shorter', `~/${projectOfHome}/.env`],
  ] as const) {
    it(`holds secrets too: in ${where}`, async () => {
      const env = tree.write('home/work/project/.env', text);
      tree.write('home/work/project/.vscode/mcp.json', {
        servers: { a: { command: 'node', args: ['x', ...values, 'production'], envFile } },
      });
      const reading = await tree.discover();
      deepEqual(reading.problems, []);
      const definition = named(reading, 'a');
      const shown = shownDefinition(definition, redactorOf(reading.definitions));
      deepEqual(shown.args, ['x', ...values.map(() => '‹redacted›'), 'production']);
      ok(!JSON.stringify(shown).includes('envFile') && !JSON.stringify(shown).includes('-1x'), JSON.stringify(shown));
      ok(reading.candidates().includes(env), 'a change of it is noticed');
    });
  }

  it('is only read when it is a regular file of this machine, and is no problem otherwise', async () => {
    execFileSync('mkfifo', [join(tree.project, 'pipe')]);
    const files = [
      '/dev/zero',
      `${tree.project}/pipe`,
      `${tree.project}/absent`,
      tree.project,
      '//server/share/.env',
      '\\\\server\\share\\.env',
      '${input:x}/.env',
      '',
    ];
    tree.write('home/work/project/.vscode/mcp.json', {
      servers: Object.fromEntries(files.map((envFile, index) => [`s${index}`, { command: 'node', envFile }])),
    });
    const reading = await tree.discover();
    deepEqual([reading.definitions.length, reading.problems], [files.length, []]);
    deepEqual(
      reading.candidates().filter((path) => path.includes('server/share') || path.includes('input')),
      [],
    );
  });
});
