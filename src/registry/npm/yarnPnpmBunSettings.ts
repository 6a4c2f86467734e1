import { posix, win32 } from 'node:path';
import { parse } from 'smol-toml';
import { asRecord } from '../../base/json.ts';
import { isPublicAddress } from '../publicIndexes.ts';
import type { SettingsSource } from '../settingsSource.ts';
import { parseNpmrc } from './npmrc.ts';

/** A registry that the settings of yarn, pnpm or bun name; without scope, the one for everything. */
interface NamedRegistry {
  readonly scope?: string;
  readonly address: string;
}

/** A scope's own lines are few. */
const mostLines = 50;
/** Workspaces keep such files in a folder above; more are not looked through. */
const mostFolders = 40;

/**
 * Whether yarn's, pnpm's or bun's own settings say that a package is not from the public registry. They are not asked for more than that: whom such a
 * manager would ask instead is left to it, but the public registry is not told the name. What cannot be read as an address counts as private.
 *
 * Files: yarn's documentation ("Settings", `.yarnrc.yml`; version 1: ".yarnrc"), bun's ("bunfig.toml", `install.registry`, `install.scopes`), pnpm's
 * ("Settings", `registries`) and what pnpm writes down beside what it installed (`node_modules/.modules.yaml`).
 *
 * @param project folder whose `node_modules` the package is in; undefined for global installs
 */
export function namedElsewhere(name: string, project: string | undefined, around: SettingsSource): boolean {
  const scope = name.startsWith('@') ? name.slice(0, name.indexOf('/')) : undefined;
  const { env } = around;
  const variables = [env.YARN_NPM_REGISTRY_SERVER, env.YARN_REGISTRY, env.BUN_CONFIG_REGISTRY].filter((value) => value !== undefined);
  const named = [...variables.map((address): NamedRegistry => ({ address })), ...settingsOf(project, around)];
  return named.some((one) => (one.scope === undefined || one.scope === scope) && !isPublicAddress(one.address));
}

function settingsOf(project: string | undefined, { platform, home, env, read }: SettingsSource): NamedRegistry[] {
  const { join, dirname } = platform === 'win32' ? win32 : posix;
  const folders = project === undefined ? [] : [project];
  for (let at = project; at !== undefined && dirname(at) !== at && folders.length < mostFolders; at = dirname(at)) {
    folders.push(dirname(at));
  }
  const configHome = env.XDG_CONFIG_HOME || join(home, '.config');
  const from = (paths: readonly string[], parser: (text: string) => NamedRegistry[]): NamedRegistry[] =>
    [...new Set(paths)].flatMap((path) => {
      const text = read(path);
      return text === undefined ? [] : parser(text);
    });
  const each = (file: string): string[] => folders.map((folder) => join(folder, file));
  return [
    ...from([...each('.yarnrc.yml'), join(home, '.yarnrc.yml')], yarnSettings),
    ...from([...each('.yarnrc'), join(home, '.yarnrc')], yarnOneSettings),
    ...from([...each('bunfig.toml'), join(home, '.bunfig.toml'), join(configHome, '.bunfig.toml')], bunSettings),
    ...from(
      [...each('pnpm-workspace.yaml'), ...(project === undefined ? [] : [join(project, 'node_modules', '.modules.yaml')])],
      pnpmSettings,
    ),
    ...from([join(configHome, 'pnpm', 'rc')], pnpmUserSettings),
  ];
}

/** `npmRegistryServer` at the top and below `npmScopes`; YAML as people write it, the rest counts for every scope. */
function yarnSettings(text: string): NamedRegistry[] {
  const lines = text.split(/\r?\n/);
  return lines.flatMap((line, index) => {
    const found = /^(.*?)["']?npmRegistryServer["']?\s*:\s*(?:"([^"]*)"|'([^']*)'|([^\s#,}]+))/.exec(line);
    if (!found || /^\s*#/.test(line)) {
      return [];
    }
    const indent = found[1] ?? '';
    const address = found[2] ?? found[3] ?? found[4] ?? '';
    const above = lines
      .slice(Math.max(0, index - mostLines), index)
      .findLast((one) => /^\s*[^\s#]/.test(one) && one.length - one.trimStart().length < indent.length);
    const scope = /^\s+["']?@?([\w.~-]+)["']?\s*:\s*(#.*)?$/.exec(above ?? '')?.[1];
    return [{ address, ...(/^\s+$/.test(indent) && scope !== undefined ? { scope: `@${scope}` } : {}) }];
  });
}

function yarnOneSettings(text: string): NamedRegistry[] {
  return [...text.matchAll(/^[ \t]*["']?(?:(@[\w.~-]+):)?registry["']?[ \t:]+["']?([^"'\s]+)/gm)].map(([, scope, address = '']) => ({
    address,
    ...(scope === undefined ? {} : { scope }),
  }));
}

function bunSettings(text: string): NamedRegistry[] {
  let install: Record<string, unknown> | undefined;
  try {
    install = asRecord(asRecord(parse(text))?.install);
  } catch {
    return [];
  }
  const address = (value: unknown): string | undefined => {
    const url = asRecord(value)?.url ?? value;
    return typeof url === 'string' ? url : undefined;
  };
  const general = address(install?.registry);
  return [
    ...(general === undefined ? [] : [{ address: general }]),
    ...Object.entries(asRecord(install?.scopes) ?? {}).flatMap(([scope, value]) => {
      const own = address(value);
      return own === undefined ? [] : [{ scope: scope.startsWith('@') ? scope : `@${scope}`, address: own }];
    }),
  ];
}

/** `registries:` and `registry:`, as YAML or as the JSON that newer versions write. */
function pnpmSettings(text: string): NamedRegistry[] {
  const pairs = text.matchAll(/(?:^|[\s{,])["']?(default|registry|@[\w.~-]+)["']?\s*:\s*["']?(https?:\/\/[^"'\s,}]+)/g);
  return [...pairs].map(([, key = '', address = '']) => ({ address, ...(key.startsWith('@') ? { scope: key } : {}) }));
}

function pnpmUserSettings(text: string): NamedRegistry[] {
  return [...parseNpmrc(text)].flatMap(([key, address]) => {
    const scope = /^(@[^:]+):registry$/.exec(key)?.[1];
    return key === 'registry' || scope !== undefined ? [{ address, ...(scope === undefined ? {} : { scope }) }] : [];
  });
}
