import { singleLine } from '../../base/singleLine.ts';
import type { RawDefinition } from '../../model/definition.ts';
import type { HealthKind, HealthNote } from '../../model/entryHealth.ts';
import type { Redactor } from '../../redaction/redactor.ts';
import type { HealthFacts, HealthVerdict } from './healthFacts.ts';
import { type DataWriters, dataWriters, shadowed, sharedData } from './neighbourHealth.ts';
import { hiddenCommand, missingCommand, missingFile, needsCmd } from './programHealth.ts';
import { plainSecret, unpinned, unsetVariable } from './valueHealth.ts';

interface HealthRule {
  readonly level: HealthNote['level'];
  readonly judge: (entry: RawDefinition, facts: HealthFacts, writers: DataWriters) => HealthVerdict | undefined;
}

/** Every kind of remark, in the order in which they are shown. */
const rules: Readonly<Record<HealthKind, HealthRule>> = {
  'command-missing': { level: 'warning', judge: missingCommand },
  'command-hidden': { level: 'warning', judge: hiddenCommand },
  'file-missing': { level: 'warning', judge: missingFile },
  'unset-variable': { level: 'warning', judge: unsetVariable },
  'plain-secret': { level: 'information', judge: plainSecret },
  'needs-cmd': { level: 'information', judge: needsCmd },
  shadowed: { level: 'information', judge: shadowed },
  'shared-data': { level: 'information', judge: sharedData },
  unpinned: { level: 'information', judge: unpinned },
};

const kinds = Object.keys(rules).filter((kind): kind is HealthKind => kind in rules);

/** Remarks that are kept: more are no list that a user reads. */
const maxNotes = 1_000;
/** Characters of a remark. */
const maxMessage = 1_000;

/** Judges the entries of all clients as their files have them. Entries that are switched off, that another one replaces everywhere, or that a plugin brings are left out. */
export function judgeHealth(definitions: readonly RawDefinition[], facts: HealthFacts, redactor: Redactor): HealthNote[] {
  const own = definitions.filter((entry) => entry.enabled && isUsers(entry));
  const used = own.filter(({ replacedBy = [] }) => replacedBy.every(({ folder }) => folder !== undefined));
  const writers = dataWriters(used, facts);
  const isUsed = new Set(used);
  const notes = kinds.flatMap((kind) => {
    const { level, judge } = rules[kind];
    return own.flatMap((entry): HealthNote[] => {
      const verdict = isUsed.has(entry) || kind === 'shadowed' ? judge(entry, facts, writers) : undefined;
      return verdict === undefined ? [] : [noteOf(entry, kind, { level, ...verdict }, redactor)];
    });
  });
  return notes.slice(0, maxNotes);
}

/** Not so what a plugin or an extension brings: the user cannot correct it. */
function isUsers({ format, plugin }: RawDefinition): boolean {
  return format !== undefined && format !== 'mcpb-manifest' && plugin === undefined;
}

function noteOf(
  { id, name, client, file, line }: RawDefinition,
  kind: HealthKind,
  { message, level, fix }: HealthVerdict & Pick<HealthNote, 'level'>,
  redactor: Redactor,
): HealthNote {
  return {
    kind,
    level,
    definition: id,
    name,
    client,
    file,
    line,
    message: singleLine(redactor.text(message), maxMessage),
    ...(fix ? { fix } : {}),
  };
}
