import type { Definition, RawDefinition } from '../model/definition.ts';
import { longestText, redactUrl, urlSecrets, urlShape } from './addressSecrets.ts';
import {
  assignment,
  bareValue,
  isFlag,
  isHarmless,
  isNamedValue,
  isShellOption,
  isSurelyNamed,
  secretByPlace,
  shownOfArgument,
} from './argumentSecrets.ts';
import { redactCommands } from './commandText.ts';
import { redactEncoded } from './encodedSecrets.ts';
import { redactFields } from './fieldSecrets.ts';
import { headLength, knownValues } from './knownValues.ts';
import { redactLines } from './lineSecrets.ts';
import { redactLoose } from './looseSecrets.ts';
import { redactObjects } from './objectSecrets.ts';
import { placedArguments } from './programSecrets.ts';
import {
  hidesValue,
  isEmptyWord,
  isOrdinaryValue,
  isReference,
  isSecretField,
  isSecretName,
  isWorkingDirectory,
  redacted,
  tokenShapes,
} from './secretShapes.ts';

/** Every argument, command line and address passes here before it is shown or stored (ARCHITECTURE.md, invariants). Never throws. Redacted text stays as it is. */
export interface Redactor {
  /** Any text: a command line in one string, a message, an error. */
  text(value: string): string;
  /** Arguments one by one: a flag's value is known by the flag before it. Same length as the input. @param command the program, unless it is the first argument */
  args(args: readonly string[], command?: string): string[];
  /** An address: user info, query values and secret path segments are replaced, the rest stays as written. */
  url(value: string): string;
}

/** `--header "Name: value"` and `-H Name:value`, up to the closing quote or the next option. */
const headerShape = /((?:^|\s)(?:-H|--headers?)(?:\s+|=)["']?)([\w-]+)(\s*[:=]\s*)(.+?)(?=["']|\s--?[a-z]|$)/gi;
/** `--token value`, `--token=value`, `--Token:value`, `--Section:Token=value`. */
const flagShape =
  /((?:^|[\s"'=,])--?[a-z_](?:[\w.:-]*(?==)|[\w.-]*))(\s{0,3}[=:]\s{0,3}|\s+)(?![=:\s]|--?[a-z][a-z-]*(?:[\s=]|$))("[^"]*"|'[^']*'|[^\s"']+)/gi;
/** An option in the value of another: `--args=--token value`. */
const innerFlagShape = /(=["']?--?[a-z][\w.-]*)(\s{0,3}[=:]\s{0,3}|\s+)(?![=:\s])("[^"]*"|'[^']*'|[^\s"']+)/gi;
/** `--seed legal winner thank year wave …`: a phrase of words, as wallets have it. */
const phraseShape = /((?:^|\s)--?[A-Za-z][\w.-]{0,60})([\s=]\s{0,3})["']?(?:[a-z]{3,8}\s){5,47}[a-z]{3,8}(?![\w.:/=-])["']?/g;
/** `--cookie a=b; c=d`. */
const cookieShape = /((?:^|\s)--?cookies?[\s=])(?!-)[^\s"']+(?:;\s[^\s"'=;-][^\s"'=;]*=[^\s"';]*)+/gi;
/** `NAME=value`, as before a command, after `-e` (also without a blank) and in `env`. */
const assignmentShape = /((?:^|[\s"'=])(?:-e)?[A-Z_][A-Z\d_]*=)("[^"]*"|'[^']*'|[^\s"']+)/g;
/** `"name": "value"` in JSON, also with escaped quotes. */
const fieldShape = /(\\?["'])([\w.-]+)(\1\s*:\s*)(\\?["'])((?:\\{3}.|(?!\4)(?:\\.|.))*)(?:\4|$)/g;
/** `"names": ["value", …]`, and the values in it. */
const listShape = /(\\?["'])([\w.-]+)(\1\s*:\s*\[)((?:\s*(\\?["'])(?:\\{3}.|(?!\5)(?:\\.|.))*(?:\5|$)\s*,?)+)/g;
const listItem = /(\\?["'])((?:\\{3}.|(?!\1)(?:\\.|.))*)(?:\1|$)/g;
const schemeShape = /\b(Bearer|Basic)(\s+)([\w.~+/=-]{6,})/gi;
const privateKeyShape =
  /-{4,5} ?BEGIN[ +][A-Z\d +]*PRIVATE[ +]KEY(?:[ +]BLOCK)? ?-{4,5}[\s\S]*?(?:-{4,5} ?END[ +][A-Z\d +]*PRIVATE[ +]KEY(?:[ +]BLOCK)? ?-{4,5}|$)|PuTTY-User-Key-File-\d:[\s\S]*/g;
/** Number of texts whose redacted form is kept. */
const mostTexts = 1_000;
/** The second round changes few texts, the third almost none. */
const mostRounds = 4;
/** In characters. */
const longestRepeated = 16_384;
/**
 * A word without any of the signs that the rules of `redactShapes` look for, save those for tokens: most arguments are such words, and at the first scan each rule
 * costs more than reading the file.
 */
const plainWord = /^(?!-[A-Za-z].)[\w@.+~/-]*$/;

/**
 * Makes a redactor. Beside the rules by name and shape, it replaces the given values wherever they occur, also URL-encoded: values of 8 characters or more
 * even inside other words, values of 4 to 7 only as whole words. Shorter values and common words (`true`, `stdio`, `production`; see `secretShapes.ts`) are not
 * replaced: that would make most texts unreadable and hide nothing.
 */
export function createRedactor(secretValues: Iterable<string>): Redactor {
  const replaceKnown = knownValues(secretValues);

  /** At most `longestText` characters, without the beginning of a known value at the cut. */
  const cut = (value: string): string =>
    value.length > longestText ? `${replaceKnown(value.slice(0, longestText + headLength)).slice(0, longestText)}…` : value;

  function url(value: string): string {
    return replaceKnown(redactUrl(cut(value))).replace(tokenShapes, redacted);
  }

  // Every scan shows the same texts again.
  const texts = new Map<string, string>();
  function text(value: string): string {
    const known = texts.get(value);
    if (known !== undefined) {
      return known;
    }
    const result = settled(value);
    if (texts.size >= mostTexts) {
      texts.clear();
    }
    texts.set(value, result);
    return result;
  }

  /**
   * Redacts until nothing changes: what one rule leaves beside its mark can be a value to another, and other programs redact our texts again. A long text is redacted
   * once, because a round takes up to half a second.
   */
  function settled(value: string, isCommand = false): string {
    let result = redactText(value, isCommand);
    const rounds = value.length > longestRepeated ? 0 : mostRounds;
    for (let round = 0, before = value; result !== before && round < rounds; round++) {
      before = result;
      result = redactText(before, isCommand);
    }
    return result;
  }

  function redactText(value: string, isCommand = false, depth = 0): string {
    const unknown = replaceKnown(cut(value));
    if (plainWord.test(unknown) && !unknown.includes('PRIVATE')) {
      return unknown.replace(tokenShapes, redacted);
    }
    const objects = redactObjects(redactLines(redactFields(unknown.replace(privateKeyShape, redacted))));
    const decoded = redactEncoded(objects, depth, (inner) => redactText(inner, false, depth + 1));
    return redactShapes(redactCommands(decoded, isCommand));
  }

  function args(list: readonly string[], command?: string): string[] {
    const placed = placedArguments(list, command);
    return list.map((arg, index) => {
      const shown = shownOfArgument(placed, index, command);
      if (shown !== undefined) {
        return shown < arg.length ? `${arg.slice(0, shown)}${redacted}` : arg;
      }
      return isShellOption(list, index, command) ? settled(arg, true) : text(arg);
    });
  }

  return { text, args, url };
}

/** Redacts secrets by their shape and by the names before them, whatever the values of the entries are. @param value of at most `longestText` characters */
export function redactShapes(value: string): string {
  const named = value
    .replace(urlShape, (found) => redactUrl(found))
    .replace(tokenShapes, redacted)
    .replace(headerShape, `$1$2$3${redacted}`)
    .replace(schemeShape, (all, scheme: string, space: string, rest: string) =>
      /[\dA-Z=]/.test(rest) || rest.length > 16 ? `${scheme}${space}${redacted}` : all,
    )
    .replace(phraseShape, (all, flag: string, between: string) => (hidesValue(flag, 'phrase') ? `${flag}${between}${redacted}` : all))
    .replace(cookieShape, `$1${redacted}`)
    .replace(innerFlagShape, redactFlag)
    .replace(flagShape, redactFlag)
    .replace(assignmentShape, `$1${redacted}`)
    .replace(fieldShape, (all, quote: string, name: string, colon: string, open: string, content: string) =>
      (isSecretField(name) || hidesValue(name, content)) && !isHarmless(content) ? `${quote}${name}${colon}${open}${redacted}${open}` : all,
    )
    .replace(listShape, (all, quote: string, name: string, open: string, items: string) =>
      isSecretField(name)
        ? `${quote}${name}${open}${items.replace(listItem, (item, mark: string, content: string) => (isHarmless(content) ? item : mark + redacted + mark))}`
        : all,
    );
  return redactLoose(named);
}

/** The form of a definition that may be shown: names of variables without their values, everything else redacted. */
export function redactDefinition(raw: RawDefinition, redactor: Redactor): Omit<Definition, 'findings' | 'guarded'> {
  const { env, secrets: _, format: __, headers: ___, args, command, cwd, url, ...plain } = raw;
  return {
    ...plain,
    args: redactor.args(args, command),
    envNames: Object.keys(env),
    ...(command === undefined ? {} : { command: redactor.text(command) }),
    ...(cwd === undefined ? {} : { cwd: redactor.text(cwd) }),
    ...(url === undefined ? {} : { url: redactor.url(url) }),
  };
}

/**
 * The values of one server entry that must never be shown: values of variables with a secret's name or without an ordinary value (see `isOrdinaryValue`), all
 * header values with and without their scheme, values of flags with a secret's name, passwords in addresses.
 *
 * @param shapes a redactor without known values; one for all entries of a reading saves time
 */
export function secretsOf(
  entry: Pick<RawDefinition, 'command' | 'args' | 'env' | 'url'> & { readonly headers: readonly string[] },
  shapes = createRedactor([]),
): string[] {
  const secrets = new Set<string>();
  const add = (value: string): void => {
    if (!isReference(value) && !isEmptyWord(value)) {
      secrets.add(value);
    }
  };
  for (const [name, value] of Object.entries(entry.env)) {
    if (value !== null && !isWorkingDirectory(name, value) && (isSecretName(name) || !isOrdinaryValue(value))) {
      add(value);
      urlSecrets(value.slice(0, longestText)).forEach(add);
      nestedSecrets(value, shapes).forEach(add);
    }
  }
  for (const header of entry.headers) {
    add(header);
    add(header.replace(/^(?:Bearer|Basic|Token)\s+/i, ''));
  }
  const { command = '' } = entry;
  // A program's title, and an entry with its whole command line in one text: the arguments stand in the command.
  const words = /\s/.test(command) ? [command, ...entry.args] : entry.args;
  const placed = placedArguments(words, command);
  words.forEach((arg, index) => {
    const ofPlace = secretByPlace(placed, index);
    const assigned = plainWord.test(arg) ? undefined : assignment(arg);
    if (isSurelyNamed(words, index)) {
      add(arg);
    } else if (ofPlace !== undefined) {
      add(ofPlace);
    } else if (assigned && isSecretName(assigned.name)) {
      // A connection string is hidden as a whole: it has secrets among ordinary parts.
      add(assigned.value);
    }
    urlSecrets(arg.slice(0, longestText)).forEach(add);
  });
  urlSecrets((entry.url ?? '').slice(0, longestText)).forEach(add);
  // What only its shape shows.
  const args = words.slice(0, mostTexts);
  if (args.every((arg) => plainWord.test(arg) && arg.replace(tokenShapes, redacted) === arg)) {
    return [...secrets];
  }
  const shown = shapes.args(args, command);
  for (const [index, arg] of args.entries()) {
    for (const part of hiddenParts(arg, shown[index] ?? '')) {
      if (!isOrdinaryValue(part)) {
        add(part);
      }
    }
  }
  return [...secrets];
}

/** The secrets in a value that is a text of its own: JSON with objects in it, a connection string. Another program may show them alone. */
function nestedSecrets(value: string, shapes: Redactor): string[] {
  if (value.length > longestText || !/[{[;=&\s]/.test(value)) {
    return [];
  }
  const found = hiddenParts(value, shapes.text(value)).filter((part) => !isOrdinaryValue(part));
  try {
    JSON.parse(value, (name, item: unknown) => {
      if (typeof item === 'string' && isSecretField(name)) {
        found.push(item);
      }
      return item;
    });
  } catch {
    // No JSON, or nested deeper than the stack.
  }
  return found;
}

/** The values of arguments that a name beside them hides, also plain words, which other texts may hold. */
export function namedValues(args: readonly string[]): string[] {
  return args.flatMap((arg, index) => {
    const { name, value } = assignment(arg) ?? { name: '', value: '' };
    return [...(isNamedValue(args, index) ? [arg] : []), ...(hidesValue(name, value) ? [value] : [])].filter((found) => !isHarmless(found));
  });
}

/** The parts of a text that its redacted form does not show. */
function hiddenParts(text: string, shown: string): string[] {
  const [first = '', ...pieces] = shown.split(redacted);
  if (pieces.length === 0 || !text.startsWith(first)) {
    return [];
  }
  let from = first.length;
  return pieces.map((piece, index) => {
    const end = piece === '' || index === pieces.length - 1 ? text.length - piece.length : text.indexOf(piece, from);
    const part = text.slice(from, Math.max(from, end));
    from = Math.max(from, end) + piece.length;
    return part;
  });
}

function redactFlag(all: string, flag: string, between: string, value: string): string {
  return hidesValue(flag, bareValue(value)) && !isFlag(value) && !isHarmless(value) ? `${flag}${between}${redacted}` : all;
}
