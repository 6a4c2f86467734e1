import { dirname } from 'node:path';
import { keepOnly } from '../../base/keepOnly.ts';
import { loadMs, quietMs } from '../../diagnosis/stale/baseline.ts';
import { judgeSource, type SourceChange, type SourceEvidence, type SourceVerdict } from '../../diagnosis/stale/source.ts';
import type { InstalledPackage, PackageRef } from '../../model/package.ts';
import { identityKey, type ProcessDetail, type ProcessRow } from '../../model/process.ts';
import { holdsAgain, type Start, StartContents } from '../../package/code/contentAtStart.ts';
import { gitHead, headBefore, movedAbout } from '../../package/code/gitHead.ts';
import { linkedSource, type SourceEntry, sourceEntry } from '../../package/code/sourceEntry.ts';
import { readSources, type SourceFile, SourceFileCache } from '../../package/code/sourceFiles.ts';
import { programFile } from '../../package/processView.ts';
import { followLinks, youngLink } from '../../package/resolve/commandPath.ts';
import type { Fact, FactValue } from '../facts/factSchemas.ts';
import type { FactStore } from '../facts/factStore.ts';
import { lastChange } from '../watch/watchPlan.ts';
import type { LoadedPackage } from './closures.ts';
import { runningServer, type ServerContext } from './serverContext.ts';

interface SourceContext {
  readonly facts: FactStore;
  /** The clock was not set since the process started. */
  readonly timesComparable: boolean;
}

/** A file written this long after the start, plus the error of the start time, was not loaded at the start. */
const lateMs = 100;
/** At most this many files of one server are watched; changes of the others are found in the next full scan. */
const mostWatched = 64;

/** The source that servers use in place: plain scripts, editable installs, a project that is being developed. */
export class Sources {
  readonly #reader = new SourceFileCache();
  readonly #paths = new Map<string, readonly string[]>();
  /** Since when each file is missing, epoch ms. */
  readonly #missing = new Map<string, number>();
  /** Servers that use no source in place, with what was known of their package (`stateOf`). */
  readonly #none = new Map<string, string>();

  /** @returns undefined when the server uses no source in place */
  judge(server: ServerContext, context: SourceContext): SourceVerdict | undefined {
    const { row } = server;
    const key = identityKey(row.identity);
    const state = stateOf(server);
    if (this.#none.get(key) === state) {
      return undefined;
    }
    const record = context.facts.fact(row.identity, 'source') ?? this.#record(server, context);
    if (record === undefined) {
      return undefined;
    }
    if (typeof record === 'number') {
      return { findings: [], askAgainIn: record };
    }
    this.#paths.set(
      key,
      record.files.map((file) => file.path),
    );
    return this.#compare(server, record);
  }

  /** Whether a file that was written before the first scan holds something else than at the start, and how that is known. */
  #differs({ path, hash, was }: Fact<'source'>['files'][number]): { differs?: 'git' | 'compiled' } {
    const seen = was && this.#reader.read(path);
    return !was || typeof seen !== 'object' || (seen.hash !== hash && holdsAgain(path, was) !== false) ? {} : { differs: was.by };
  }

  #missingSince(path: string, now: number): number {
    const since = this.#missing.get(path) ?? Math.min(now, lastChange(path) || now);
    this.#missing.set(path, since);
    return since;
  }

  /** Files whose change matters. */
  watched(): string[] {
    return [...new Set([...this.#paths.values()].flatMap((paths) => paths.slice(0, mostWatched)))];
  }

  keep(alive: ReadonlySet<string>): void {
    keepOnly(this.#paths, alive);
    keepOnly(this.#none, alive);
    this.#reader.keep(new Set([...this.#paths.values()].flat()));
  }

  /** @returns milliseconds to wait while it or its files are too young; undefined when there is no source */
  #record(server: ServerContext, context: SourceContext): FactValue<'source'> | number | undefined {
    const { row, detail, loaded, now } = server;
    const ref = refOf(loaded);
    const own = detail.elsewhere === undefined ? sourceEntry(row, detail, ref) : undefined;
    const linked =
      own === undefined && ref !== undefined && detail.elsewhere === undefined ? linkedSource(ref, packagesOf(loaded)) : undefined;
    const entry = own ?? linked;
    if (entry === undefined) {
      this.#none.set(identityKey(row.identity), stateOf(server));
      return undefined;
    }
    const young = loadMs - (now - row.startedAt);
    if (young > 0) {
      return young;
    }
    const files = readSources(entry);
    const newest = Math.max(0, ...files.map((file) => file.changedAt));
    if (newest <= now && now - newest < quietMs) {
      return quietMs - (now - newest);
    }
    const commit = gitHead(dirname(entry.files[0] ?? ''))?.commit;
    const start = startOf(row, detail, entry.kind);
    const contents = new StartContents(start);
    const linkedAt = new Map([...new Set(files.map(({ path }) => dirname(path)))].map((folder) => [folder, linkMade(folder, start.at)]));
    return context.facts.recordFact(row.identity, 'source', {
      takenAt: now,
      files: files.map((file) => ({
        path: file.path,
        hash: file.hash,
        ...(context.timesComparable ? lateness(file, start, contents, linkedAt.get(dirname(file.path))) : {}),
      })),
      ...(commit === undefined ? {} : { commit }),
      ...(linked === undefined ? {} : { linked: true as const }),
    });
  }

  #compare(server: ServerContext, record: FactValue<'source'>): SourceVerdict {
    const changes: SourceChange[] = [];
    const unreadable: string[] = [];
    for (const [index, file] of record.files.entries()) {
      const seen = this.#reader.read(file.path);
      if (seen !== 'absent') {
        this.#missing.delete(file.path);
      }
      if (seen === 'unreadable') {
        unreadable.push(file.path);
      } else if (file.late === undefined && (seen === 'absent' || seen.hash !== file.hash)) {
        changes.push({
          path: file.path,
          state: seen === 'absent' ? 'removed' : 'edited',
          changedAt: seen === 'absent' ? this.#missingSince(file.path, server.now) : seen.changedAt,
          entry: index === 0 && record.linked !== true,
        });
      }
    }
    const late = record.files.flatMap((file) =>
      file.late === undefined ? [] : [{ path: file.path, changedAt: file.late, ...this.#differs(file) }],
    );
    const commits = changes.length + late.length === 0 ? undefined : commitsOf(server.row, record, late);
    return judgeSource({
      ...runningServer(server),
      recordedAt: record.takenAt,
      changes,
      gone:
        record.linked !== true &&
        record.files.length > 0 &&
        changes.filter(({ state }) => state === 'removed').length === record.files.length,
      late,
      ...(commits === undefined ? {} : { commits }),
      unreadable,
    });
  }
}

function refOf(loaded: LoadedPackage): PackageRef | undefined {
  return 'unknown' in loaded ? undefined : loaded.ref;
}

/** The packages of the closure, the own one first; empty when they are not known. */
function packagesOf(loaded: LoadedPackage): readonly InstalledPackage[] {
  return 'unknown' in loaded || loaded.reading.status !== 'ok' ? [] : loaded.reading.packages;
}

/** The facts that decide whether a server uses source in place. */
function stateOf({ loaded }: ServerContext): string {
  return JSON.stringify([refOf(loaded) ?? null, packagesOf(loaded).length]);
}

/** The start that loaded the files, as far as it is known; its time is the latest possible one. */
function startOf(row: ProcessRow, detail: ProcessDetail, kind: SourceEntry['kind']): Start {
  const [, major, minor] = /python(\d)\.(\d+)$/.exec(programFile(detail) ?? '') ?? [];
  const options = row.argv.slice(1).findIndex((word) => !word.startsWith('-'));
  const writes =
    kind === 'python' &&
    major !== undefined &&
    detail.environment !== undefined &&
    !['PYTHONDONTWRITEBYTECODE', 'PYTHONPYCACHEPREFIX', 'PYTHONOPTIMIZE'].some((name) => detail.environment?.has(name)) &&
    !row.argv.slice(1, options + 1).some((word) => /^-[A-Za-z]*[BOX]/.test(word));
  return {
    at: row.startedAt + row.startErrorMs + lateMs,
    ...(writes ? { compiles: `cpython-${major}${minor}` } : {}),
    ...(row.uid === undefined ? {} : { uid: row.uid }),
  };
}

/** When a link on the way to a folder was made, where that was after the start: another file was there then. */
function linkMade(folder: string, startedAt: number): number | undefined {
  const visited = new Set<string>();
  followLinks(folder, visited);
  return youngLink([...visited], startedAt)?.madeAt;
}

/** Whether a file was written after the start. The change time counts too: a file restored with its old times was not there at the start. */
function lateness(
  file: SourceFile,
  start: Start,
  contents: StartContents,
  linkedAt: number | undefined,
): Pick<Fact<'source'>['files'][number], 'late' | 'was'> {
  if (linkedAt !== undefined) {
    return { late: linkedAt };
  }
  const newest = Math.max(file.modifiedAt, file.changedAt);
  const held = newest > start.at ? contents.of(file.path, file.modifiedAt) : 'same';
  return held === 'same' ? {} : { late: newest, ...(held ? { was: held } : {}) };
}

/**
 * The commits of the work tree at the start of the process and now. The commit at the start is the recorded one; for files written before the recording it is
 * taken from git's log, where the log shows that git wrote the files then.
 */
function commitsOf(
  row: ProcessRow,
  record: Pick<Fact<'source'>, 'files' | 'commit'>,
  late: readonly { readonly changedAt: number }[],
): SourceEvidence['commits'] {
  const head = gitHead(dirname(record.files[0]?.path ?? ''));
  if (!head) {
    return undefined;
  }
  const times = late.map(({ changedAt }) => changedAt);
  const atStart = late.length === 0 ? record.commit : movedAbout(head, row.startedAt, times) ? headBefore(head, row.startedAt) : undefined;
  return atStart === undefined ? undefined : { atStart, now: head.commit };
}
