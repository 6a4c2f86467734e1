import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'mocha';
import { documentFaults, readSources, type SourceFile, structureFaults } from '../../scripts/imports.ts';
import { assertNames } from '../names.ts';

const file = (path: string, text = ''): SourceFile => ({ path, text });
const one = (...files: SourceFile[]): string => {
  const faults = structureFaults(files);
  assert.equal(faults.length, 1, faults.join('\n'));
  return faults[0] ?? '';
};

describe('Structure of src', () => {
  it('has no fault, and stands in ARCHITECTURE.md as it is', () => {
    const files = readSources('.');
    assert.ok(files.length > 300);
    assert.deepEqual(structureFaults(files), []);
    assert.deepEqual(documentFaults(readFileSync('ARCHITECTURE.md', 'utf8'), files), []);
  });

  it('reports an import that the table does not allow, also of a type, over several lines and when it is loaded later', () => {
    for (const text of [
      "import { a } from '../cli/a.ts';",
      "import type {\n  A,\n  B,\n} from '../cli/a.ts';",
      "import '../cli/a.ts';",
      "export { a } from '../cli/a.ts';",
      "const { a } = await import('../cli/a.ts');",
    ]) {
      assertNames(one(file('base/x.ts', text), file('cli/a.ts')), 'src/base/x.ts imports src/cli/a.ts');
    }
  });

  it('reports an area that the table does not have', () => {
    assertNames(one(file('attic/x.ts')), 'src/attic');
  });

  it('reports vscode outside of its folders', () => {
    assertNames(one(file('extension/window/x.ts', "import { window } from 'vscode';")), 'extension/window/x.ts imports vscode');
    assert.deepEqual(structureFaults([file('extension/views/x.ts', "import { window } from 'vscode';")]), []);
  });

  it('reports a cycle once, types included', () => {
    const fault = one(
      file('base/a.ts', "import type { B } from './b.ts';"),
      file('base/b.ts', "import { c } from './c.ts';"),
      file('base/c.ts', "import { a } from './a.ts';"),
    );
    assertNames(fault, 'a.ts → src/base/b.ts → src/base/c.ts → src/base/a.ts');
  });

  it('reports folders and files that are too large, and names that stand twice', () => {
    assertNames(one(...Array.from({ length: 18 }, (_, index) => file(`base/f${index}.ts`))), 'src/base', '18 files');
    assertNames(one(file('base/long.ts', '\n'.repeat(331))), '331 lines');
    assertNames(one(file('base/x.ts'), file('model/x.ts')), 'file name x.ts');
    assertNames(one(file('base/x.ts', 'export const a = 1;'), file('model/y.ts', 'export interface a {}')), 'exported name a');
  });

  it('reports a regular expression that is built from a text, outside of the files that build one from constants', () => {
    for (const text of ['const a = new RegExp(b);', "const a = RegExp(b, 'g');", 'const a = new RegExp (b);', 'const A = RegExp;']) {
      assertNames(one(file('base/x.ts', text)), 'base/x.ts', 'regular expression');
    }
    assert.deepEqual(
      structureFaults([file('redaction/secretShapes.ts', 'new RegExp(a)'), file('base/x.ts', 'const a: RegExp = /a/;')]),
      [],
    );
  });

  it('reports an error that is printed as it is', () => {
    for (const text of ['log(String(error));', 'log(`${error}`);', 'log(error.stack);']) {
      assertNames(one(file('base/x.ts', text)), 'base/x.ts', 'error');
    }
  });

  it('reports an exported function with more than five parameters', () => {
    const five = "a: string, b: { x: number; y: [1, 2] }, c: (d: number, e: number) => Map<string, number>,\n  f = 'x, y)', ...g: number[]";
    for (const text of [
      `export function a(${five}, h?: 1) {}`,
      `export async function a<T>(\n  ${five},\n  h: 1,\n): void {}`,
      `export const a = (${five}, h: 1) => 1;`,
    ]) {
      assertNames(one(file('base/x.ts', text)), '6 parameters');
    }
    assert.deepEqual(
      structureFaults([
        file('base/x.ts', `export function a(${five},) {}\nfunction b(${five}, h: 1) {}\nexport const c = () => b(${five});`),
      ]),
      [],
    );
  });

  it('compares the table of the document both ways, and the paths that it names with the files', () => {
    const text = readFileSync('ARCHITECTURE.md', 'utf8');
    const files = readSources('.');
    assert.equal(documentFaults(text.replace(/^\| `base` \|.*$/m, ''), files).length, 1);
    assert.equal(documentFaults(`${text}\n| \`attic\` | old things | – |\n`, files).length, 1);
    assertNames(documentFaults(`${text}\n\`base/gone.ts\``, files).join(), 'src/base/gone.ts');
    assertNames(documentFaults(`${text}\n\`base/gone/\``, files).join(), 'src/base/gone/');
  });
});
