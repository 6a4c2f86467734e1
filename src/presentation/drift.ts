import { t } from '../base/language/translate.ts';
import type { Definition } from '../model/definition.ts';

/** What differs between entries of one name. Values of variables and headers are never compared. */
type DriftKind = 'transport' | 'address' | 'command' | 'version' | 'args' | 'env';

/** A server that several clients configure in different ways. */
interface Drift {
  readonly name: string;
  /** All entries of the name. */
  readonly entries: readonly Definition[];
  /** For each difference: the texts of each side, and the entries that have it. */
  readonly differences: readonly { readonly kind: DriftKind; readonly sides: readonly DriftSide[] }[];
}

interface DriftSide {
  /** The version, the names of variables, the kind of transport; undefined where the text may be long or secret. */
  readonly text?: string;
  readonly entries: readonly Definition[];
}

interface EntryForm {
  readonly entry: Definition;
  readonly facts: Readonly<Partial<Record<DriftKind, string>>>;
}

/** In this order they are told. */
const kinds: readonly DriftKind[] = ['transport', 'address', 'command', 'version', 'args', 'env'];
const told: readonly DriftKind[] = ['transport', 'version', 'env'];
const named = /^(@?[\w.-]+(?:\/[\w.-]+)?(?:\[[\w,-]+\])?)(?:@|==)([\w.^~*+!-]{1,60})$/;

/** Servers of one name that entries of at least two clients start in different ways, by name. Entries that are switched off count too. */
export function driftOf(definitions: readonly Definition[]): Drift[] {
  const byName = groupedBy(definitions, ({ name }) => name);
  return [...byName]
    .filter(([, entries]) => new Set(entries.map(({ client }) => client)).size > 1)
    .flatMap(([name, entries]): Drift[] => {
      const forms = entries.map((entry): EntryForm => ({ entry, facts: factsOf(entry) }));
      const differences = kinds.flatMap((kind) => {
        const having = forms.filter(({ facts }) => facts[kind] !== undefined);
        const sides = [...groupedBy(having, ({ facts }) => facts[kind] ?? '')];
        const isText = told.includes(kind);
        return sides.length < 2
          ? []
          : [{ kind, sides: sides.map(([text, of]) => ({ ...(isText ? { text } : {}), entries: of.map(({ entry }) => entry) })) }];
      });
      return differences.length === 0 ? [] : [{ name, entries, differences }];
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** "version: 1.2.0 (Cursor), latest (Codex); args: Cursor, Codex; env: TOKEN (Cursor), none (Codex)". @param nameOf a client's name by its id */
export function driftSummary({ differences }: Drift, nameOf: (client: string) => string): string {
  return differences
    .map(({ kind, sides }) => {
      const texts = sides.map(({ text, entries }) => {
        const clients = [...new Set(entries.map(({ client }) => nameOf(client)))].join(', ');
        return text === undefined ? clients : `${text} (${clients})`;
      });
      return `${kind}: ${texts.join(sides.some(({ text }) => text === undefined) ? ' / ' : ', ')}`;
    })
    .join('; ');
}

function groupedBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) {
      group.push(item);
    } else {
      groups.set(key, [item]);
    }
  }
  return groups;
}

function factsOf(entry: Definition): EntryForm['facts'] {
  const { transport, url, envNames } = entry;
  const env = envNames.length === 0 ? t('none') : [...envNames].sort().join(' ');
  if (transport !== 'stdio') {
    return { transport, env, ...(url === undefined ? {} : { address: url }) };
  }
  const [command = '', ...args] = ownWords(entry);
  const program = (command.split(/[\\/]/).at(-1) ?? '').toLowerCase().replace(/\.(?:exe|cmd|bat)$/, '');
  // npx asks at a terminal only.
  const words = program === 'npx' ? args.filter((word) => word !== '-y' && word !== '--yes') : args;
  const specs = words.map((word) => named.exec(word));
  const at = specs.findIndex((spec) => spec !== null);
  return {
    transport,
    env,
    command: program,
    version: specs[at]?.[2] ?? t('none named'),
    args: JSON.stringify(words.map((word, index) => (index === at ? specs[at]?.[1] : word))),
  };
}

/** The server's own command and arguments: without the guard, and without the program that starts commands on Windows. */
function ownWords({ command = '', args, guarded }: Definition): readonly string[] {
  const words = [command, ...args];
  const own = guarded ? words.slice(words.indexOf('--') + 1) : words;
  return /^cmd(?:\.exe)?$/i.test(own[0] ?? '') && /^\/c$/i.test(own[1] ?? '') ? own.slice(2) : own;
}
