import { deepEqual } from 'node:assert/strict';
import { describe, it } from 'mocha';
import { withReplacements } from '../../../../src/config/discovery/replacedEntries.ts';
import type { RawDefinition } from '../../../../src/model/definition.ts';

const entry = (client: string, scope: RawDefinition['scope'], file: string, more: Partial<RawDefinition> = {}): RawDefinition => ({
  id: file,
  client,
  readBy: [client],
  scope,
  file,
  line: 3,
  name: 'notes',
  transport: 'stdio',
  command: 'node',
  args: [],
  env: {},
  secrets: [],
  enabled: true,
  ...more,
});

/** The files that replace each file, with the folder where that holds. */
function replaced(...definitions: RawDefinition[]): Record<string, string[]> {
  return Object.fromEntries(
    withReplacements(definitions).map(({ file, replacedBy = [] }) => [
      file,
      replacedBy.map((by) => `${by.file} ${by.folder ?? 'everywhere'}`),
    ]),
  );
}

const cases: readonly [string, readonly RawDefinition[], Record<string, string[]>][] = [
  [
    'local before project before user, in that project alone',
    [
      entry('claude-code', 'user', 'u'),
      entry('claude-code', 'project', 'p', { folder: '/w' }),
      entry('claude-code', 'local', 'l', { folder: '/w' }),
      entry('claude-code', 'project', 'q', { folder: '/x' }),
    ],
    { u: ['p /w', 'l /w', 'q /x'], p: ['l everywhere'], l: [], q: [] },
  ],
  ['managed first', [entry('gemini', 'user', 'u'), entry('gemini', 'managed', 'm')], { u: ['m everywhere'], m: [] }],
  [
    'everything but the administrator’s in Claude Code, which then uses no others',
    [
      entry('claude-code', 'user', 'u'),
      entry('claude-code', 'project', 'p', { folder: '/w', name: 'x' }),
      entry('claude-code', 'user', 'plugin', { format: 'plugin-mcp', name: 'y' }),
      entry('claude-code', 'managed', 'm', { name: 'corp' }),
      entry('cursor', 'user', 'c'),
    ],
    { u: ['m everywhere'], p: ['m everywhere'], plugin: ['m everywhere'], m: [], c: [] },
  ],
  ['managed last in Codex', [entry('codex', 'user', 'u'), entry('codex', 'managed', 'm')], { u: [], m: ['u everywhere'] }],
  ['nothing in VS Code', [entry('vscode', 'user', 'u'), entry('vscode', 'workspace', 'w', { folder: '/w' })], { u: [], w: [] }],
  ['nothing of another client', [entry('cursor', 'user', 'u'), entry('kiro', 'project', 'p', { folder: '/w' })], { u: [], p: [] }],
  ['nothing of another name', [entry('cursor', 'user', 'u'), entry('cursor', 'project', 'p', { name: 'x' })], { u: [], p: [] }],
  ['nothing by one that is off', [entry('cursor', 'user', 'u'), entry('cursor', 'project', 'p', { enabled: false })], { u: [], p: [] }],
  ['nothing by a profile', [entry('codex', 'user', 'u'), entry('codex', 'profile', 'p')], { u: [], p: [] }],
  [
    'nothing of a plugin',
    [entry('claude-code', 'user', 'u', { format: 'plugin-mcp' }), entry('claude-code', 'project', 'p')],
    { u: [], p: [] },
  ],
];

describe('withReplacements', () => {
  for (const [what, definitions, expected] of cases) {
    it(what, () => deepEqual(replaced(...definitions), expected));
  }
});
