import { join } from 'node:path';
import { isRecord } from '../base/json.ts';
import { openssl } from '../base/random.ts';
import type { Ecosystem, PackageRef } from '../model/package.ts';
import { readBounded } from '../storage/boundedFile.ts';
import { compareVersions } from '../version/compareVersions.ts';
import { versionShaped } from '../version/versionShape.ts';

/** What a registry offers for one installation, as those who may go on line keep it for those who may not (the guard). */
export interface KnownUpdate {
  readonly schema: 1;
  readonly ecosystem: Ecosystem;
  readonly name: string;
  /** `PackageRef.environment` */
  readonly environment: string;
  /** What was installed when this was found out. */
  readonly installed: string;
  readonly newest: string;
  /** What brings it: "run: " and the command, or words where no single command does. Without secrets. */
  readonly how: string;
  /** When it was last found to be so, epoch ms. */
  readonly at: number;
}

const maxBytes = 8_192;
const maxHow = 400;
/** What was the newest version then says nothing now. */
const keptMs = 30 * 86_400_000;
/** Clocks of machines that share a home differ a little. */
const skewMs = 60_000;

/** Where it is kept: one file for each installation. @param stateRoot `<run folder>/shepherd` */
export function knownUpdateFile(stateRoot: string, ref: Pick<PackageRef, 'ecosystem' | 'name' | 'environment'>): string {
  const key = openssl().createHash('sha256').update(`${ref.ecosystem}\n${ref.name}\n${ref.environment}`).digest('hex').slice(0, 32);
  return join(stateRoot, 'updates', `${key}.json`);
}

/**
 * What is known of an installation, if it is news for a server that runs `running`: of these days, well-formed, and newer. Reads one small file; never throws.
 * @param now epoch ms
 */
export function readKnownUpdate(
  stateRoot: string,
  ref: Pick<PackageRef, 'ecosystem' | 'name' | 'environment'>,
  running: string,
  now: number,
): KnownUpdate | undefined {
  const file = readBounded(knownUpdateFile(stateRoot, ref), maxBytes);
  const update = file.status === 'ok' ? parseKnownUpdate(file.text) : undefined;
  if (!update || update.ecosystem !== ref.ecosystem || update.name !== ref.name || update.environment !== ref.environment) {
    return undefined;
  }
  const fresh = update.at <= now + skewMs && now - update.at < keptMs;
  // Another version than the one that it was found out for: upgraded meanwhile, or about to be; it is found out anew.
  const meant = update.installed === running && compareVersions(ref.ecosystem, running, update.newest) === -1;
  return fresh && meant ? update : undefined;
}

/** Undefined for anything that is not wholly right: this text reaches a model. */
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
