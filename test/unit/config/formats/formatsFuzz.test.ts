import { ok } from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { FormatId } from '../../../../src/clients/clientDescription.ts';
import { clientTable } from '../../../../src/clients/clientTable.ts';
import { formatOf } from '../../../../src/config/formats/formats.ts';
import { readEntry } from '../../../../src/config/formats/serverEntry.ts';
import { withinLimits } from '../../../../src/config/formats/serverFile.ts';
import { hangMs, processorTime } from '../../processorTime.ts';

// FUZZ_FIRST=N FUZZ_COUNT=1 replays file N.
const first = Number(process.env.FUZZ_FIRST ?? 0);
const count = Number(process.env.FUZZ_COUNT ?? (process.env.TEST_LONG === '1' ? 100_000 : 10_000));
/** In every value that is a secret: no message may hold it. Digits alone, so that it is a value in every format. */
const canary = '7291834650';

const formats: readonly FormatId[] = [...new Set(clientTable.flatMap((row) => row.files.map(({ format }) => format)))];

/** Numbers in [0, 1), the same for the same seed. */
function randomFrom(seed: number): () => number {
  let state = (seed * 2_654_435_761) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

type Random = () => number;
function pick<T>(random: Random, items: readonly [T, ...T[]]): T {
  return items[Math.floor(random() * items.length)] ?? items[0];
}

const keys = ['mcpServers', 'servers', 'mcp', 'mcp_servers', 'context_servers', 'extensions', 'amp.mcpServers', 'powers'] as const;
const fields = ['command', 'cmd', 'args', 'env', 'envs', 'url', 'uri', 'headers', 'type', 'name', 'enabled', 'disabled', 'cwd'] as const;

function scalar(random: Random): unknown {
  return pick<unknown>(random, [
    'node',
    `--token=${canary}`,
    canary,
    '',
    null,
    true,
    0,
    -1e9,
    '\0',
    '\ud800',
    '${X:-y}',
    '__proto__',
    'a\nb',
  ]);
}

function value(random: Random, depth: number): unknown {
  if (depth > 4 || random() < 0.4) {
    return scalar(random);
  }
  const items = Array.from({ length: Math.floor(random() * 4) }, () => value(random, depth + 1));
  return random() < 0.4
    ? items
    : Object.fromEntries(items.map((item) => [pick(random, [...fields, '__proto__', 'constructor', ...keys]), item]));
}

function json(random: Random): string {
  const servers = Object.fromEntries(
    Array.from({ length: Math.floor(random() * 5) }, (_, index) => [
      pick(random, [`s${index}`, '__proto__', 'toString', '']),
      value(random, 1),
    ]),
  );
  const file = {
    ...Object.fromEntries(keys.map((key) => [key, random() < 0.8 ? servers : value(random, 1)])),
    projects: value(random, 2),
    plugins: value(random, 2),
  };
  return JSON.stringify(file, undefined, pick(random, [0, 2, '\t']));
}

function toml(random: Random): string {
  const word = (): string => JSON.stringify(String(scalar(random))).replaceAll('\\ud800', 'x');
  const tables = Array.from({ length: Math.floor(random() * 5) }, (_, index) =>
    [
      pick(random, [`[mcp_servers.s${index}]`, '[[mcp_servers]]', '[mcp_servers.__proto__]', `[projects.${word()}]`]),
      `name = ${word()}`,
      `command = ${word()}`,
      `args = [${word()}, ${word()}]`,
      `env = { K = ${word()} }`,
    ].join(pick(random, ['\n', '\r\n'])),
  );
  return tables.join('\n');
}

function yaml(random: Random): string {
  const line = (): string =>
    pick(random, [
      '  - name: a',
      `    command: ${canary}`,
      '  a:',
      '    args: [1, 2]',
      '    <<: *x',
      '    env: &x {K: v}',
      '    ? {a: b}',
      '  <<: [*x, *x]',
      '    !!binary |',
      '    __proto__: {a: b}',
      '---',
      '    url: "http://h',
      '\t',
      '# c',
      '    enabled: no',
      "    cmd: 'it''s'",
      '    text: |',
      `      ${canary}`,
      '  - *x',
    ]);
  return [`${pick(random, keys)}:`, ...Array.from({ length: Math.floor(random() * 12) }, line)].join(pick(random, ['\n', '\r\n']));
}

/** Repetitions that cost time in the square of their number, where a reader is careless. */
function bomb(random: Random): string {
  const times = Math.floor(random() ** 3 * 3_000);
  return pick(random, [
    () => '['.repeat(times),
    () => '{"a":'.repeat(times),
    () => `mcp_servers = ${'{a='.repeat(times)}`,
    () => `${'- '.repeat(times)}a`,
    () => `a: &a [x]\n${Array.from({ length: 40 }, (_, index) => `b${index}: &b${index} [${'*a,'.repeat(9)}]`).join('\n')}`,
    () =>
      `mcpServers:\n${Array.from({ length: 30 }, (_, index) => ` a${index}: &a${index} [${index > 0 ? `*a${index - 1},*a${index - 1}` : 'x'}]`).join('\n')}`,
    () => '"'.repeat(times),
    () => `# ${'\0'.repeat(times)}`,
    () => `{"mcpServers": {${'"x": {"command": "y"}, '.repeat(times)}}}`,
    () => '? '.repeat(times),
    () => 'a:\n '.repeat(times),
  ])();
}

function mutated(random: Random, text: string): string {
  const bytes = Buffer.from(text);
  for (let changes = Math.floor(random() * 4); changes > 0 && bytes.length > 0; changes--) {
    bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
  }
  const at = Math.floor(random() * text.length);
  const cut = random();
  return cut < 0.6
    ? bytes.toString()
    : cut < 0.8
      ? text.slice(0, at)
      : text.slice(0, at) + pick(random, ['\0', '\ufeff', ',', '}', ']', '"', '\n', ': ', '&a ', '*a', '<<: *a\n']) + text.slice(at);
}

describe('readers of all formats', () => {
  it(`read ${count} hostile files without an error, within a second each, and no message holds a value`, async function () {
    this.timeout(Math.max(60_000, count * 20));
    const readers = await Promise.all(formats.map(async (id) => ({ id, format: await formatOf(id) })));
    let entries = 0;
    for (let seed = first; seed < first + count; seed++) {
      const random = randomFrom(seed);
      const { id, format } = readers[seed % readers.length] ?? { id: '', format: undefined };
      const own = /^(codex|vibe)-/.test(id) ? toml : /^(goose|continue|hermes|librechat)-/.test(id) ? yaml : json;
      const made = pick(random, [own, own, own, own, own, own, json, toml, yaml, bomb])(random);
      const text = random() < 0.3 ? made : mutated(random, made);
      const began = processorTime();
      const messages: string[] = [];
      try {
        const file = withinLimits(
          format?.read(text) ?? { entries: [], problems: [], folders: [], trust: new Map(), switchedOff: [], secrets: [] },
        );
        messages.push(...file.problems.map(({ message }) => message));
        for (const entry of file.entries) {
          entries++;
          // The name of an entry is shown, its values are not.
          messages.push((readEntry(entry, file.plainUrl).problem ?? '').replace(`“${entry.name}”`, ''));
        }
        for (const { line, column } of [...file.problems, ...file.entries.map((entry) => ({ ...entry, column: undefined }))]) {
          ok(line >= 1 && (column ?? 1) >= 1 && line <= text.split('\n').length + 1, `line ${line}`);
        }
      } catch (error) {
        throw new Error(`file ${seed} of ${id}: ${error}`);
      }
      const took = processorTime() - began;
      ok(took < hangMs, `file ${seed} of ${id} took ${Math.round(took)} ms`);
      ok(!messages.some((message) => message.includes(canary)), `file ${seed} of ${id} shows a value: ${messages.join(' / ')}`);
    }
    ok(entries > count / 20, `only ${entries} entries were read: the files are too broken to test anything`);
    ok(Reflect.get({}, 'command') === undefined, 'no file changed the prototype of all objects');
  });
});
