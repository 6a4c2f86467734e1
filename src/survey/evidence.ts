import { basename, join } from 'node:path';
import type { Baseline } from '../diagnosis/baseline.ts';
import type { PackageRef } from '../types/package.ts';
import type { ProcessRow } from '../types/process.ts';
import type { Redactor } from '../types/redaction.ts';
import type { InstanceEvidence } from '../types/snapshot.ts';
import type { Attributed } from './attribution.ts';
import type { PackageSight } from './closures.ts';

/** What the evidence of one server is made from. */
export interface EvidenceParts {
  readonly attributed: Attributed;
  readonly sight: PackageSight;
  /** Epoch ms. */
  readonly firstSeenAt: number;
  /** The recorded packages and the file that holds them. */
  readonly baseline?: { readonly value: Baseline; readonly record: string };
  readonly redactor: Redactor;
}

/** Says how what is known of a server is known: for the details page and `explain`. Looks at nothing. */
export function evidenceOf({ attributed, sight, firstSeenAt, baseline, redactor }: EvidenceParts): InstanceEvidence {
  const { server, detail } = attributed;
  return {
    firstSeenAt: new Date(firstSeenAt).toISOString(),
    program: detail.exe === undefined ? null : redactor.text(detail.exe),
    unreadable: detail.missing,
    match: { confidence: attributed.confidence, why: attributed.why.map((line) => redactor.text(line)) },
    source: 'unknown' in sight ? null : sourceOf(server, sight),
    baseline: baseline
      ? {
          takenAt: new Date(baseline.value.takenAt).toISOString(),
          trust: baseline.value.trust,
          packages: baseline.value.packages.length,
          record: baseline.record,
        }
      : null,
  };
}

function sourceOf(server: ProcessRow, sight: Exclude<PackageSight, { unknown: string }>): NonNullable<InstanceEvidence['source']> {
  const { ref, reading } = sight;
  const packages = reading.status === 'ok' ? reading.packages : [];
  const root = packages[0]?.root;
  return {
    entry: ref.entry,
    how: howFound(server, sight),
    editable: ref.editable === true,
    metadata: root === undefined ? null : ref.ecosystem === 'npm' ? join(root, 'package.json') : root,
    packages: packages.length,
  };
}

function howFound(server: ProcessRow, sight: { readonly ref: PackageRef; readonly recorded?: boolean }): string {
  if (sight.recorded) {
    return 'from the record of its first sight: nothing that is there now tells';
  }
  const name = basename(sight.ref.entry);
  if (server.commandLine.includes(name)) {
    return 'from the script on its command line';
  }
  return /(^|\s)-m\s/.test(server.commandLine)
    ? 'from the module on its command line'
    : 'from its environment: it has replaced its command line by a title';
}
