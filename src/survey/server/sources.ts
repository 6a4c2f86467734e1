import { dirname } from 'node:path';
import { keepOnly } from '../../base/keepOnly.ts';
import { loadMs, quietMs } from '../../diagnosis/stale/baseline.ts';
import { judgeSource, type SourceChange, type SourceEvidence, type SourceVerdict } from '../../diagnosis/stale/source.ts';
import type { InstalledPackage, PackageRef } from '../../model/package.ts';
import { identityKey, type ProcessDetail, type ProcessRow } from '../../model/process.ts';
import { holdsAgain, type Start, StartContents } from '../../package/code/contentAtStart.ts';
import { gitHead, headBefore, movedAbout } from '../../package/code/gitHead.ts';
import { linkedSource, type SourceEntry, sourceEntry } from '../../package/code/sourceEntry.ts';
import { readSources, type SourceFile, SourceLooks } from '../../package/code/sourceFiles.ts';
import { programFile } from '../../package/processView.ts';
import type { Fact, FactStore, FactValue } from '../facts/factStore.ts';
import { lastChange } from '../watch/watchPlan.ts';

export type SourceContext = Pick<SourceEvidence, 'now' | 'startedBy' | 'cure'> & {
  readonly facts: FactStore;
  /** The clock was not set since the process started. */
  readonly timesComparable: boolean;
  /** What is known of the closure, the own package first. */
  readonly packages: readonly InstalledPackage[];
};

/** What was written this much after the start, beyond the error of the start itself, was not loaded at the start. */
const lateMs = 100;
/** More files are compared, but not watched: their changes are seen at the next full look. */
const mostWatched = 64;

/** The source that servers use in place: plain scripts, editable installs, somebody's own project. */
export class Sources {
  readonly #looks = new SourceLooks();
  readonly #paths = new Map<string, readonly string[]>();
  /** Since when a file is missing, epoch ms. */
  readonly #missing = new Map<string, number>();
  /** Servers without source of their own, by what was known of their package then. */
  readonly #none = new Map<string, string>();

  /** @returns undefined when the server uses no source in place */
  judge(row: ProcessRow, detail: ProcessDetail, ref: PackageRef | undefined, context: SourceContext): SourceVerdict | undefined {
    const key = identityKey(row.identity);
    const state = stateOf(ref, context);
    if (this.#none.get(key) === state) {
      return undefined;
    }
    const known = context.facts.fact(row.identity, 'source');
    const taken = known ?? this.#take(row, detail, ref, key, context);
    if (taken === undefined) {
      return undefined;
    }
    if (typeof taken === 'number') {
      return { findings: [], askAgainIn: taken };
    }
    this.#paths.set(
      key,
      taken.files.map((file) => file.path),
    );
    return this.#compare(row, taken, context);
  }

  /** Whether a file that was written before anybody looked holds something else than at the start, and how that is known. */
  #differs({ path, hash, was }: Fact<'source'>['files'][number]): { differs?: 'git' | 'compiled' } {
    const seen = was && this.#looks.look(path);
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
    this.#looks.keep(new Set([...this.#paths.values()].flat()));
  }

  /** @returns milliseconds to wait while it or its files are too young; undefined when there is no source */
  #take(
    row: ProcessRow,
    detail: ProcessDetail,
    ref: PackageRef | undefined,
    key: string,
    context: SourceContext,
  ): FactValue<'source'> | number | undefined {
    const own = detail.elsewhere === undefined ? sourceEntry(row, detail, ref) : undefined;
    const linked =
      own === undefined && ref !== undefined && detail.elsewhere === undefined ? linkedSource(ref, context.packages) : undefined;
    const entry = own ?? linked;
    if (entry === undefined) {
      this.#none.set(key, stateOf(ref, context));
      return undefined;
    }
    const young = loadMs - (context.now - row.startedAt);
    if (young > 0) {
      return young;
    }
    const files = readSources(entry);
    const newest = Math.max(0, ...files.map((file) => file.changedAt));
    if (newest <= context.now && context.now - newest < quietMs) {
      return quietMs - (context.now - newest);
    }
    const commit = gitHead(dirname(entry.files[0] ?? ''))?.commit;
    const start = startOf(row, detail, entry.kind);
    const contents = new StartContents(start);
    return context.facts.recordFact(row.identity, 'source', {
      takenAt: context.now,
      files: files.map((file) => ({ path: file.path, hash: file.hash, ...lateness(file, start, contents, context) })),
      ...(commit === undefined ? {} : { commit }),
      ...(linked === undefined ? {} : { linked: true as const }),
    });
  }

  #compare(row: ProcessRow, record: FactValue<'source'>, context: SourceContext): SourceVerdict {
    const changes: SourceChange[] = [];
    const unreadable: string[] = [];
    for (const [index, file] of record.files.entries()) {
      const seen = this.#looks.look(file.path);
      if (seen !== 'absent') {
        this.#missing.delete(file.path);
      }
      if (seen === 'unreadable') {
        unreadable.push(file.path);
      } else if (file.late === undefined && (seen === 'absent' || seen.hash !== file.hash)) {
        changes.push({
          path: file.path,
          state: seen === 'absent' ? 'removed' : 'edited',
          changedAt: seen === 'absent' ? this.#missingSince(file.path, context.now) : seen.changedAt,
          entry: index === 0 && record.linked !== true,
        });
      }
    }
    const late = record.files.flatMap((file) =>
      file.late === undefined ? [] : [{ path: file.path, changedAt: file.late, ...this.#differs(file) }],
    );
    const commits = changes.length + late.length === 0 ? undefined : commitsOf(row, record, late);
    return judgeSource({
      now: context.now,
      pid: row.pid,
      startedAt: row.startedAt,
      ...(context.startedBy === undefined ? {} : { startedBy: context.startedBy }),
      recordedAt: record.takenAt,
      changes,
      gone:
        record.linked !== true &&
        record.files.length > 0 &&
        changes.filter(({ state }) => state === 'removed').length === record.files.length,
      late,
      ...(commits === undefined ? {} : { commits }),
      unreadable,
      cure: context.cure,
    });
  }
}

/** What the question whether there is source rests on. */
function stateOf(ref: PackageRef | undefined, { packages }: SourceContext): string {
  return JSON.stringify([ref ?? null, packages.length]);
}

/** What is known of the process as the one that loaded the files; its start as late as it may have been. */
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

/** The change time counts too: a file put back with its old times was not there at the start. */
function lateness(
  file: SourceFile,
  start: Start,
  contents: StartContents,
  context: SourceContext,
): Pick<Fact<'source'>['files'][number], 'late' | 'was'> {
  const newest = Math.max(file.modifiedAt, file.changedAt);
  const held = context.timesComparable && newest > start.at ? contents.of(file.path, file.modifiedAt) : 'same';
  return held === 'same' ? {} : { late: newest, ...(held ? { was: held } : {}) };
}

/**
 * Where the work tree stood when the process started and stands now. For what was recorded while it ran, the record says it; for what was written before that,
 * git's log, where it shows that git wrote the files then.
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
