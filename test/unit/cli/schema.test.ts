import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { Definition, DefinitionScope, Transport } from '../../../src/model/definition.ts';
import type { Confidence, FindingKind, StaleSubKind } from '../../../src/model/finding.ts';
import type { Ecosystem, PackageChange } from '../../../src/model/package.ts';
import type { Problem } from '../../../src/model/problem.ts';
import type { Instance, InstanceEvidence } from '../../../src/model/snapshot.ts';
import { busySnapshot, snapshot } from './fixture.ts';
import { fullSnapshot } from './fullSnapshot.ts';
import { type SchemaNode, schema, schemaErrors } from './snapshotSchema.ts';

type BaselineTrust = NonNullable<InstanceEvidence['baseline']>['trust'];

/** All members of a union, held complete by the compiler: a member that is added or removed does not compile. */
function membersOf<Member extends string>(members: Record<Member, true>): string[] {
  return Object.keys(members).sort();
}

const unions: Readonly<Record<string, readonly string[]>> = {
  'definition.scope': membersOf<DefinitionScope>({ user: true, profile: true, workspace: true, project: true, local: true, managed: true }),
  'definition.transport': membersOf<Transport>({ stdio: true, http: true, sse: true, ws: true }),
  'definition.vscodeCollection': membersOf<NonNullable<Definition['vscodeCollection']>>({
    user: true,
    folder: true,
    'folder-dot-mcp': true,
    'workspace-file': true,
  }),
  'instance.transport': membersOf<Instance['transport']>({ stdio: true, http: true, unknown: true }),
  'package.ecosystem': membersOf<Ecosystem>({ npm: true, python: true, dotnet: true }),
  'change.direction': membersOf<PackageChange['direction']>({
    upgrade: true,
    downgrade: true,
    changed: true,
    removed: true,
    content: true,
  }),
  'finding.kind': membersOf<FindingKind>({
    stale: true,
    'files-gone': true,
    duplicate: true,
    orphan: true,
    unresponsive: true,
    'lock-conflict': true,
    'respawn-differs': true,
    'update-available': true,
    'config-changed': true,
    'port-taken': true,
  }),
  'finding.subKind': membersOf<StaleSubKind>({
    package: true,
    dependency: true,
    content: true,
    source: true,
    interpreter: true,
    binary: true,
  }),
  'finding.confidence': membersOf<Confidence>({ proven: true, likely: true, unknown: true }),
  'match.confidence': membersOf<Confidence>({ proven: true, likely: true, unknown: true }),
  'baseline.trust': membersOf<BaselineTrust>({ 'before-start': true, 'around-start': true, 'after-start': true }),
  'problem.source': membersOf<Problem['source']>({ config: true, process: true, package: true, facts: true, watch: true, lock: true }),
};

describe('the schema of the snapshot', () => {
  it('accepts a snapshot in which everything occurs, a busy one and an empty one', () => {
    assert.deepEqual(schemaErrors(fullSnapshot), []);
    assert.deepEqual(schemaErrors(busySnapshot()), []);
    assert.deepEqual(schemaErrors(snapshot()), []);
  });

  it('refuses a field that it does not describe, at any depth', () => {
    for (const path of objectPaths(fullSnapshot)) {
      const changed: unknown = structuredClone(fullSnapshot);
      Object.assign(at(changed, path) as object, { surplus: true });
      assert.ok(
        schemaErrors(changed).some((error) => error.includes('surplus') || error.includes('oneOf')),
        `a surplus field in /${path.join('/')}`,
      );
    }
  });

  it('names no field that the types do not have', () => {
    const described = new Set(
      definedObjects().flatMap(({ name, node }) => Object.keys(node.properties ?? {}).map((key) => `${name}.${key}`)),
    );
    const used = new Set<string>();
    collect(fullSnapshot, schema, used, 'snapshot');
    assert.deepEqual([...described].filter((field) => !used.has(field)).sort(), []);
  });

  it('requires exactly the fields that the types require', () => {
    for (const path of objectPaths(fullSnapshot)) {
      for (const key of Object.keys(at(fullSnapshot, path) as object)) {
        const without: unknown = structuredClone(fullSnapshot);
        Reflect.deleteProperty(at(without, path) as object, key);
        const optional =
          (optionalFields.has(key) ||
            (key === 'pid' && (path.at(-1) === 'port' || path[0] === 'problems')) ||
            (key === 'direction' && path.at(-1) === 'package')) &&
          !(key === 'file' && path.includes('actions')) &&
          !requiredHere(path, key);
        assert.equal(schemaErrors(without).length === 0, optional, `/${[...path, key].join('/')}`);
      }
    }
  });

  it('knows exactly the words that the types know', () => {
    for (const [place, words] of Object.entries(unions)) {
      const [name = '', key = ''] = place.split('.');
      assert.deepEqual([...(schema.$defs?.[name]?.properties?.[key]?.enum ?? [])].sort(), words, place);
    }
  });

  it('describes every field and closes every object', () => {
    for (const { name, node } of definedObjects()) {
      assert.equal(node.additionalProperties, false, name);
      for (const [key, property] of Object.entries(node.properties ?? {})) {
        assert.ok((property.description ?? (property.$ref && 'by reference') ?? '').length > 0, `${name}.${key} has no description`);
      }
    }
  });
});

/** Optional in the types, wherever they occur; `requiredHere` names the places where the same word is required. */
const optionalFields = new Set([
  'holderReason',
  'holderCommand',
  'record',
  'otherHolders',
  'origin',
  'guardPid',
  'idleSince',
  'problem',
  'refused',
  'latest',
  'command',
  'cwd',
  'url',
  'folder',
  'vscodeCollection',
  'guarded',
  'unknown',
  'running',
  'installed',
  'subKind',
  'file',
  'line',
  'column',
  'evidence',
  'port',
  'listens',
  'usedBy',
  'health',
  'version',
  'started',
  'uptimeSeconds',
]);

function requiredHere(path: readonly (string | number)[], key: string): boolean {
  const [part, , inner] = path;
  if (part === 'otherHolders' && key === 'record') {
    return true;
  }
  if (part === 'instances') {
    return (
      (inner === undefined && (key === 'command' || key === 'cwd')) ||
      inner === 'launchers' ||
      (inner === 'package' && key !== 'origin' && key !== 'latest' && key !== 'direction') ||
      (path.length > 2 && (key === 'evidence' || key === 'record' || key === 'port')) ||
      (inner === 'findings' && key !== 'subKind' && !(key === 'cwd' && path.includes('actions')))
    );
  }
  return (
    part === 'definitions' && ((inner === undefined && (key === 'file' || key === 'line')) || (inner === 'findings' && key === 'evidence'))
  );
}

function definedObjects(): { readonly name: string; readonly node: SchemaNode }[] {
  const found: { name: string; node: SchemaNode }[] = [];
  const walk = (name: string, node: SchemaNode): void => {
    if (node.properties) {
      found.push({ name, node });
    }
    for (const [key, property] of Object.entries(node.properties ?? {})) {
      walk(`${name}.${key}`, property);
    }
    for (const [index, option] of [...(node.oneOf ?? []), ...(node.anyOf ?? [])].entries()) {
      walk(`${name}#${index}`, option);
    }
    if (node.items) {
      walk(`${name}[]`, node.items);
    }
  };
  walk('snapshot', schema);
  for (const [name, node] of Object.entries(schema.$defs ?? {})) {
    walk(`$${name}`, node);
  }
  return found;
}

/** Walks value and schema together and notes each described field that the value really has, by the names of `definedObjects`. */
function collect(value: unknown, node: SchemaNode, used: Set<string>, name: string): void {
  if (node.$ref) {
    const target = node.$ref.replace('#/$defs/', '');
    collect(value, schema.$defs?.[target] ?? {}, used, `$${target}`);
    return;
  }
  if (Array.isArray(value)) {
    for (const item of value) {
      collect(item, node.items ?? {}, used, `${name}[]`);
    }
    return;
  }
  if (value === null || typeof value !== 'object') {
    return;
  }
  const record = value as Readonly<Record<string, unknown>>;
  for (const [index, option] of [...(node.oneOf ?? []), ...(node.anyOf ?? [])].entries()) {
    const kind = option.properties?.kind?.const;
    if (kind === undefined || kind === record.kind) {
      collect(value, option, used, `${name}#${index}`);
    }
  }
  for (const [key, inner] of Object.entries(record)) {
    const property = node.properties?.[key];
    if (property) {
      used.add(`${name}.${key}`);
      collect(inner, property, used, `${name}.${key}`);
    }
  }
}

type Path = (string | number)[];

function objectPaths(value: unknown, path: Path = []): Path[] {
  if (Array.isArray(value)) {
    return value.flatMap((item, index) => objectPaths(item, [...path, index]));
  }
  if (value === null || typeof value !== 'object') {
    return [];
  }
  return [path, ...Object.entries(value).flatMap(([key, inner]) => objectPaths(inner, [...path, key]))];
}

function at(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((inner, key) => (inner as Readonly<Record<string | number, unknown>>)[key], value);
}
