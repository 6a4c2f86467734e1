import { resolve } from 'node:path';
import { asRecord } from '../../base/json.ts';
import { parseJsonc, plainValue } from './jsonc.ts';
import { emptyServerFile, type FileProblem, type Format, type InstalledPlugin, type ServerFile } from './serverFile.ts';

/**
 * The folders of plugins: `installed_plugins.json` of Claude Code, captured from 2.1.329 (version 2 of the file; version 1 had one object for each plugin instead of a
 * list), and `installed.json` of Kimi Code, after its source of November 2026.
 */
export const pluginList: Format = {
  read(text) {
    const file = parseJsonc(text);
    const list = asRecord(plainValue(file.root))?.plugins;
    const items = Array.isArray(list) ? list : Object.entries(asRecord(list) ?? {}).flatMap(([id, item]) => withId(id, item));
    const pluginStates = new Map<string, boolean>();
    const plugins = items.flatMap((item): InstalledPlugin[] => {
      const { id, installPath, root: folder = installPath, scope, enabled } = asRecord(item) ?? {};
      if (typeof id !== 'string' || typeof folder !== 'string') {
        return [];
      }
      if (typeof enabled === 'boolean') {
        pluginStates.set(id, enabled);
      }
      // Seen with Claude Code 2.1.331: a plugin of the user that no settings name does not run. What a project switches on stands in its own settings.
      return [{ id, folder, ...(scope === 'user' ? { switchedOn: true } : {}) }];
    });
    return { ...emptyServerFile, problems: problemsOf(file), plugins, pluginStates };
  },
};

function withId(id: string, item: unknown): readonly object[] {
  return [item].flat().map((one) => ({ ...asRecord(one), id }));
}

/** The folders of the user among the marketplaces that settings name: plugins run from there. Seen with Claude Code 2.1.331 and Copilot CLI 1.0.102. */
export function localMarketplaces(value: unknown): string[] {
  return Object.values(asRecord(value) ?? {}).flatMap((item) => {
    const { source, path } = asRecord(asRecord(item)?.source) ?? {};
    return source === 'directory' && typeof path === 'string' ? [path] : [];
  });
}

/**
 * `marketplace.json` in a folder with plugins: where each of them lies. Those that are fetched from elsewhere are left out, because their clients copy them. Written after
 * what Claude Code 2.1.331, Copilot CLI 1.0.102 and the source of auggie 0.36 read.
 */
export const marketplace: Format = {
  read(text, path = '/') {
    const file = parseJsonc(text);
    const { name: market, metadata, plugins } = asRecord(plainValue(file.root)) ?? {};
    const root = path.replace(/([\\/](\.[\w-]*plugin|\.github[\\/]plugin))?[\\/]marketplace\.json$/, '');
    const base = asRecord(metadata)?.pluginRoot;
    const found = (Array.isArray(plugins) ? plugins : []).flatMap((item): InstalledPlugin[] => {
      const { name, source } = asRecord(item) ?? {};
      return typeof name === 'string' && typeof source === 'string'
        ? [{ id: `${name}@${String(market)}`, folder: resolve(root, typeof base === 'string' ? base : '', source), switchedOn: true }]
        : [];
    });
    return { ...emptyServerFile, plugins: found };
  },
};

/**
 * `extension-enablement.json` of Gemini CLI and Qwen Code: rules for folders, of which the last one counts. An extension that is switched off for the user, and in no
 * project on again, is off. Captured from Gemini CLI 0.61.0 and Qwen Code 0.24.4.
 */
export const extensionStates: Format = {
  read(text, path = '/') {
    const file = parseJsonc(text);
    const states = Object.entries(asRecord(plainValue(file.root)) ?? {}).flatMap(([name, value]) => {
      const { overrides } = asRecord(value) ?? {};
      const rules = Array.isArray(overrides) ? overrides.filter((rule) => typeof rule === 'string') : [];
      const last = rules.findLastIndex((rule) => rule.startsWith('!') && path.startsWith(rule.slice(1).replace(/\*$/, '')));
      return last < 0 ? [] : [[name, rules.slice(last).some((rule) => !rule.startsWith('!'))] as const];
    });
    return { ...emptyServerFile, problems: problemsOf(file), pluginStates: new Map(states) };
  },
};

/** What settings say of plugins: `true` or `false` by their id. */
export function statesIn(value: unknown, stateOf: (item: unknown) => unknown = (item) => item): ReadonlyMap<string, boolean> {
  const states = new Map<string, boolean>();
  for (const [id, item] of Object.entries(asRecord(value) ?? {})) {
    const state = stateOf(item);
    if (typeof state === 'boolean') {
      states.set(id, state);
    }
  }
  return states;
}

function problemsOf({ problem }: { readonly problem?: FileProblem | undefined }): ServerFile['problems'] {
  return problem ? [problem] : [];
}
