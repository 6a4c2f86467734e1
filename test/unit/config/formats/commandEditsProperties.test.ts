import assert from 'node:assert/strict';
import fc from 'fast-check';
import { parse as parseJsonc } from 'jsonc-parser';
import { describe, it } from 'mocha';
import { parse as parseToml, stringify as writeToml } from 'smol-toml';
import { formatNamed } from '../../../../src/config/formats/formats.ts';

const key = fc
  .oneof(fc.stringMatching(/^[a-z_][a-z0-9_-]{0,8}$/), fc.string({ minLength: 1, maxLength: 8 }))
  .filter((text) => text !== '__proto__');
const word = fc.oneof(fc.stringMatching(/^[ -~]{1,12}$/), fc.string({ minLength: 1, maxLength: 8, unit: 'binary' }));
const entry = fc.record(
  { command: word, args: fc.array(word, { maxLength: 3 }), env: fc.dictionary(key, word, { maxKeys: 2 }), enabled: fc.boolean() },
  { requiredKeys: ['command'] },
);
const servers = fc.dictionary(key, entry, { minKeys: 1, maxKeys: 3 });
const front = fc.array(word, { minLength: 1, maxLength: 4 });

/** Adds words to the first server and takes them off again. */
function check(
  format: string,
  text: string,
  servers_: Record<string, { command: string; args?: string[] }>,
  words: string[],
  read: (text: string) => unknown,
): void {
  const edits = formatNamed(format)?.edits;
  const [name = '', before = { command: '' }] = Object.entries(servers_)[0] ?? [];
  assert.ok(edits);
  const changed = edits.prepend(text, { name }, words);
  const [command, ...args] = [...words, before.command, ...(before.args ?? [])];
  assert.deepEqual(plain(read(changed)), plain({ ...servers_, [name]: { ...before, command, args } }));
  assert.deepEqual(edits.words(changed, { name }).words, [command, ...args]);
  assert.equal(edits.strip(changed, { name }, words.length, before.args !== undefined), text);
}

/** Without the prototypes that parsers give to objects. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

describe('command edits of any file', () => {
  it('JSON: the result has the new command and is otherwise the same, and the way back gives the same bytes', () => {
    const layout = fc.tuple(fc.constantFrom('', ' ', '  ', '\t'), fc.boolean(), fc.boolean());
    fc.assert(
      fc.property(servers, front, layout, (all, words, [indent, windows, comments]) => {
        const json = JSON.stringify({ other: [{ command: 'x' }], mcpServers: all }, undefined, indent);
        const commented = comments ? `// { "a": 1 }\n${json.replace('"mcpServers":', '/* "mcpServers": {} */ "mcpServers" :')}\n` : json;
        const text = windows ? commented.replaceAll('\n', '\r\n') : commented;
        check('mcp-servers', text, all, words, (result) => parseJsonc(result).mcpServers);
      }),
    );
  });

  it('TOML: the same', () => {
    fc.assert(
      fc.property(servers, front, fc.boolean(), fc.boolean(), (all, words, inline, windows) => {
        const tables = inline
          ? `mcp_servers = { ${Object.entries(all)
              .map(([name, { env: _, ...value }]) => `${JSON.stringify(name)} = { ${writeToml(value).trim().replaceAll('\n', ', ')} }`)
              .join(', ')} }\n`
          : writeToml({ mcp_servers: all });
        const text = `# [mcp_servers.x]\nmodel = "x" # command = "y"\n${tables}`;
        const given = inline ? Object.fromEntries(Object.entries(all).map(([name, { env: _, ...value }]) => [name, value])) : all;
        check('codex-config', windows ? text.replaceAll('\n', '\r\n') : text, given, words, (result) => parseToml(result).mcp_servers);
      }),
    );
  });
});
