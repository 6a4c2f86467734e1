import { deepEqual, equal } from 'node:assert/strict';
import { describe, it } from 'mocha';
import { lineDiff } from '../../../../src/cli/render/diffView.ts';
import { redacted } from '../../../../src/redaction/secretShapes.ts';
import { assertNames, assertOmits } from '../../../names.ts';

const same = (line: string): string => line;
const shown = (before: string, after: string, redact = same): string[] | undefined =>
  lineDiff(before, after, { redact, words: new Set(['@scope/pkg@1.2.3']) })?.map(({ sign, text }) => sign + text);

describe('lineDiff', () => {
  it('shows what differs with two lines around it, and keeps lines that both have', () => {
    deepEqual(shown('1\n2\n3\na\nkept\nb\n4\n5\n6', '1\n2\n3\nA\nkept\nB\nC\n4\n5\n6'), [
      ' 2',
      ' 3',
      '-a',
      '+A',
      ' kept',
      '-b',
      '+B',
      '+C',
      ' 4',
      ' 5',
    ]);
    deepEqual(shown('a', 'b'), ['-a', '+b']);
    deepEqual(shown('a\r\nb\r\n', 'a\r\nc\r\nb\r\n'), [' a', '+c', ' b']);
    equal(shown('x\nx\ny', 'x\ny')?.filter((line) => line === '-x').length, 1);
    deepEqual(shown('a', 'a\n'), ['-a', '+a']);
  });

  it('hides secrets, and shows nothing that a terminal would obey', () => {
    deepEqual(
      shown('\t"a \u001b[31m s3cret"', 'b', (line) => line.replace('s3cret', '…')),
      ['-  "a \\x1b[31m …"', '+b'],
    );
  });

  it('hides what may belong to an entry that cannot be read, whether its line changes or not', () => {
    const file = (command: string): string =>
      [
        '"broken": { "url": "", "headers": { "X-Own": "s3cr3t-0", "Y": "a b", "Z": "s3cr3t-1',
        '"one": { "x": "s3cr3t-2", "cwd": "/home/me", "args": ["@scope/pkg@1.2.3", "-y", \'s3cr3t-3\'],',
        `"command": "${command}", "s3cr3t-name": "s3cr3t-\\u0034", "q": "\\q! s3cr3t-5" }`,
      ].join('\n');
    const text = shown(file('node'), file('guard'))?.join('\n') ?? '';
    assertOmits(text, ...['0', '1', '2', '3', '4', '\\u0034', '5'].map((end) => `s3cr3t-${end}`));
    assertNames(text, 'broken', 'X-Own', 'a b', '/home/me', '@scope/pkg@1.2.3', '-y', 'node', 'guard', 's3cr3t-name');
  });

  it('leaves out what comments say, of JSON and of TOML, and takes no string for one', () => {
    const json = (command: string): string =>
      `"a": "x//y#z", // old word s3cr3t-1\n/* word s3cr3t-2\n s3cr3t-3 */ "b": 1,\n"command": "${command}", // s3cr3t-4\n// s3cr3t-5`;
    deepEqual(shown(json('node'), json('guard')), [
      ' /* … */',
      ' /* … */ "b": 1,',
      '-"command": "node", // …',
      '+"command": "guard", // …',
      ' // …',
    ]);
    const toml = (command: string): string => `c = "it's"# s3cr3t-6\nd = 'a"b' # s3cr3t-7\ncommand = "${command}" # 's3cr3t-8`;
    deepEqual(shown(toml('node'), toml('guard')), [
      ` c = "${redacted}"# …`,
      ` d = 'a"b' # …`,
      '-command = "node" # …',
      '+command = "guard" # …',
    ]);
  });

  it('YAML: shows names, ordinary values and the words of the command, and nothing else', () => {
    const file = (command: string): string =>
      [
        '# s3cr3t-0',
        'TOKEN: s3cr3t-1 x',
        'KEY: "s3cr3t-2"',
        "- 's3cr3t-3' # s3cr3t-4",
        `cmd: ${command} # it's s3cr3t-5`,
        'envs: {A: s3cr3t-6, "B": "s3cr3t-7", C: node}',
        '- @scope/pkg@1.2.3',
        'text: "a',
        '  s3cr3t-8" # b',
      ].join('\n');
    const lines = lineDiff(file('npx'), file('"guard"'), { redact: same, words: new Set(['@scope/pkg@1.2.3']), isYaml: true }) ?? [];
    deepEqual(
      lines.map(({ sign, text }) => sign + text),
      [
        ` KEY: "${redacted}"`,
        ` - '${redacted}' # …`,
        '-cmd: npx # …',
        '+cmd: "guard" # …',
        ` envs: {A: ${redacted}, "B": "${redacted}", C: node}`,
        ' - @scope/pkg@1.2.3',
      ],
    );
    for (const line of file('npx').split('\n')) {
      const text = lineDiff(`${line}\na`, `${line}\nb`, { redact: same, words: new Set(), isYaml: true })?.[0]?.text ?? '';
      assertOmits(text, 's3cr3t');
    }
    equal(lineDiff('x: |\n  Bearer abc123xyz', 'x', { redact: same, words: new Set(), isYaml: true })?.[1]?.text, `  ${redacted}`);
  });

  it('shows places far from each other as pieces, with a gap between them', () => {
    const before = Array.from({ length: 30 }, (_, index) => `${index}`).join('\n');
    deepEqual(shown(before, before.replace('\n3\n', '\nx\n').replace('\n25\n', '\ny\n')), [
      ...[' 1', ' 2', '-3', '+x', ' 4', ' 5', ' …', ' 23', ' 24', '-25', '+y', ' 26', ' 27'],
    ]);
  });

  it('shows a change in a file without line breaks, with a line for each value', () => {
    const others = Object.fromEntries(
      Array.from({ length: 50 }, (_, index) => [`other${index}`, { command: 'node', args: ['a, {b}', '-y'] }]),
    );
    const file = (command: string, args: readonly string[]): string =>
      JSON.stringify({ mcpServers: { ...others, notes: { command, args, env: { TOKEN: 's3cr3t-4711 x' } } } });
    const lines = shown(file('npx', ['-y']), file('/run/mcp-shepherd', ['guard', '--', 'npx', '-y'])) ?? [];
    deepEqual(
      lines.filter((line) => /^[-+]/.test(line)),
      ['-"command":"npx",', '+"command":"/run/mcp-shepherd",', '+"guard",', '+"--",', '+"npx",'],
    );
    assertOmits(lines.join('\n'), 's3cr3t');
    const toml = (command: string): string => `${'x = 1\n'.repeat(3)}notes = { command = '${command}', note = "${'a b '.repeat(150)}" }\n`;
    deepEqual(
      shown(toml('npx'), toml('guard'))?.filter((line) => /^[-+]/.test(line)),
      ["- command = 'npx',", "+ command = 'guard',"],
    );
  });

  it('cuts nothing that differs: what is too long to be read is not shown at all', () => {
    const long = 'x'.repeat(3_900);
    deepEqual(shown(long, 'y'), [' … (with more line breaks than the file has)', `-${long}`, '+y']);
    equal(shown('x'.repeat(4_001), 'y'), undefined);
    const spaces = `${' '.repeat(1_000_000)}"a"`;
    equal(shown(spaces, `${spaces},`), undefined, 'and does not take long');
  });

  it('does not take long over many lines', () => {
    const many = Array.from({ length: 5_000 }, (_, index) => `line ${index}`).join('\n');
    equal(shown(many, many.replaceAll('line', 'Line')), undefined);
    deepEqual(shown(many, many.replace('line 2500\n', 'another\n')), [
      ...[' line 2498', ' line 2499', '-line 2500', '+another', ' line 2501', ' line 2502'],
    ]);
  });
});
