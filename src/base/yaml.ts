import yaml from 'yaml';

/** Control characters that no YAML text may hold (YAML 1.2, 5.1). The library takes them for parts of a word: a key with one would be another key. */
const notYaml = /[^\P{Cc}\t\n\r\x7f-\x9f]/u;

/** Lexical units. A lock file of 7,000 packages has about as many. An invalid text of as many takes 2 s to refuse. */
const maxUnits = 300_000;
/** pnpm and Yarn write none; people write a few. Their resolution takes time in the square of their number. */
const maxReferences = 100;

/**
 * Parses YAML 1.2, with merge keys. All scalars are strings (an absent value is ''), because the readers want addresses and names; only in JSON, which YAML
 * includes and which has a faster parser, they keep their types. Where a key stands twice, the last one counts.
 *
 * @returns the documents of the text; undefined when it is invalid, too large, or has too many anchors and aliases. Never throws.
 */
export function yamlDocuments(text: string): readonly unknown[] | undefined {
  try {
    return [JSON.parse(text)];
  } catch {
    // Not JSON.
  }
  if (notYaml.test(text)) {
    return undefined;
  }
  const { stackTraceLimit } = Error;
  // The library makes an error object for each fault: with a stack trace, a megabyte of brackets takes 10 s instead of 3 s.
  Error.stackTraceLimit = 0;
  try {
    // The library's own check for duplicate keys takes time in the square of the number of keys.
    const composer = new yaml.Composer({ schema: 'failsafe', merge: true, uniqueKeys: false, logLevel: 'silent' });
    const documents = [...composer.compose(syntaxTokens(text))];
    return documents.some((document) => document.errors.length > 0 || hasOddKey(document))
      ? undefined
      : documents.map((document) => document.toJS({ maxAliasCount: maxReferences }));
  } catch {
    // The bounds, an alias bomb, or nesting deeper than the stack. The library's messages quote the text and are dropped.
    return undefined;
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** Whether a key is a map, a list or an alias: no reader wants one, and the library writes it as text, which takes time in the square of the nesting. */
function hasOddKey(document: yaml.Document): boolean {
  let found = false;
  yaml.visit(document, {
    Pair(_, { key }) {
      found ||= key !== null && !yaml.isScalar(key);
      return found ? yaml.visit.BREAK : undefined;
    },
  });
  return found;
}

/** @throws RangeError beyond the bounds */
function* syntaxTokens(text: string, most = maxUnits, onLine?: (offset: number) => void) {
  const parser = new yaml.Parser(onLine);
  let units = 0;
  let references = 0;
  for (const unit of new yaml.Lexer().lex(text)) {
    units += 1;
    references += unit.startsWith('&') || unit.startsWith('*') ? 1 : 0;
    if (units > most || references > maxReferences) {
      throw new RangeError();
    }
    yield* parser.next(unit);
  }
  yield* parser.end();
}

/** Lexical units of a file that people write: 1,000 servers have about 60,000. */
const maxWrittenUnits = 100_000;

/** The first document of a YAML text with its types, and the line (1-based) on which a key or an item stands; or the line of its first mistake. */
type YamlReading = { readonly value: unknown; readonly lineOf: (path: readonly (string | number)[]) => number } | MistakePlace;

/** Both 1-based. */
interface MistakePlace {
  readonly line: number;
  readonly column?: number;
}

/** Parses a YAML 1.2 text that people write. Bounded like `yamlDocuments`. Never throws, and quotes nothing of the text. */
export function readYaml(text: string): YamlReading {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    const lines = new yaml.LineCounter();
    lines.addNewLine(0);
    const read = writtenDocument(text, lines);
    if (!('document' in read)) {
      return read;
    }
    const { document } = read;
    const lineOf = (path: readonly (string | number)[]): number => {
      const parent: unknown = document?.getIn(path.slice(0, -1), true);
      const last = path.at(-1);
      const node = yaml.isMap(parent)
        ? parent.items.findLast(({ key }) => (yaml.isScalar(key) ? key.value : key) === last)?.key
        : yaml.isSeq(parent)
          ? parent.items[Number(last)]
          : undefined;
      const range = yaml.isNode(node) ? node.range : undefined;
      return range ? Math.max(1, lines.linePos(range[0]).line) : 1;
    };
    return { value: document?.toJS({ maxAliasCount: maxReferences }), lineOf };
  } catch {
    return { line: 1 };
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** The tree of the first document of such a text, with the place of each part, and its value; undefined where `readYaml` finds a mistake or nothing. Never throws. */
export function yamlTree(text: string): { readonly document: yaml.Document; readonly value: unknown } | undefined {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    const read = writtenDocument(text, new yaml.LineCounter());
    return 'document' in read && read.document
      ? { document: read.document, value: read.document.toJS({ maxAliasCount: maxReferences }) }
      : undefined;
  } catch {
    return undefined;
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** @throws beyond the bounds */
function writtenDocument(text: string, lines: yaml.LineCounter): { readonly document: yaml.Document | undefined } | MistakePlace {
  const odd = text.search(notYaml);
  if (odd >= 0) {
    return { line: text.slice(0, odd).split('\n').length };
  }
  const composer = new yaml.Composer({ merge: true, uniqueKeys: false, logLevel: 'silent', keepSourceTokens: true });
  const [document] = composer.compose(syntaxTokens(text, maxWrittenUnits, lines.addNewLine));
  const [mistake] = document?.errors ?? [];
  if (document && !mistake && hasOddKey(document)) {
    return { line: 1 };
  }
  if (mistake) {
    const { line, col } = lines.linePos(mistake.pos[0]);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  }
  return { document };
}
