import { deepEqual, equal, ok, throws } from 'node:assert/strict';
import fc from 'fast-check';
import { before, describe, it } from 'mocha';
import { parse, stringify } from 'yaml';
import { type CommandEdits, EditRefused } from '../../../../src/config/formats/commandEdits.ts';
import { formatOf } from '../../../../src/config/formats/formats.ts';

const runs = process.env.TEST_LONG === '1' ? 5_000 : 100;
const words = ['/home/ädä’s "run"/bin\\mcp-shepherd', 'guard', '--on-stale', 'warn', '--'];

describe('yamlCommandEdits', () => {
  let goose: CommandEdits;
  let list: CommandEdits;
  before(async () => {
    const [map, items] = [(await formatOf('goose-config')).edits, (await formatOf('continue-config')).edits];
    ok(map && items, 'both can be changed');
    [goose, list] = [map, items];
  });

  /** Puts the words in front and takes them off again. @returns the text in between */
  function roundTrip(edits: CommandEdits, text: string, name: string): string {
    const entry = edits.words(text, { name });
    const wrapped = edits.prepend(text, { name }, words);
    deepEqual(edits.words(wrapped, { name }).words, [...words, ...entry.words]);
    equal(edits.strip(wrapped, { name }, words.length, entry.hasArgs), text);
    return wrapped;
  }

  it('keeps comments, quotes, layout and line ends, and moves the command as it was written', () => {
    const text =
      "# mine: 'x'\r\nextensions:\r\n  a:\r\n    cmd: npx # why\r\n    # these\r\n    args: # list\r\n    - -y\r\n    - '@scope/x' # y\r\n    envs: {K: v}\r\n  b: {}\r\n";
    const wrapped = roundTrip(goose, text, 'a');
    ok(!wrapped.replaceAll('\r\n', '').includes('\n'), 'no line end of another kind');
    deepEqual(wrapped.split('\r\n').slice(3, 14), [
      '    cmd: "/home/ädä’s \\"run\\"/bin\\\\mcp-shepherd" # why',
      '    # these',
      '    args: # list',
      '    - "guard"',
      '    - "--on-stale"',
      '    - "warn"',
      '    - "--"',
      '    - npx',
      '    - -y',
      "    - '@scope/x' # y",
      '    envs: {K: v}',
    ]);
  });

  it('adds a list where there is none, in a map, a list and between braces', () => {
    const added = roundTrip(goose, 'extensions:\n  a:\n    cmd: uvx # why\n    type: stdio\n', 'a');
    equal(
      added,
      'extensions:\n  a:\n    cmd: "/home/ädä’s \\"run\\"/bin\\\\mcp-shepherd" # why\n    args:\n      - "guard"\n      - "--on-stale"\n      - "warn"\n      - "--"\n      - uvx\n    type: stdio\n',
    );
    for (const text of [
      'extensions:\n  a:\n    cmd: uvx',
      'extensions: {a: {cmd: uvx, type: stdio}}',
      '{"extensions": {"a": {"cmd": "uvx"}}}',
      '{"extensions": {"a": {"cmd": "uvx", "args": [\n"x",\n "y",\n]}}}',
      'extensions:\n  a:\n    args: []\n    cmd: uvx\n',
      'extensions:\n  a:\n    args: []\n    cmd: uvx\nother: |\n  a:\n    cmd: x\n',
    ]) {
      roundTrip(goose, text, 'a');
    }
    for (const text of [
      'mcpServers:\n- command: uvx # c\n  name: a\n- name: b\n  command: x\n',
      "mcpServers:\n  - name: b\n    command: x\n  # the other\n  -   name: \"a\"\n      args: [x,\n        y]\n      command: 'it''s'\n",
      'mcpServers: [{name: a, command: x}]\n',
    ]) {
      roundTrip(list, text, 'a');
    }
  });

  it('what the client has written anew in its own way is taken back too, with an empty list where there was one', () => {
    const text = 'extensions:\n  a:\n    args:\n    - guard\n    - --\n    - npx\n    cmd: /x/mcp-shepherd\n';
    equal(goose.strip(text, { name: 'a' }, 3, false), 'extensions:\n  a:\n    args: []\n    cmd: npx\n');
    equal(goose.strip(text, { name: 'a' }, 3, true), 'extensions:\n  a:\n    args: []\n    cmd: npx\n');
  });

  it('refuses what other parts of the file may depend on, and what it cannot find or read', () => {
    const kinds = {
      anchor: 'extensions:\n  a: &a\n    cmd: x\n  b: *a\n',
      'anchored command': 'extensions:\n  a:\n    cmd: &c x\nother: *c\n',
      'anchored servers': 'extensions: &s\n  a:\n    cmd: x\nother: *s\n',
      alias: 'x: &x {cmd: x}\nextensions:\n  a: *x\n',
      'alias of the servers': 'x: &x {a: {cmd: x}}\nextensions: *x\n',
      'alias in the list': 'x: &x -y\nextensions:\n  a:\n    cmd: x\n    args: [*x]\n',
      'merge key': 'x: &x {args: [y]}\nextensions:\n  a:\n    <<: *x\n    cmd: x\n',
      'merged servers': 'x: &x {a: {cmd: y}}\nextensions:\n  <<: *x\n',
      tag: 'extensions:\n  a:\n    cmd: !env x\n',
    };
    for (const [kind, text] of Object.entries(kinds)) {
      throws(
        () => goose.prepend(text, { name: 'a' }, words),
        { name: 'EditRefused', message: /anchor, an alias, a tag or a merge key/ },
        kind,
      );
    }
    const others = {
      mistake: 'extensions:\n  a: [\n',
      gone: 'extensions: {b: {cmd: x}}\n',
      'no command': 'extensions: {a: {uri: x}}\n',
      'not a word': 'extensions: {a: {cmd: 1}}\n',
      numbers: 'extensions: {a: {cmd: x, args: [1]}}\n',
      'several lines': 'extensions:\n  a:\n    cmd: >-\n      x\n',
      'plain text between brackets': 'extensions:\n  a:\n    cmd: a,b\n    args: [x]\n',
      'alias bomb': `a: &a [x]\n${'bcdefghij'.replace(/./g, (at) => `${at}: &${at} [${`*${String.fromCharCode(at.charCodeAt(0) - 1)},`.repeat(9)}]\n`)}extensions: {a: {cmd: x}}\n`,
    };
    for (const [kind, text] of Object.entries(others)) {
      throws(() => goose.prepend(text, { name: 'a' }, words), EditRefused, kind);
    }
    throws(() => list.prepend('mcpServers:\n- {name: a, command: x}\n- {name: a, command: y}\n', { name: 'a' }, words), /2 servers/);
  });

  it('any file: the command differs and nothing else, and the way back gives the same bytes', () => {
    const key = fc
      .oneof(fc.stringMatching(/^[a-z_][a-z0-9_-]{0,8}$/), fc.string({ minLength: 1, maxLength: 8 }))
      .filter((text) => !['__proto__', '<<'].includes(text));
    const word = fc.oneof(fc.stringMatching(/^[ -~]{1,12}$/), fc.string({ minLength: 1, maxLength: 8 }));
    const entry = fc.record(
      { cmd: word, args: fc.array(word, { maxLength: 3 }), envs: fc.dictionary(key, word, { maxKeys: 2 }), enabled: fc.boolean() },
      { requiredKeys: ['cmd'] },
    );
    const layout = fc.record({
      indent: fc.constantFrom(2, 4),
      indentSeq: fc.boolean(),
      collectionStyle: fc.constantFrom('any' as const, 'flow' as const, 'block' as const),
      defaultStringType: fc.constantFrom('PLAIN' as const, 'QUOTE_SINGLE' as const, 'QUOTE_DOUBLE' as const),
    });
    let changed = 0;
    fc.assert(
      fc.property(
        fc.dictionary(key, entry, { minKeys: 1, maxKeys: 3 }),
        layout,
        fc.boolean(),
        fc.boolean(),
        (all, style, windows, asList) => {
          const edits = asList ? list : goose;
          const servers = Object.entries(all).map(([name, { cmd, ...rest }]) => ({ name, ...rest, command: cmd }));
          const content = asList ? { mcpServers: servers } : { extensions: all };
          const plain = `# first\n${stringify({ model: ['x', { a: 1 }], ...content, last: 'it’s' }, { ...style, lineWidth: 0 })}# last`;
          const commented =
            style.collectionStyle === 'block' ? plain.replace(/^( *(?:type|cmd|command|enabled): \w+)$/gm, '$1 # why: "x"') : plain;
          const text = windows ? commented.replaceAll('\n', '\r\n') : commented;
          const [name = '', old = { cmd: '' }] = Object.entries(all)[0] ?? [];
          let after: string;
          try {
            after = edits.prepend(text, { name }, words);
          } catch (error) {
            // A text over several lines, or that means something else between brackets.
            ok(error instanceof EditRefused);
            return;
          }
          changed += 1;
          const [command, ...args] = [...words, old.cmd, ...(old.args ?? [])];
          const expected = parse(text);
          const found = asList ? expected.mcpServers[0] : expected.extensions[name];
          Object.assign(found, { [asList ? 'command' : 'cmd']: command, args });
          deepEqual(parse(after), expected);
          equal(edits.strip(after, { name }, words.length, old.args !== undefined), text);
        },
      ),
      { numRuns: runs },
    );
    ok(changed > runs * 0.6, `${changed} of ${runs} could be changed`);
  });
});
