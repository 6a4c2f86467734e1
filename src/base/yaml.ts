import yaml from 'yaml';

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
  const { stackTraceLimit } = Error;
  // The library makes an error object for each fault: with a stack trace, a megabyte of brackets takes 10 s instead of 3 s.
  Error.stackTraceLimit = 0;
  try {
    // The library's own check for duplicate keys takes time in the square of the number of keys.
    const composer = new yaml.Composer({ schema: 'failsafe', merge: true, uniqueKeys: false, logLevel: 'silent' });
    const documents = [...composer.compose(syntaxTokens(text))];
    return documents.some(({ errors }) => errors.length > 0)
      ? undefined
      : documents.map((document) => document.toJS({ maxAliasCount: maxReferences }));
  } catch {
    // The bounds, an alias bomb, or nesting deeper than the stack. The library's messages quote the text and are dropped.
    return undefined;
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** @throws RangeError beyond the bounds */
function* syntaxTokens(text: string) {
  const parser = new yaml.Parser();
  let units = 0;
  let references = 0;
  for (const unit of new yaml.Lexer().lex(text)) {
    units += 1;
    references += unit.startsWith('&') || unit.startsWith('*') ? 1 : 0;
    if (units > maxUnits || references > maxReferences) {
      throw new RangeError();
    }
    yield* parser.next(unit);
  }
  yield* parser.end();
}
