import { join } from 'node:path';
import { isRecord } from '../base/json.ts';
import { openssl } from '../base/random.ts';
import type { Ecosystem, PackageRef } from '../model/package.ts';
import { readOwn } from '../storage/atomicFile.ts';
import { stateRefusal } from '../storage/privateFolder.ts';
import { compareVersions } from '../version/compareVersions.ts';
import { versionShaped } from '../version/versionShape.ts';

/** The offer of a registry for one installation. The survey, which asks registries, stores it for the guard, which never does. */
export interface KnownUpdate {
  readonly schema: 1;
  readonly ecosystem: Ecosystem;
  readonly name: string;
  /** `PackageRef.environment` */
  readonly environment: string;
  /** The version that was installed when the registry answered. */
  readonly installed: string;
  readonly newest: string;
  /** How to get it: "run: " and the command, or a sentence where no single command does it. Without secrets. */
  readonly how: string;
  /** When the registry last answered so, epoch ms. */
  readonly at: number;
}

const maxBytes = 8_192;
const maxHow = 400;
/** Older answers say nothing about the newest version now. In milliseconds. */
const keptMs = 30 * 86_400_000;
/** Clocks of machines that share a home folder differ by up to this, in milliseconds. */
const skewMs = 60_000;

/** The file of one installation. */
export function knownUpdateFile(runDir: string, ref: Pick<PackageRef, 'ecosystem' | 'name' | 'environment'>): string {
  const key = openssl().createHash('sha256').update(`${ref.ecosystem}\n${ref.name}\n${ref.environment}`).digest('hex').slice(0, 32);
  return join(runDir, 'shepherd', 'updates', `${key}.json`);
}

/**
 * The stored offer for an installation, if it is recent, well-formed and newer than `running`, which the server runs. Reads one small file; never throws.
 * @param now epoch ms
 */
export function readKnownUpdate(
  runDir: string,
  ref: Pick<PackageRef, 'ecosystem' | 'name' | 'environment'>,
  running: string,
  now: number,
): KnownUpdate | undefined {
  const file = stateRefusal(runDir, 'updates') === undefined ? readOwn(knownUpdateFile(runDir, ref), maxBytes) : undefined;
  const update = file && 'text' in file ? parseKnownUpdate(file.text) : undefined;
  if (!update || update.ecosystem !== ref.ecosystem || update.name !== ref.name || update.environment !== ref.environment) {
    return undefined;
  }
  const fresh = update.at <= now + skewMs && now - update.at < keptMs;
  // Another version is installed than when the registry answered: the survey asks again.
  const meant = update.installed === running && compareVersions(ref.ecosystem, running, update.newest) === -1;
  return fresh && meant ? update : undefined;
}

/** Undefined for a text with any fault, because its content is shown to a model. */
export function parseKnownUpdate(text: string): KnownUpdate | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isRecord(json) || json.schema !== 1) {
    return undefined;
  }
  const { ecosystem, name, environment, how, at } = json;
  const installed = versionShaped(json.installed);
  const newest = versionShaped(json.newest);
  const plain = (value: unknown, most: number): value is string =>
    typeof value === 'string' && value !== '' && value.length <= most && !/\p{Cc}/u.test(value);
  return (ecosystem === 'npm' || ecosystem === 'python') &&
    plain(name, 214) &&
    plain(environment, 4_096) &&
    plain(how, maxHow) &&
    installed !== undefined &&
    newest !== undefined &&
    typeof at === 'number' &&
    Number.isFinite(at)
    ? { schema: 1, ecosystem, name, environment, installed, newest, how, at }
    : undefined;
}
