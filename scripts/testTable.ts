// Prints which tests show which labelled behaviour: `node scripts/testTable.ts [LABEL…]`. Labels stand at the beginning of the titles: A1 to D22 are the
// behaviours of a guarded server (A: stale code, B: single instance, C: version mismatch, D: sessions), "test 1" to "test 34" those of
// docs/instance-lock-protocol.md, section 15.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from './system/projectPaths.ts';

const title = /\b(?:it|describe)\(\s*(['`])((?:\\.|(?!\1).)*)\1/g;
const label = /[A-D]\d+\b|tests? \d+(?:(?:, | and | to )\d+)*\b/y;

/** `tests 7 to 9, 13` is 7, 8, 9 and 13. */
function numbersIn(text: string): number[] {
  return [...text.matchAll(/(\d+)(?: to (\d+))?/g)].flatMap(([, first, last = first]) =>
    Array.from({ length: Number(last) - Number(first) + 1 }, (_, index) => Number(first) + index),
  );
}

/** The labels at the beginning of a title. */
function labelsOf(text: string): string[] {
  const labels: string[] = [];
  label.lastIndex = 0;
  for (let match = label.exec(text); match; match = label.exec(text)) {
    const [word] = match;
    labels.push(...(word.startsWith('t') ? numbersIn(word).map((number) => `test ${number}`) : [word]));
    label.lastIndex += /^,? /.exec(text.slice(label.lastIndex))?.[0].length ?? 0;
  }
  return labels;
}

const table = new Map<string, string[]>();
for (const name of readdirSync(join(projectRoot, 'test'), { recursive: true, encoding: 'utf8' }).sort()) {
  for (const [, , text = ''] of name.endsWith('.test.ts') ? readFileSync(join(projectRoot, 'test', name), 'utf8').matchAll(title) : []) {
    for (const one of labelsOf(text)) {
      table.set(one, [...(table.get(one) ?? []), `test/${name}: ${text}`]);
    }
  }
}
const wanted = process.argv.slice(2);
const order = new Intl.Collator('en', { numeric: true }).compare;
for (const [one, tests] of [...table].filter(([one]) => wanted.length === 0 || wanted.includes(one)).sort(([a], [b]) => order(a, b))) {
  console.log([one, ...tests.map((test) => `  ${test}`)].join('\n'));
}
