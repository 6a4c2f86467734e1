import { dirname } from 'node:path';
import type { FindingDraft } from '../../diagnosis/evidence.ts';
import { quietMs } from '../../diagnosis/stale/baseline.ts';
import { judgeMissingScript } from '../../diagnosis/stale/missingScript.ts';
import { withNativeProof } from '../../diagnosis/stale/nativeProof.ts';
import type { VersionVerdict } from '../../diagnosis/stale/packages.ts';
import type { Finding } from '../../model/finding.ts';
import type { RunningPackage } from '../../model/snapshot.ts';
import { missingEntryScript, missingModulePython } from '../../package/code/missingEntryScript.ts';
import { compareNative } from '../../package/code/nativeCode.ts';
import { statPath } from '../../storage/boundedFile.ts';
import type { BootClock } from '../facts/bootClock.ts';
import type { FactStore } from '../facts/factStore.ts';
import { lastChange } from '../watch/watchPlan.ts';
import type { LoadedPackage } from './closures.ts';
import type { Programs } from './programs.ts';
import { runningServer, type ServerContext } from './serverContext.ts';
import { serverVersions } from './serverVersions.ts';
import type { Sources } from './sources.ts';

/** The facts about one server's code that its verdicts keep from one scan to the next. */
interface VerdictState {
  readonly facts: FactStore;
  readonly bootClock: BootClock;
  readonly programs: Programs;
  readonly sources: Sources;
}

export interface ServerVerdict extends Pick<VersionVerdict, 'changedDependencies' | 'unknown' | 'askAgainIn'> {
  readonly package: RunningPackage | null;
  readonly findings: readonly Finding[];
  /** The script on its command line does not exist. No finding where its entry leads to another one. */
  readonly scriptGone?: Finding;
}

/** Judges all code of a running server: its packages, its native code, the source that it uses in place, its program. */
export function judgeServer(server: ServerContext, state: VerdictState): ServerVerdict {
  const { row, detail, loaded } = server;
  const { facts, bootClock } = state;
  const source = state.sources.judge(server, { facts, timesComparable: bootClock.timesComparable(row.startedAt) });
  const sourceChanged = source?.findings.find(({ kind }) => kind === 'stale')?.confidence;
  const versions = serverVersions(server, { facts, bootClock, sourceChanged });
  const program = state.programs.judge(server, facts);

  // The interpreter of an environment goes with its packages: one event, one finding.
  const gone = !('unknown' in loaded) && loaded.reading.status === 'gone';
  // Its version says more than that its source, which it uses in place, changed or may have changed.
  const versionKnows = versions.verdict.findings.some(
    ({ subKind }) => subKind === 'source' || (subKind === 'package' && isEditable(loaded)),
  );
  const others = [...(source?.findings ?? []), ...program.findings].filter(({ kind, subKind }) =>
    kind === 'stale' ? subKind !== 'source' || !(gone || versionKnows) : !gone,
  );
  // Another finding says more than that its script is gone.
  const found = versions.verdict.findings.length + (source?.findings.length ?? 0) > 0;
  const script = ('unknown' in loaded ? source === undefined : !found && isEntryGone(loaded)) ? missingEntryScript(row, detail) : undefined;
  // Its interpreter was removed with its environment: neither is found by a program that looks afterwards.
  const python =
    script === undefined && 'unknown' in loaded && program.findings.length === 0 ? missingModulePython(row, detail) : undefined;
  const path = script ?? python;
  const missing =
    path === undefined
      ? undefined
      : judgeMissingScript({
          ...runningServer(server),
          path,
          ...(python === undefined ? {} : { python: true }),
          since: Math.min(server.now, lastChange(path) || server.now),
          seen: !('unknown' in loaded),
        });
  // An unknown package matters less where the source itself is compared.
  const own = source !== undefined && 'unknown' in loaded && source.unknown === undefined ? undefined : versions.verdict.unknown;
  const unknown = [own, versionKnows ? undefined : source?.unknown, program.unknown].filter((reason) => reason !== undefined).join('; ');
  const waits = [versions.verdict, source, program, missing].flatMap((one) => one?.askAgainIn ?? []);
  return {
    package: versions.package,
    changedDependencies: versions.verdict.changedDependencies,
    findings: [...withNative(versions.verdict.findings, server), ...others],
    ...(missing?.finding ? { scriptGone: missing.finding } : {}),
    ...(unknown === '' ? {} : { unknown }),
    ...(waits.length === 0 ? {} : { askAgainIn: Math.min(...waits) }),
  };
}

function isEditable(loaded: LoadedPackage): boolean {
  return !('unknown' in loaded) && loaded.ref.editable === true;
}

/** Whether its code is there, but not the path by which it was started. */
function isEntryGone({ ref, reading }: Exclude<LoadedPackage, { unknown: string }>): boolean {
  return reading.status === 'ok' && statPath(ref.entry).status === 'absent';
}

/** Adds the proof of replaced native code. */
function withNative(findings: readonly FindingDraft[], server: ServerContext): Finding[] {
  const { detail, loaded, now } = server;
  const deleted = detail.deletedCode ?? [];
  if (deleted.length === 0 || 'unknown' in loaded || loaded.reading.status !== 'ok' || now - loaded.reading.changedAt < quietMs) {
    return withNativeProof(findings, [], runningServer(server));
  }
  const { ref, reading } = loaded;
  // Not the whole environment: that may be /usr, with files of the system.
  const roots = [
    ...(ref.editable ? [dirname(ref.entry)] : []),
    ...reading.packages.map((item) => (ref.ecosystem === 'npm' ? item.root : dirname(item.root))),
  ];
  const proofs = compareNative(deleted, roots, reading.packages).filter((change) => change.now === 'other');
  return withNativeProof(findings, proofs, runningServer(server));
}
