import { parse as parseJsonc } from 'jsonc-parser';
import { asRecord } from '../../base/json.ts';
import { yamlDocuments } from '../../base/yaml.ts';

/** One package of a lock file. */
export interface LockedPackage {
  /** `name@` and a version or a source. */
  readonly id: string;
  readonly version?: string;
  /** The address of the archive, where the file names one. */
  readonly archive?: string;
}

/** The packages of a `pnpm-lock.yaml`, which names an archive only when it is not the one of the configured registry. Undefined when it cannot be parsed. */
export function pnpmLocked(text: string): LockedPackage[] | undefined {
  return yamlDocuments(text)?.flatMap((document) =>
    Object.entries(asRecord(asRecord(document)?.packages) ?? {}).map(([key, entry]) => {
      const { version, resolution } = asRecord(entry) ?? {};
      // Keys of format 6 begin with a slash and end with the peers in parentheses.
      return lockedPackage(key.replace(/^\//, '').replace(/\(.*$/s, ''), version, asRecord(resolution)?.tarball);
    }),
  );
}

/** The packages of a `bun.lock`: lists that begin with the id and, for packages of a registry, the archive. Undefined when it cannot be parsed. */
export function bunLocked(text: string): LockedPackage[] | undefined {
  const errors: unknown[] = [];
  let root: unknown;
  try {
    root = parseJsonc(text, errors as never[], { allowTrailingComma: true });
  } catch {
    // Nested deeper than the stack.
    return undefined;
  }
  return errors.length > 0
    ? undefined
    : Object.values(asRecord(asRecord(root)?.packages) ?? {}).flatMap((entry) =>
        Array.isArray(entry) && typeof entry[0] === 'string' ? [lockedPackage(entry[0], undefined, entry[1])] : [],
      );
}

/**
 * The packages of a `yarn.lock` of Yarn 2 and newer. Undefined when it cannot be parsed. An archive that is not where the registry would have it stands in the
 * resolution: `name@npm:1.0.0::__archiveUrl=…`.
 */
export function yarnLocked(text: string): LockedPackage[] | undefined {
  return yamlDocuments(text)?.flatMap((document) =>
    Object.values(asRecord(document) ?? {}).flatMap((entry) => {
      const { version, resolution } = asRecord(entry) ?? {};
      const [id = '', bindings] = typeof resolution === 'string' ? resolution.split('::', 2) : [];
      return id === '' ? [] : [lockedPackage(id, version, new URLSearchParams(bindings).get('__archiveUrl') ?? undefined)];
    }),
  );
}

/** The packages of a `yarn.lock` of Yarn 1, a format of its own: ids at the start of a line, `  key "value"` below them. Ids hold what was asked for. */
export function yarnOneLocked(text: string): LockedPackage[] {
  let ids: string[] = [];
  const found: LockedPackage[] = [];
  for (const line of text.split(/\r?\n/)) {
    if (/^[^\s#]/.test(line)) {
      ids = line
        .replace(/:\s*$/, '')
        .split(/,\s*/)
        .map((id) => id.replaceAll('"', ''));
    } else if (line.startsWith('  resolved "')) {
      const archive = line.slice('  resolved "'.length).split('"', 1)[0];
      found.push(...ids.map((id) => lockedPackage(id, undefined, archive)));
    }
  }
  return found;
}

function lockedPackage(id: string, version: unknown, archive: unknown): LockedPackage {
  return {
    id,
    ...(typeof version === 'string' ? { version } : {}),
    // pnpm writes the address below its registry without the registry.
    ...(typeof archive === 'string' && /^[a-z][a-z\d+.-]*:/i.test(archive) ? { archive } : {}),
  };
}
