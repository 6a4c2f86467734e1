import { deepEqual, equal, ok, throws } from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import type { FormatId } from '../../../../src/clients/clientDescription.ts';
import { EditRefused, type EntryPlace } from '../../../../src/config/formats/commandEdits.ts';
import { formatNamed, formatOf } from '../../../../src/config/formats/formats.ts';
import type { RawDefinition } from '../../../../src/model/definition.ts';
import { Tree, writableFormat } from '../tree.ts';

const words = ['/home/ädä’s "run"/bin\\mcp-shepherd', 'guard', '--on-stale', 'warn', '--'];

function editsOf(format: string) {
  const edits = formatNamed(format)?.edits;
  ok(edits, `${format} can be changed`);
  return edits;
}

/** Puts the words in front and takes them off again; the text in between must say what was wanted. */
function roundTrip(format: FormatId, text: string, place: EntryPlace, edits = editsOf(format)): string {
  const before = edits.words(text, place);
  const wrapped = edits.prepend(text, place, words);
  deepEqual(edits.words(wrapped, place).words, [...words, ...before.words]);
  equal(edits.strip(wrapped, place, words.length, before.hasArgs), text);
  return wrapped;
}

describe('commandEdits', () => {
  let tree: Tree;
  beforeEach(() => {
    tree = new Tree();
  });
  afterEach(() => tree.remove());

  it('changes every stdio entry of every client’s files and back, to the byte', async () => {
    const readOnly = new Set<string | undefined>();
    const changed = new Set<string | undefined>();
    for (const fixtures of [
      ['captured', 'written', 'opencode'],
      ['addmcp', 'handmade'],
    ]) {
      tree.remove();
      tree = new Tree();
      for (const fixture of fixtures) {
        tree.copy(`${fixture}/home`, tree.home);
        if (fixture !== 'addmcp') {
          tree.copy(`${fixture}/project`, tree.project);
        }
      }
      tree.copy('windows', tree.home);
      const reading = await tree.discover({ workspaceFiles: [join(tree.project, 'demo.code-workspace')] });
      for (const definition of reading.definitions.filter(({ transport }) => transport === 'stdio')) {
        const format = await formatOf(definition.format as FormatId);
        if (!format.edits) {
          readOnly.add(definition.format);
          continue;
        }
        changed.add(definition.format);
        const text = readFileSync(definition.file, 'utf8').replace(/^\ufeff/, '');
        const wrapped = roundTrip(definition.format as FormatId, text, placeOf(definition), format.edits);
        const others = (source: string): unknown[] =>
          format
            .read(source)
            .entries.filter((entry) => entry.name !== definition.name || entry.folder !== placeOf(definition).folder)
            .map(({ name, value }) => [name, value]);
        deepEqual(others(wrapped), others(text), `${definition.file}: the others stay`);
      }
    }
    deepEqual([...readOnly].sort(), ['augment-settings', 'mcpb-manifest', 'plugin-mcp', 'vibe-config']);
    deepEqual([...changed].sort(), [
      'amp-settings',
      'claude-state',
      'codex-config',
      'context-servers',
      'continue-config',
      'copilot-ide',
      'dot-mcp',
      'gemini-settings',
      'goose-config',
      'hermes-config',
      'kiro-mcp',
      'librechat-config',
      'mcp-map',
      'mcp-servers',
      'openclaw-config',
      'opencode-config',
      'qwen-settings',
      'settings-mcp-servers',
      'vscode-mcp',
      'vscode-settings',
      'vscode-workspace',
    ]);
  });

  it('keeps comments, layout and line ends of JSON, and moves the command as it was written', () => {
    const text =
      '{\r\n\t"servers": {\r\n\t\t"a": {\r\n\t\t\t"command": "C:\\\\x\\/é\\u00e9", // why\r\n\t\t\t"args": [ // list\r\n\t\t\t\t"-y", /* yes */\r\n\t\t\t\t"${input:k}",\r\n\t\t\t],\r\n\t\t},\r\n\t},\r\n}\r\n';
    const wrapped = roundTrip('vscode-mcp', text, { name: 'a' });
    const lines = wrapped.split('\r\n');
    ok(!wrapped.replaceAll('\r\n', '').includes('\n'), 'no line end of another kind');
    deepEqual(lines.slice(3, 12), [
      '\t\t\t"command": "/home/ädä’s \\"run\\"/bin\\\\mcp-shepherd", // why',
      '\t\t\t"args": [ // list',
      '\t\t\t\t"guard",',
      '\t\t\t\t"--on-stale",',
      '\t\t\t\t"warn",',
      '\t\t\t\t"--",',
      '\t\t\t\t"C:\\\\x\\/é\\u00e9",',
      '\t\t\t\t"-y", /* yes */',
      '\t\t\t\t"${input:k}",',
    ]);
  });

  it('gives and takes a list of arguments where there was none', () => {
    for (const text of [
      '{"mcpServers":{"a":{"command":"x"}}}',
      '{ "mcpServers": { "a": { "command": "x", "env": { "args": "no" } } } }',
      '{\n  "mcpServers": {\n    "a": {\n      "command": "x", // runs\n      "env": {}\n    }\n  }\n}',
      '{"mcpServers":{"a":{"command":"x","args":[]}}}',
      '{"mcpServers":{"a":{"args":[ /* none */ ],\n"command":"x"}}}',
    ]) {
      roundTrip('mcp-servers', text, { name: 'a' });
    }
    // What Zed once wrote.
    const nested = roundTrip('context-servers', '{"context_servers":{"a":{"command":{"path":"x","env":{}}}}}', { name: 'a' });
    equal(JSON.parse(nested).context_servers.a.command.args.at(-1), 'x');
    const wrapped = editsOf('mcp-servers').prepend('{\n  "mcpServers": {\n    "a": {\n      "command": "x"\n    }\n  }\n}', { name: 'a' }, [
      's',
      '--',
    ]);
    equal(wrapped, '{\n  "mcpServers": {\n    "a": {\n      "command": "s",\n      "args": ["--", "x"]\n    }\n  }\n}');
  });

  it('changes the entry that counts: the later of two with one name, the first map of several, the map alone', () => {
    const twice = '{"mcpServers":{"a":{"command":"first"},"a":{"command":"second"}}}';
    ok(roundTrip('mcp-servers', twice, { name: 'a' }).includes('"first"}'));
    const both = '{"mcp":{"servers":{"a":{"type":"local","command":["never"]}},"a":{"type":"local","command":["runs"]}}}';
    ok(roundTrip('opencode-config', both, { name: 'a' }).includes('["never"]'));
    roundTrip('opencode-config', '{"mcp":{"servers":{"command":["x"]}}}', { name: 'servers' });
    roundTrip('dot-mcp', '{"a":{"command":"x"},"b":{"command":"y"}}', { name: 'b' });
    roundTrip('vscode-settings', '{"mcp.servers":{"a":{"command":"x"}}}', { name: 'a' });
  });

  it('finds Claude Code’s local entries by their project', () => {
    const text = '{"mcpServers":{"a":{"command":"user"}},"projects":{"/p/q":{"mcpServers":{"a":{"command":"local"}}}}}';
    ok(roundTrip('claude-state', text, { name: 'a', folder: '/p/q' }).includes('"user"'));
    ok(roundTrip('claude-state', text, { name: 'a' }).includes('"local"'));
  });

  for (const [what, text] of Object.entries({
    'a table':
      '# mine\n[mcp_servers.a] # this\ncommand = "npx" # run\nargs = ["-y", "pkg"] # so\n\n[mcp_servers.a.env]\nargs = "[]"\n[other]\nx = 1\n',
    'a table without arguments': '[mcp_servers.a]\ncommand = "npx" # run\nenabled = true\n',
    'an indented table with Windows line ends': '[mcp_servers]\r\n  [mcp_servers."a"]\r\n  command = \'C:\\x\'\r\n  env = { A = "1" }\r\n',
    'arguments line by line': '[mcp_servers.a]\nargs = [\n  # first\n  "-y",\n  "x", # second\n]\ncommand = """npx"""\n',
    'dotted keys': 'mcp_servers.a.command = "npx"\nmcp_servers.b.command = "other"\n',
    'dotted keys in a table': '[mcp_servers]\na . "command" = "npx"\na.cwd = "/"\n',
    'an inline table': 'mcp_servers = { a = { command = "npx" }, b = { command = "x" } }\n',
    'an inline table with arguments': '[mcp_servers]\na = { args = [], command = "npx" } # end',
    'dates, lists of tables and texts that look like tables':
      'when = 1979-05-27 07:32:00 # day\nt = """\n[mcp_servers.a]\ncommand = "no" \\""""\n[[list]]\nmcp_servers.a.command = "no"\n[mcp_servers.a]\ncommand = \'npx\'\n',
  })) {
    it(`changes TOML written as ${what}`, () => {
      const wrapped = roundTrip('codex-config', text, { name: 'a' });
      for (const comment of text.match(/# \w+/g) ?? []) {
        ok(wrapped.includes(comment), `${comment} is kept`);
      }
      equal(wrapped.split('\r\n').length > 1, text.includes('\r\n'));
    });
  }

  it('refuses what it cannot change safely', () => {
    const refused = (format: FormatId, text: string, name: string, why: RegExp) =>
      throws(
        () => editsOf(format).prepend(text, { name }, ['s', '--']),
        (error) => error instanceof EditRefused && why.test(error.message),
      );
    refused('mcp-servers', '{"mcpServers":{"a":{"command":"x"}}}', 'b', /no longer has a server “b”/);
    refused('mcp-servers', '{"mcpServers":{"a":{"url":"https://x"}}}', 'a', /no command/);
    refused('mcp-servers', '{"mcpServers":{"a":{"command":"x","args":[1]}}}', 'a', /not a list of strings/);
    refused('mcp-servers', '{"mcpServers":{"a":{"command":"x"}}', 'a', /mistake in line 1/);
    refused('opencode-config', '{"mcp":{"a":{"command":["x", 7]}}}', 'a', /no command/);
    refused('codex-config', '[mcp_servers.a]\nurl = "https://x"\n', 'a', /no command/);
    refused('codex-config', '[mcp_servers.a\n', 'a', /mistake/);
    refused('codex-config', '', '__proto__', /no longer has a server/);
    throws(() => editsOf('mcp-servers').strip('{"mcpServers":{"a":{"command":"x"}}}', { name: 'a' }, 1, false), EditRefused);
    equal(writableFormat('claude-settings').edits, undefined, 'files without servers are never written');
  });
});

function placeOf(definition: RawDefinition): EntryPlace {
  return {
    name: definition.name,
    ...(definition.scope === 'local' && definition.folder !== undefined ? { folder: definition.folder } : {}),
  };
}
