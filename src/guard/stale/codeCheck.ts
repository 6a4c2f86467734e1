import { type Dirent, readdirSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { asRecord } from '../../base/json.ts';
import { singleLine } from '../../base/singleLine.ts';
import type { ClosureReading, InstalledPackage, PackageRef } from '../../model/package.ts';
import { ClosureReader } from '../../package/closureReader.ts';
import { FollowedCommand, type LeadNow } from '../../package/resolve/followedCommand.ts';
import type { ClientCommand } from '../../package/resolve/resolveCommand.ts';
import { readBounded, statPath } from '../../storage/boundedFile.ts';
import { normalizePythonName } from '../../version/pythonSpec.ts';
import { type CodeState, compareBeside, compareCode } from './codeDrift.ts';
import type { ConfiguredCommand } from './configuredPackage.ts';
import type { LoadedCode, ServerCode } from './serverCode.ts';

/** Compares the code that a server loaded with what is on disk, at each call of `check`. */
export class CodeCheck {
  readonly code: ServerCode;
  readonly #way: FollowedCommand | undefined;
  /** Reads the installation beside. */
  readonly #reader = new ClosureReader();
  /** Inputs of the last comparison. */
  #loaded: LoadedCode | undefined;
  #seen: ClosureReading | undefined;
  #state: CodeState | undefined;
  #beside:
    | { readonly lead: LeadNow; readonly reading: ClosureReading; readonly loaded: LoadedCode; readonly state: CodeState | undefined }
    | undefined;
  /** Where the command led when the server had just been started, if that is not what it started. */
  #misread: string | undefined;
  /** The command was seen to lead to what runs: its text is understood. */
  #ledHere = false;
  #lost: string | undefined;

  /** @param way what a restart runs; undefined for a server that the guard does not start */
  constructor(code: ServerCode, way?: FollowedCommand) {
    this.code = code;
    this.#way = way;
  }

  /** Why the command that started it leads to no package now, at the last check. It may name paths. */
  get lost(): string | undefined {
    return this.#lost;
  }

  /** Compares now. A reading that failed is repeated each time. */
  check(): CodeState {
    return this.#compareBeside() ?? this.#compareHere();
  }

  #compareHere(): CodeState {
    const { ref, loaded, unknown = '' } = this.code;
    const seen = this.code.readInstalled();
    if (!ref || !loaded || !seen) {
      return { state: 'unreadable', reason: unknown, unreadable: [] };
    }
    const { reading, at } = seen;
    if (reading === this.#seen && loaded === this.#loaded && this.#state && isLasting(reading, this.#state)) {
      return this.#state;
    }
    this.#loaded = loaded;
    this.#seen = reading;
    this.#state = compareCode({
      loaded,
      editable: ref.editable === true,
      now: reading,
      at,
      isGone: (root) => statPath(root).status === 'absent',
    });
    return this.#state;
  }

  /** The code that a restart would load, where that is another installation with other versions. */
  #compareBeside(): CodeState | undefined {
    const { ref, loaded } = this.code;
    const at = Date.now();
    const lead = ref && loaded && this.#way?.current(at);
    this.#lost = lead?.lost === undefined ? undefined : singleLine(lead.lost, 200);
    const same = lead?.ref !== undefined && isSamePackage(lead.ref, ref);
    if (!lead?.ref || !same || isDeepStrictEqual(lead.ref, ref)) {
      if (lead?.ref && !same && (this.#ledHere || this.#beside)) {
        this.#lost = singleLine(`its command leads to another package now (${lead.ref.name})`, 200);
      }
      this.#ledHere ||= same;
      return undefined;
    }
    const reading = this.#reader.read(lead.ref, at);
    if (reading.status !== 'ok' || !loaded) {
      return undefined;
    }
    const last = this.#beside;
    if (
      last?.lead === lead &&
      last.reading === reading &&
      last.loaded === loaded &&
      !(last.state?.state === 'changed' && last.state.replacing)
    ) {
      return last.state;
    }
    const state = this.#judgeBeside(lead, loaded, reading, at);
    this.#beside = { lead, reading, loaded, state };
    return state;
  }

  #judgeBeside(lead: LeadNow, loaded: LoadedCode, reading: LoadedCode, at: number): CodeState | undefined {
    const state = compareBeside(loaded, reading, at, lead.changedAt);
    const place = reading.packages[0]?.root;
    // Nothing on the way is younger than the server: the command cannot have led here, whatever its text says. A restart would change nothing.
    if (state && !this.#ledHere && this.#beside === undefined && lead.changedAt < this.code.since) {
      this.#misread = place;
    }
    return place === this.#misread ? undefined : state && { ...state, replacing: state.replacing || lead.broken };
  }
}

/** The command that a restart runs, to be followed. */
export function followed(configured: ConfiguredCommand): FollowedCommand {
  return new FollowedCommand(asClientCommand(configured));
}

/** The command of a guard as that of its client, which it is started like. */
export function asClientCommand({ command, args, cwd, env }: ConfiguredCommand): ClientCommand {
  const environment = new Map(Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])));
  return { words: [command, ...args], cwd, environment, platform: process.platform };
}

function isSamePackage(lead: PackageRef, ref: PackageRef | undefined): boolean {
  const plain = (name: string): string => (lead.ecosystem === 'python' ? normalizePythonName(name) : name);
  return lead.ecosystem === ref?.ecosystem && plain(lead.name) === plain(ref.name);
}

/** Whether the state holds until a file changes. A reading may fail for other reasons (no descriptors left), and an installer ends soon. */
function isLasting(reading: ClosureReading, state: CodeState): boolean {
  return reading.status === 'ok' && state.unreadable.length === 0 && !(state.state === 'changed' && state.replacing);
}

/** A source file that was written since the start of a server; undefined for packages that are not editable. Never throws. */
export function editedSource({ ref, loaded, since }: ServerCode): string | undefined {
  const [own] = loaded?.packages ?? [];
  const folder = ref && own ? sourceFolder(ref, own) : undefined;
  return ref && folder !== undefined ? writtenSince(folder, ref.ecosystem, since) : undefined;
}

/** Directory entries that are read; larger source trees are read in part. */
const maxEntries = 5_000;
/** Longest path of an edited file, UTF-16 units. */
const maxPath = 4_096;
const skipped = new Set(['node_modules', '__pycache__', 'venv', 'env', 'site-packages', 'test', 'tests']);

/** The source folder of an editable install: the project itself (npm), or what direct_url.json names (PEP 610). Undefined when it is not known. */
function sourceFolder(ref: PackageRef, own: InstalledPackage): string | undefined {
  if (ref.editable !== true || ref.ecosystem === 'npm') {
    return ref.editable === true ? ref.environment : undefined;
  }
  const file = readBounded(join(own.root, 'direct_url.json'), 65_536);
  try {
    const url = file.status === 'ok' ? asRecord(JSON.parse(file.text))?.url : undefined;
    return typeof url === 'string' && url.startsWith('file:') ? fileURLToPath(url) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * A source file that was written after a moment, as a path below the folder; undefined when there is none. Enough for a warning only: the file may have been
 * written with the same content. Never throws.
 * @param since epoch ms
 */
function writtenSince(folder: string, ecosystem: PackageRef['ecosystem'], since: number): string | undefined {
  const source = ecosystem === 'python' ? /\.pyw?$/ : /\.[cm]?[jt]sx?$/;
  const queue = [folder];
  let seen = 0;
  for (const at of queue) {
    for (const entry of entriesOf(at)) {
      seen += 1;
      if (seen > maxEntries) {
        return undefined;
      }
      const path = join(at, entry.name);
      if (entry.isDirectory()) {
        if (!entry.name.startsWith('.') && !skipped.has(entry.name)) {
          queue.push(path);
        }
      } else if (entry.isFile() && source.test(entry.name) && modifiedAt(path) > since) {
        return singleLine(relative(folder, path), maxPath);
      }
    }
  }
  return undefined;
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}

function modifiedAt(path: string): number {
  try {
    return statSync(path).mtimeMs;
  } catch {
    return 0;
  }
}
