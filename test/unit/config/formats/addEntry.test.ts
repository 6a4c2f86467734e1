import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, it } from 'mocha';
import type { FormatId } from '../../../../src/clients/clientDescription.ts';
import { clientById } from '../../../../src/clients/clientTable.ts';
import { addEntry } from '../../../../src/config/formats/addEntry.ts';
import { EditRefused } from '../../../../src/config/formats/commandEdits.ts';
import { entryForm, type LocalEntry } from '../../../../src/config/formats/entryForms.ts';
import { formatOf } from '../../../../src/config/formats/formats.ts';
import { readEntry } from '../../../../src/config/formats/serverEntry.ts';
import { Tree } from '../tree.ts';

const entry: LocalEntry = { name: 'new one', words: ['npx', '-y', 'a"\\ü', '#x: y'], env: { KEY: 'no', 'B C': "it's: {a}" }, cwd: '/work' };

async function added(format: FormatId, text: string, client = ''): Promise<string> {
  const form = entryForm(clientById(client) ?? {}, format);
  ok(form, `${format} has a form`);
  const after = await addEntry(format, form, text, entry);
  const found = (await formatOf(format)).read(after).entries.find(({ name }) => name === entry.name);
  const { fields } = found ? readEntry(found) : {};
  deepEqual([fields?.command, ...(fields?.args ?? [])], entry.words);
  deepEqual(fields?.env, entry.env);
  deepEqual([fields?.enabled, fields?.transport], [true, 'stdio']);
  equal(fields?.cwd, form.cwd && entry.cwd);
  return after;
}

describe('addEntry', () => {
  let tree: Tree;
  beforeEach(() => {
    tree = new Tree();
  });
  afterEach(() => tree.remove());

  it('adds an entry to every client’s file in its form, and the others stay', async () => {
    const formats = new Set<string>();
    for (const fixtures of [
      ['captured', 'written', 'opencode'],
      ['addmcp', 'handmade'],
    ]) {
      tree.remove();
      tree = new Tree();
      for (const fixture of fixtures) {
        tree.copy(`${fixture}/home`, tree.home);
      }
      tree.copy('windows', tree.home);
      for (const { file, format: id, client, scope } of (await tree.discover()).definitions) {
        const format = id as FormatId;
        if (scope !== 'user' || !entryForm(clientById(client) ?? {}, format)) {
          continue;
        }
        formats.add(format);
        const text = readFileSync(file, 'utf8').replace(/^\ufeff/, '');
        const { read } = await formatOf(format);
        const others = (source: string): unknown[] => read(source).entries.map(({ name, folder, value }) => [name, folder, value]);
        const after = await added(format, text, client).catch((error: unknown) =>
          Promise.reject(new Error(file + text.slice(0, 600), { cause: error })),
        );
        deepEqual(
          others(after).filter((item) => (item as unknown[])[0] !== entry.name),
          others(text),
          file,
        );
        const kept = after.split('\n');
        ok(
          text
            .split('\n')
            .filter((line) => !kept.includes(line) && !kept.includes(`${line.trimEnd()},`) && !kept.includes(line.replace('\r', ',\r')))
            .length <= 1,
          `${file}: lines stay`,
        );
        await rejects(added(format, after, client), EditRefused, `${file}: nothing is replaced`);
      }
    }
    ok(formats.size >= 12, [...formats].join());
  });

  it('keeps comments, trailing commas, layout and line ends', async () => {
    const json = await added('mcp-servers', '{\r\n\t// mine\r\n\t"mcpServers": {\r\n\t\t"a": {}, // last\r\n\t},\r\n}\r\n');
    ok(!json.replaceAll('\r\n', '').includes('\n'));
    deepEqual(json.split('\r\n').slice(3, 6), ['\t\t"a": {}, // last', '\t\t"new one": {', '\t\t\t"command": "npx",']);
    const plain = await added('mcp-servers', '{\n  "mcpServers": {\n    "a": {} // last\n  }\n}');
    deepEqual(plain.split('\n').slice(2, 4), ['    "a": {}, // last', '    "new one": {']);
    for (const text of [
      '',
      '{}',
      '{"mcpServers":{}}',
      '{"mcpServers":{"a":{}}}',
      '{ "x": 1 }',
      '{\n  "mcpServers": { /* none */ }\n}',
      '{\n "mcpServers": {\n }\n}\n',
    ]) {
      await added('mcp-servers', text);
    }
    for (const text of ['', 'model = "x"', '[mcp_servers.a]\ncommand = "x" # last\n', '[mcp_servers]\r\na = { command = "x" }\r\n']) {
      ok((await added('codex-config', text)).startsWith(text));
    }
    for (const text of [
      '',
      'a: 1',
      'extensions: {}\nb: 1\n',
      'extensions:\n  # first\n  a: {cmd: x} # why\nb: 1\n',
      'extensions: {a: {cmd: x}}\n',
    ]) {
      await added('goose-config', text);
    }
    for (const [before, start, after] of [
      ['', 'extensions:', ' {}\nb: 1\n'],
      ['# mine\r\na: 1\r\n', '"extensions":', '   { }\r\nb: 1\r\n'],
      ['  a: 1\n', '  extensions:', ' {} # none yet\n'],
    ] as const) {
      const text = await added('goose-config', before + start + after);
      const indent = start.startsWith(' ') ? '    ' : '  ';
      ok(text.startsWith(`${before}${start}${text.includes('\r') ? '\r' : ''}\n${indent}new one:`), `in lines of its own: ${text}`);
      ok(text.includes(after.slice(after.indexOf('}') + 1)), 'what stands behind the braces stays');
    }
    await added('goose-config', 'extensions:\n  {}\n');
    await added('goose-config', '{extensions: {}}');
    for (const text of ['name: x\r\n', 'mcpServers:\n- name: a\n  command: x # c\n', 'mcpServers: []\n']) {
      await added('continue-config', text);
    }
  });

  it('refuses an entry that is there, mistakes, and other notations', async () => {
    for (const [format, text] of [
      ['mcp-servers', '{"mcpServers":{"new one":{}}}'],
      ['mcp-servers', '{"mcpServers":[]}'],
      ['mcp-servers', '[]'],
      ['mcp-servers', '{"mcpServers":{}'],
      ['codex-config', 'mcp_servers = {}\n'],
      ['codex-config', '[mcp_servers."new one"]\ncommand = "x"\n'],
      ['codex-config', '[['],
      ['goose-config', 'extensions: &a\n  b: {cmd: x}\n'],
      ['goose-config', 'extensions: [x]\n'],
      ['goose-config', 'extensions:\n'],
      ['continue-config', 'mcpServers:\n  - name: new one\n'],
      ['continue-config', 'a: [\n'],
    ] as const) {
      await rejects(added(format, text), EditRefused, `${format}: ${text}`);
    }
  });
});
