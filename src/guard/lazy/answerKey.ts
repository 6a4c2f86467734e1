import { createHmac } from 'node:crypto';
import { realpathSync, statSync } from 'node:fs';
import { isRecord } from '../../base/json.ts';
import { sessionVariables } from '../../model/sessionVariables.ts';
import { isBridge } from '../../process/commandline/eagerReason.ts';
import type { JsonObject } from '../message/envelope.ts';
import type { ConfiguredCommand } from '../stale/configuredPackage.ts';
import type { ServerCode } from '../stale/serverCode.ts';

/** Younger changes of the code may be half of an installation, ms. */
const settledMs = 2_000;

/** The code that a server loads, as a text that is equal for equal code; or why that is not known, and in how many ms it may be. */
export type CodeText = { readonly code: string } | { readonly unknown: string; readonly knownIn?: number };

/**
 * The code of a server and of its dependencies: names, versions, contents and places as their installers recorded them, and the file where the code begins.
 * @param now epoch ms
 */
export function codeText(code: Pick<ServerCode, 'ref' | 'loaded' | 'unknown'>, now: number): CodeText {
  const { ref, loaded } = code;
  const own = loaded?.packages[0];
  if (!ref || !loaded || !own) {
    return { unknown: `its code is not known: ${code.unknown ?? 'no package was found'}` };
  }
  if (isBridge(own.name)) {
    return { unknown: `its answers come from elsewhere (${own.name})` };
  }
  if (ref.editable === true || own.content === undefined) {
    return { unknown: 'its source is used in place, so that a change of it leaves no mark' };
  }
  if (loaded.ownOnly !== undefined) {
    return { unknown: `its dependencies are not known: ${loaded.ownOnly}` };
  }
  const age = Math.max(0, now - loaded.changedAt);
  if (age < settledMs) {
    return { unknown: 'its code has just changed', knownIn: settledMs - age };
  }
  const packages = loaded.packages.map(({ name, version, root, content, installedAt }) => [name, version, root, content, installedAt]);
  return { code: JSON.stringify([ref, fileText(ref.entry), packages]) };
}

/** Which file a path leads to, and its size and time. */
function fileText(path: string): readonly unknown[] {
  try {
    const real = realpathSync.native(path);
    const { size, mtimeMs } = statSync(real);
    return [real, size, mtimeMs];
  } catch {
    return [];
  }
}

const forgotten: ReadonlySet<string> = new Set(Object.values(sessionVariables).flat());

/** Everything beside the code and the client that the answers of a server may depend on. */
export function launchText({ command, args, cwd, env }: ConfiguredCommand): string {
  const variables = Object.entries(env)
    .filter(([name, value]) => value !== undefined && !forgotten.has(name))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([command, args, cwd, process.geteuid?.() ?? null, process.execPath, variables]);
}

/** The same without the environment: it names the file in which the answers of one entry are kept. */
export function slotText({ command, args, cwd }: ConfiguredCommand): string {
  return JSON.stringify([command, args, cwd, process.geteuid?.() ?? null]);
}

/** What the client states of itself: the parameters of `initialize`, or the members of `_meta` in protocol 2026-07-28. Undefined when it states nothing. */
export function clientText(method: string, params: JsonObject): string | undefined {
  if (method === 'initialize') {
    const { _meta: _, ...stated } = params;
    return ordered(stated);
  }
  const meta = isRecord(params._meta) ? params._meta : {};
  const stated = Object.entries(meta).filter(([name]) => name.startsWith('io.modelcontextprotocol/'));
  return stated.some(([name]) => name === 'io.modelcontextprotocol/protocolVersion') ? ordered(Object.fromEntries(stated)) : undefined;
}

/** JSON with the members of all objects in one order. */
export function ordered(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) =>
    isRecord(member) ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1))) : member,
  );
}

/** A keyed hash, which only this machine can compute. @param secret 64 hexadecimal digits */
export function keyedHash(secret: string, ...texts: readonly string[]): string {
  return createHmac('sha256', Buffer.from(secret, 'hex')).update(JSON.stringify(texts)).digest('hex');
}
