import { statSync } from 'node:fs';
import { configFinding } from '../diagnosis/configChange.ts';
import type { Finding, FindingAction } from '../types/finding.ts';
import type { Attributed } from './attribution.ts';
import { entryPrint, printDifferences } from './entryPrint.ts';
import type { FactStore } from './factStore.ts';

/**
 * Compares a server's entry with what it said when the server was first seen, and records that at first sight: then the entry explained the process, word by
 * word and variable by variable. @param now epoch ms
 */
export function entryFindings(
  attributed: Attributed,
  cure: readonly FindingAction[],
  memory: { readonly facts: FactStore; readonly entryKey: string },
  now: number,
): Finding[] {
  const [definition] = attributed.definitions;
  const { server } = attributed;
  if (definition?.command === undefined) {
    return [];
  }
  const known = memory.facts.fact(server.identity, 'entry');
  const print = entryPrint(definition, memory.entryKey);
  if (!known) {
    // Only what is surely its entry is worth remembering: it will stand against what the words say later.
    const sure = attributed.confidence === 'proven' || attributed.client === undefined;
    if (sure && attributed.definitions.length === 1) {
      memory.facts.recordFact(server.identity, 'entry', { takenAt: now, definition: definition.id, print });
    }
    return [];
  }
  const fileChangedAt = changeOf(definition.file);
  const finding =
    known.definition === definition.id
      ? configFinding({
          now,
          pid: server.pid,
          startedAt: server.startedAt,
          differences: printDifferences(known.print, print),
          recordedAt: known.takenAt,
          file: definition.file,
          line: definition.line,
          ...(fileChangedAt === undefined ? {} : { fileChangedAt }),
          cure,
        })
      : undefined;
  return finding ? [finding] : [];
}

function changeOf(file: string): number | undefined {
  try {
    return statSync(file).mtimeMs;
  } catch {
    return undefined;
  }
}
