import { dirname } from 'node:path';
import { quietMs } from '../../diagnosis/stale/baseline.ts';
import { judgeMissingEntry } from '../../diagnosis/stale/missingScript.ts';
import { withNativeProof } from '../../diagnosis/stale/nativeProof.ts';
import type { Finding, FindingAction } from '../../model/finding.ts';
import type { ProcessDetail, ProcessRow } from '../../model/process.ts';
import { missingScript } from '../../package/code/entryScript.ts';
import { compareNative } from '../../package/code/nativeCode.ts';
import type { BootClock } from '../facts/bootClock.ts';
import type { FactStore } from '../facts/factStore.ts';
import { lastChange } from '../watch/watchPlan.ts';
import type { LoadedPackage } from './closures.ts';
import type { Programs } from './programs.ts';
import type { RecordedVersions } from './recordedVersions.ts';
import { type ServerVersions, serverVersions } from './serverVersions.ts';
import type { Sources } from './sources.ts';

/** What the verdicts on one server's code need from one look to the next. */
export interface VerdictMemory {
  readonly facts: FactStore;
  readonly bootClock: BootClock;
  readonly programs: Programs;
  readonly sources: Sources;
}

/** Everything that can be old about a running server: its packages, its native code, the source that it uses in place, its program. @param now epoch ms @param recorded what it, or its guard, wrote down */
export function judgeServer(
  row: ProcessRow,
  detail: ProcessDetail,
  sight: LoadedPackage,
  startedBy: string | undefined,
  cure: readonly FindingAction[],
  memory: VerdictMemory,
  now: number,
  recorded?: RecordedVersions,
): ServerVersions {
  const { facts, bootClock } = memory;
  const versions = serverVersions(row, sight, startedBy, cure, { facts, bootClock, now, recorded });
  const common = { now, cure, facts, ...(startedBy === undefined ? {} : { startedBy }) };
  const program = memory.programs.judge(row, detail, common);
  const timesComparable = bootClock.timesComparable(row.startedAt);
  const known = 'unknown' in sight || sight.reading.status !== 'ok' ? [] : sight.reading.packages;
  const source = memory.sources.judge(row, detail, 'unknown' in sight ? undefined : sight.ref, {
    ...common,
    timesComparable,
    packages: known,
  });

  const packages = withNative(versions.verdict.findings, row, detail, sight, cure, now);
  // Where its packages are gone, that its interpreter is too is the same event.
  const gone = !('unknown' in sight) && sight.reading.status === 'gone';
  const others = [...(source?.findings ?? []), ...program.findings].filter(
    (finding) => !gone || (finding.kind === 'stale' && finding.subKind !== 'source'),
  );
  const entry = 'unknown' in sight && source === undefined ? missingEntry(row, detail, cure, now) : undefined;
  const findings = [...packages, ...(entry?.findings ?? []), ...others];
  // That no package is known matters less where the source itself is compared.
  const own = source !== undefined && 'unknown' in sight && source.unknown === undefined ? undefined : versions.verdict.unknown;
  const unknown = [own, source?.unknown, program.unknown].filter((reason) => reason !== undefined).join('; ');
  const waits = [versions.verdict.askAgainIn, source?.askAgainIn, program.askAgainIn, entry?.askAgainIn].filter(
    (wait) => wait !== undefined,
  );
  const { unknown: _, askAgainIn: __, ...verdict } = versions.verdict;
  return {
    package: versions.package,
    verdict: {
      ...verdict,
      findings,
      ...(unknown === '' ? {} : { unknown }),
      ...(waits.length === 0 ? {} : { askAgainIn: Math.min(...waits) }),
    },
  };
}

function missingEntry(
  row: ProcessRow,
  detail: ProcessDetail,
  cure: readonly FindingAction[],
  now: number,
): ReturnType<typeof judgeMissingEntry> | undefined {
  const path = missingScript(row, detail);
  return path === undefined
    ? undefined
    : judgeMissingEntry({ now, pid: row.pid, startedAt: row.startedAt, path, since: Math.min(now, lastChange(path) || now), cure });
}

function withNative(
  findings: readonly Finding[],
  row: ProcessRow,
  detail: ProcessDetail,
  sight: LoadedPackage,
  cure: readonly FindingAction[],
  now: number,
): Finding[] {
  const deleted = detail.deletedCode ?? [];
  if (deleted.length === 0 || 'unknown' in sight || sight.reading.status !== 'ok' || now - sight.reading.changedAt < quietMs) {
    return [...findings];
  }
  const { ref, reading } = sight;
  // Whatever else lies in the environment may be the system's: /usr is one, too.
  const roots = [
    ...(ref.editable ? [dirname(ref.entry)] : []),
    ...reading.packages.map((item) => (ref.ecosystem === 'npm' ? item.root : dirname(item.root))),
  ];
  const proofs = compareNative(deleted, roots, reading.packages).filter((change) => change.now === 'other');
  return withNativeProof(findings, proofs, { now, pid: row.pid, startedAt: row.startedAt, cure });
}
