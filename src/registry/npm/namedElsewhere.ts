import { posix, win32 } from 'node:path';
import { parse } from 'smol-toml';
import { asRecord } from '../../base/json.ts';
import { yamlDocuments } from '../../base/yaml.ts';
import { isPublicAddress } from '../publicIndexes.ts';
import { readSettings, type SettingsSource } from '../settingsSource.ts';
import { parseNpmrc, withVariables } from './npmrc.ts';

/** A registry that the settings of yarn, pnpm or bun name; without a scope, the one for all packages. */
interface NamedRegistry {
  readonly scope?: string;
  readonly address: string;
}

/** Yarn reads all parent folders; only so many are read here. */
const mostFolders = 40;

/**
 * Whether the settings of yarn, pnpm or bun say that a package is not from the public registry. Which registry they name instead is not used: the public one is
 * not told the name, and no other is asked. A value that is no address, a variable for instance, counts as private.
 *
 * Files: yarn's documentation ("Settings", `.yarnrc.yml`; version 1: ".yarnrc"), bun's ("bunfig.toml", `install.registry`, `install.scopes`), pnpm's
 * ("Settings", `registries`; "pnpm config" for the places) and what pnpm records beside what it installed (`node_modules/.modules.yaml`).
 *
 * @param project folder whose `node_modules` the package is in; undefined for global installs
 * @throws UnreadableSettings when one of the files cannot be read or parsed
 */
export function namedElsewhere(name: string, project: string | undefined, source: SettingsSource): boolean {
  const scope = name.startsWith('@') ? name.slice(0, name.indexOf('/')) : undefined;
  const { env } = source;
  const variables = [env.YARN_NPM_REGISTRY_SERVER, env.YARN_REGISTRY, env.BUN_CONFIG_REGISTRY].filter((value) => value !== undefined);
  const named = [...variables.map((address): NamedRegistry => ({ address })), ...settingsOf(project, source)];
  return named.some((one) => (one.scope === undefined || one.scope === scope) && !isPublicAddress(one.address));
}

function settingsOf(project: string | undefined, source: SettingsSource): NamedRegistry[] {
  const { platform, home, env } = source;
  const { join, dirname } = platform === 'win32' ? win32 : posix;
  const folders = project === undefined ? [] : [project];
  for (let at = project; at !== undefined && dirname(at) !== at && folders.length < mostFolders; at = dirname(at)) {
    folders.push(dirname(at));
  }
  const configHome = env.XDG_CONFIG_HOME || join(home, '.config');
  const pnpmFolders = [
    join(configHome, 'pnpm'),
    ...(platform === 'darwin' ? [join(home, 'Library', 'Preferences', 'pnpm')] : []),
    ...(platform === 'win32' ? [join(home, 'AppData', 'Local', 'pnpm', 'config')] : []),
  ];
  const from = (paths: readonly string[], parser: (text: string) => NamedRegistry[] | undefined): NamedRegistry[] =>
    [...new Set(paths)].flatMap((path) => readSettings(source, path, parser) ?? []);
  const each = (file: string): string[] => folders.map((folder) => join(folder, file));
  return [
    ...from([...each('.yarnrc.yml'), join(home, '.yarnrc.yml')], yarnSettings),
    ...from([...each('.yarnrc'), join(home, '.yarnrc')], yarnOneSettings),
    ...from([...each('bunfig.toml'), join(home, '.bunfig.toml'), join(configHome, '.bunfig.toml')], bunSettings),
    ...from(
      [
        ...each('pnpm-workspace.yaml'),
        ...(project === undefined ? [] : [join(project, 'node_modules', '.modules.yaml')]),
        ...pnpmFolders.map((folder) => join(folder, 'config.yaml')),
      ],
      pnpmSettings,
    ),
    ...from(
      pnpmFolders.map((folder) => join(folder, 'rc')),
      (text) => pnpmUserSettings(text, env),
    ),
  ];
}

/** The general registry and those of scopes. Values that are not strings are ignored. */
function namedRegistries(general: unknown, scopes: readonly (readonly [scope: string, address: unknown])[]): NamedRegistry[] {
  return [
    ...(typeof general === 'string' ? [{ address: general }] : []),
    ...scopes.flatMap(([scope, address]) =>
      typeof address === 'string' ? [{ scope: scope.startsWith('@') ? scope : `@${scope}`, address }] : [],
    ),
  ];
}

/** `npmRegistryServer` at the top and below `npmScopes`. */
function yarnSettings(text: string): NamedRegistry[] | undefined {
  return yamlDocuments(text)?.flatMap((document) => {
    const { npmRegistryServer, npmScopes } = asRecord(document) ?? {};
    return namedRegistries(
      npmRegistryServer,
      Object.entries(asRecord(npmScopes) ?? {}).map(([scope, settings]) => [scope, asRecord(settings)?.npmRegistryServer]),
    );
  });
}

/** Yarn 1 has a format of its own, lines of `key "value"` or `key: value`, for which there is no parser. */
function yarnOneSettings(text: string): NamedRegistry[] {
  return [...text.matchAll(/^[ \t]*["']?(?:(@[\w.~-]+):)?registry["']?[ \t:]+["']?([^"'\s]+)/gm)].map(([, scope, address = '']) => ({
    address,
    ...(scope === undefined ? {} : { scope }),
  }));
}

function bunSettings(text: string): NamedRegistry[] | undefined {
  let install: Record<string, unknown> | undefined;
  try {
    install = asRecord(parse(text).install);
  } catch {
    return undefined;
  }
  const address = (value: unknown): unknown => asRecord(value)?.url ?? value;
  return namedRegistries(
    address(install?.registry),
    Object.entries(asRecord(install?.scopes) ?? {}).map(([scope, value]) => [scope, address(value)]),
  );
}

/** `registries` and `registry`. `.modules.yaml` is JSON in newer versions, which YAML includes. */
function pnpmSettings(text: string): NamedRegistry[] | undefined {
  return yamlDocuments(text)?.flatMap((document) => {
    const settings = asRecord(document) ?? {};
    const { default: general, ...scopes } = asRecord(settings.registries) ?? {};
    return [...namedRegistries(general, Object.entries(scopes)), ...keyedRegistries(Object.entries(settings))];
  });
}

function pnpmUserSettings(text: string, env: SettingsSource['env']): NamedRegistry[] | undefined {
  const entries = parseNpmrc(text);
  return entries && keyedRegistries([...entries].map(([key, value]) => [withVariables(key, env), value]));
}

/** `registry` and `@scope:registry` among other keys. */
function keyedRegistries(entries: readonly (readonly [key: string, value: unknown])[]): NamedRegistry[] {
  return namedRegistries(
    entries.find(([key]) => key === 'registry')?.[1],
    entries.flatMap(([key, value]) => {
      const scope = /^(@[^:]+):registry$/.exec(key)?.[1];
      return scope === undefined ? [] : [[scope, value] as const];
    }),
  );
}
