import { basename, join } from 'node:path';
import { t } from '../../base/language/translate.ts';
import type { Baseline } from '../../diagnosis/stale/baseline.ts';
import type { PackageRef } from '../../model/package.ts';
import type { ProcessDetail, ProcessRow } from '../../model/process.ts';
import type { InstanceEvidence } from '../../model/snapshot.ts';
import type { Redactor } from '../../redaction/redactor.ts';
import type { FactStore } from '../facts/factStore.ts';
import type { Attributed } from '../match/attributeServers.ts';
import type { LoadedPackage } from './closures.ts';

interface EvidenceParts {
  readonly attributed: Attributed;
  readonly loaded: LoadedPackage;
  /** Epoch ms. */
  readonly firstSeenAt: number;
  /** The recorded packages and the file that holds them. */
  readonly baseline?: { readonly value: Baseline; readonly record: string };
  readonly facts: FactStore;
  readonly redactor: Redactor;
}

/** How the facts of one server are known, for the details page and `explain`. */
export function evidenceOf({ attributed, loaded, firstSeenAt, baseline, facts, redactor }: EvidenceParts): InstanceEvidence {
  const { server, detail } = attributed;
  return {
    firstSeenAt: new Date(firstSeenAt).toISOString(),
    program: detail.exe === undefined ? null : redactor.text(detail.exe),
    unreadable: detail.missing,
    match: { confidence: attributed.confidence, why: [...attributed.why, ...attributed.whyByPort].map((line) => redactor.text(line)) },
    source: 'unknown' in loaded ? null : sourceOf(server, loaded),
    baseline: baseline
      ? {
          takenAt: new Date(baseline.value.takenAt).toISOString(),
          trust: baseline.value.trust,
          packages: baseline.value.packages.length,
          ...(baseline.value.written ? { written: redactor.text(baseline.value.written.path) } : {}),
          record: baseline.record,
        }
      : null,
    compared: comparedOf(server, detail, facts, redactor),
  };
}

function comparedOf(
  server: ProcessRow,
  detail: ProcessDetail,
  facts: FactStore,
  redactor: Redactor,
): { readonly what: string; readonly recordedAt: string }[] {
  const program = facts.fact(server.identity, 'program');
  const source = facts.fact(server.identity, 'source');
  const entry = facts.fact(server.identity, 'entry');
  const late = source?.files.filter((file) => file.late !== undefined).length ?? 0;
  const items: readonly (readonly [string, number | undefined])[] = [
    [t('its program {0}, by content', redactor.text(program?.command ?? detail.exe ?? '')), program?.takenAt],
    [
      late > 0
        ? t(
            '{0} source files that it loads, by content ({1} were already written after its start and are not compared)',
            source?.files.length ?? 0,
            late,
          )
        : t('{0} source files that it loads, by content', source?.files.length ?? 0),
      source?.takenAt,
    ],
    [t('the entry’s arguments and environment (hashed)'), entry?.takenAt],
  ];
  return items.flatMap(([what, at]) => (at === undefined ? [] : [{ what, recordedAt: new Date(at).toISOString() }]));
}

function sourceOf(server: ProcessRow, loaded: Exclude<LoadedPackage, { unknown: string }>): NonNullable<InstanceEvidence['source']> {
  const { ref, reading } = loaded;
  const packages = reading.status === 'ok' ? reading.packages : [];
  const root = packages[0]?.root;
  return {
    entry: ref.entry,
    how: howFound(server, loaded),
    editable: ref.editable === true,
    metadata: root === undefined ? null : ref.ecosystem === 'npm' ? join(root, 'package.json') : root,
    packages: packages.length,
  };
}

function howFound(server: ProcessRow, { ref, recorded }: { readonly ref: PackageRef; readonly recorded?: boolean }): string {
  if (recorded) {
    return t('from the record made when it was first seen');
  }
  const name = basename(ref.entry);
  if (server.commandLine.includes(name)) {
    return t('from the script on its command line');
  }
  return server.argv.includes('-m')
    ? t('from the module on its command line')
    : t('from its environment: it replaced its command line with a title');
}
