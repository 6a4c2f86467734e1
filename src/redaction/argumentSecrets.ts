import { isOpen, isPath, isSecretBeside, isUserAndPassword, isUserOption, secretHeaderName } from './looseSecrets.ts';
import { baseProgram, type PlacedArguments, shownOfProgram } from './programSecrets.ts';
import { hidesValue, isEmptyWord, isLetterSecret, isReference, isSecretName, redacted } from './secretShapes.ts';

/** Words before the secret in a header's value. */
const schemeWord = /^(?:Bearer|Basic|Token|ApiKey|Digest|Negotiate)$/i;
const headerOption = /^(?:-H|--headers?)$/;
const looksLikeFlag = /^(?:--[a-z][a-z-]*(?:=.*)?|-[a-z])$/i;
/** Programs and shell words whose next words of the form `NAME=value` set variables, also in small letters. */
const setsVariables = /^(?:env|export|cross-env|declare|typeset|setx?)$/i;
const variable = /^[A-Za-z_][\w.-]{0,200}=/;
/** `--Section:Name` of .NET. */
const sectionOption = /^--[A-Za-z][\w.-]*:[A-Za-z][\w.:-]*$/;
const shellName = /^(?:(?:ba|z|da|k|a|fi)?sh|cmd|pwsh|powershell)$/i;
/** In place of a program: the arguments are the words of a text that a shell runs. */
export const shellText = 'sh -c';
const shellOption = /^(?:-[a-z]*c|\/[ck]|-command)$/i;
/** `Authorization: S`, and a header in a setting of git. */
const headerArgument =
  /^((?:proxy-)?authorization\s{0,3}[:=]\s{0,3}|-H[\w-]{1,60}:\s{0,3}|http\.(?:[^=\s]{1,200}\.)?extraheader=[\w-]{1,60}:\s{0,3})(?=\S)/i;
/** Names of recovery phrases, whose words a system may have split. */
const phraseName = /(?:mnemonic|(?:seed|recovery|backup|secret)[-_]?(?:phrase|words))$/i;
const phraseWord = /^[a-z]{3,8}$/;
/** Parts of a cookie, and words of a phrase. */
const mostParts = 50;
/** Words between a shell and what it is to run. */
export const mostBetween = 8;

/**
 * How many characters of an argument are shown before a secret that ends it; 0 where it is a secret as a whole.
 * @returns undefined where nothing beside it tells a secret: it is a text like others
 */
export function shownOfArgument(placed: PlacedArguments, index: number, command?: string): number | undefined {
  const { list } = placed;
  const arg = list[index] ?? '';
  const before = list[index - 1] ?? '';
  if (/\s/.test(arg) && isShellOption(list, index, command)) {
    return undefined;
  }
  if (isSecretByPlace(list, index)) {
    return 0;
  }
  const ofProgram = isOpen(arg) ? shownOfProgram(placed, index) : undefined;
  if (ofProgram !== undefined) {
    return ofProgram;
  }
  const [, option = '', glued = ''] = /^(-[A-Za-z]|\/[A-Za-z]:)([^-\s].*)$/s.exec(arg) ?? [];
  if (isLetterSecret(option.charAt(1), glued)) {
    return option.length;
  }
  if (isNamedValue(list, index)) {
    return 0;
  }
  if (headerOption.test(before)) {
    const [header] = /^[\w-]+\s*[:=]\s*(?=\S)|^(?=\{)/.exec(arg) ?? [];
    return header?.length;
  }
  if (isUserOption(before) && isUserAndPassword(before, arg)) {
    return 0;
  }
  const [set] = variable.exec(arg) ?? [];
  if (set !== undefined && arg.length > set.length && isSetting(list, index, command)) {
    return set.length;
  }
  const assigned = assignment(arg);
  if (assigned && hidesValue(assigned.name, assigned.value) && !isHarmless(assigned.value)) {
    return assigned.name.length + 1;
  }
  const [, header] = headerArgument.exec(arg) ?? [];
  return header !== undefined && isOpen(arg.slice(header.length)) ? header.length : shownOfPair(arg);
}

/** Whether `NAME=value` sets a variable: after `-e`, `env`, `export`, `set`, or at the beginning of what a shell is to run. */
function isSetting(list: readonly string[], index: number, command: string | undefined): boolean {
  if (/^(?:-e|--env|--build-arg)$/.test(list[index - 1] ?? '')) {
    return true;
  }
  let first = index;
  while (
    first > 0 &&
    (variable.test(list[first - 1] ?? '') || /^-[a-zA-Z]{0,3}$/.test(list[first - 1] ?? '')) &&
    index - first < mostParts
  ) {
    first -= 1;
  }
  const before = baseProgram(first > 0 ? (list[first - 1] ?? '') : (command ?? ''));
  if (command === shellText && (first === 0 || setsVariables.test(before))) {
    return true;
  }
  // The option of a shell is among the words that were skipped, or it is `/c`.
  const isShell = isShellNear(list, first, command);
  if (/^set$/i.test(before)) {
    return isShell;
  }
  return setsVariables.test(before) || (isShell && [list[first] ?? '', before].some((word) => shellOption.test(word)));
}

/** Whether the name before an argument hides it, and it is no option of its own. */
export function isNamedValue(list: readonly string[], index: number): boolean {
  const arg = list[index] ?? '';
  const name = nameBefore(list, index);
  return name !== undefined && hidesValue(name, arg) && !looksLikeFlag.test(arg) && !isHarmless(arg);
}

/** The same for what is replaced in all other texts: only names that leave no doubt. */
export function isSurelyNamed(list: readonly string[], index: number): boolean {
  const name = nameBefore(list, index) ?? '';
  return isSecretName(name) && hidesValue(name, list[index] ?? '') && !looksLikeFlag.test(list[index] ?? '');
}

/** Whether an argument is a secret because of the words before it: a header in two or three words, a header's name alone, a name that a program is told to set. */
function isSecretByPlace(list: readonly string[], index: number): boolean {
  const arg = list[index] ?? '';
  const before = list[index - 1] ?? '';
  if (/^--?[A-Za-z]/.test(arg) || !isOpen(arg)) {
    return false;
  }
  // The header's name may be two words back, with its scheme in between.
  const nameAt = schemeWord.test(before) && index >= 2 ? index - 2 : index - 1;
  const name = list[nameAt] ?? '';
  const [, letter = ''] = /^-([A-Za-z])$/.exec(before) ?? [];
  if (letter !== '' && isLetterSecret(letter, arg)) {
    return true;
  }
  if (/^(?:-{0,2}|\/)[A-Za-z_][\w.-]{0,60}$/.test(before) && isSecretBeside(before, arg)) {
    return true;
  }
  const introduced = headerOption.test(list[nameAt - 1] ?? '');
  if (introduced && /^[\w-]+:?$/.test(name) && (name.includes('-') || name.endsWith(':') || isSecretName(name))) {
    return true;
  }
  if (isAfterScheme(list, index)) {
    return true;
  }
  if (name.endsWith(':') && secretHeaderName.test(name.slice(0, -1))) {
    return true;
  }
  return isSetValue(list, index);
}

/** `--authorization Bearer S`. */
function isAfterScheme(list: readonly string[], index: number): boolean {
  const name = list[index - 2] ?? '';
  return schemeWord.test(list[index - 1] ?? '') && /^--?[A-Za-z][\w.-]*$/.test(name) && isSecretName(name) && !/^-/.test(list[index] ?? '');
}

/** `aws configure set aws_secret_access_key S`, `npm config set //host/:_authToken S`; any variable of `set -x NAME S` and `setx NAME S`. */
function isSetValue(list: readonly string[], index: number): boolean {
  const name = list[index - 1] ?? '';
  const [, setter = '', options = ''] = /(?:^| )(setx?)((?: -[a-zA-Z]{1,5})?)$/i.exec(`${list[index - 3]} ${list[index - 2]}`) ?? [];
  const isExported = /x$/i.test(setter) || /x/.test(options);
  return setter !== '' && /^[\w./:-]{2,200}$/.test(name) && (isSecretName(name) || isExported) && !isEmptyWord(list[index] ?? '');
}

/** An argument that names its secret itself: `/password:S`, `/token=S`, `apiKey: S`, `--user=name:S`, `-var=token=S`. */
function shownOfPair(arg: string): number | undefined {
  const [, name = '', sign = '', value = ''] = /^(\/?[A-Za-z_][\w.-]*)(\s*[:=]\s*)(\S+)$/.exec(arg) ?? [];
  if (hidesValue(name, value) && isOpen(value) && !isPath(value)) {
    return name.length + sign.length;
  }
  const [, outer = '', inner = '', innerValue = ''] = /^(--?[\w-]{1,40}=)([A-Za-z_][\w.-]{0,60})=(\S+)$/.exec(arg) ?? [];
  if (isSecretName(inner) && isOpen(innerValue)) {
    return outer.length + inner.length + 1;
  }
  const [, option = '', user = ''] = /^(--[\w-]{1,40})=(\S+)$/.exec(arg) ?? [];
  return isUserOption(option) && isUserAndPassword(option, user) && isOpen(user) ? option.length + 1 : undefined;
}

/** `--name=value`, `--Name:value`, `NAME=value` as one argument. The sign is one character. */
export function assignment(arg: string): { readonly name: string; readonly value: string } | undefined {
  const equals = /^(--?[A-Za-z_][\w.:-]*|[A-Za-z_]\w*)=([\s\S]+)$/.exec(arg);
  const colon = /^(--?[A-Za-z][\w.-]*):(?!\/\/)([\s\S]+)$/.exec(arg);
  // `--token:abc==` has its sign first; in `--section:token=abc` the last word is the name.
  const first = colon && isSecretName(colon[1] ?? '') && !isSecretName(equals?.[1]?.split(':').at(-1) ?? '');
  const match = first ? colon : (equals ?? colon);
  return match ? { name: match[1] ?? '', value: match[2] ?? '' } : undefined;
}

/** The name that the words before an argument give it: `--token S`, `--token = S`, `--token= S`, `token = S`, `--args=--token S`. */
function nameBefore(list: readonly string[], place: number): string | undefined {
  if (/^[=:]$/.test(list[place] ?? '')) {
    return undefined;
  }
  // Where the system gives one text for all arguments, a cookie and a phrase are split: `--cookie a=b; c=S`.
  let index = place;
  while (list[index - 1]?.endsWith(';') && index > 1 && place - index < mostParts) {
    index -= 1;
  }
  if (index === place && phraseWord.test(list[place] ?? '')) {
    while (phraseWord.test(list[index - 1] ?? '') && place - index < mostParts) {
      index -= 1;
    }
    index = phraseName.test(list[index - 1] ?? '') && /^-/.test(list[index - 1] ?? '') ? index : place;
  }
  const before = list[index - 1] ?? '';
  if (/^[=:]$/.test(before)) {
    return /^-{0,2}[A-Za-z_][\w.-]*$/.exec(list[index - 2] ?? '')?.[0];
  }
  // Of `--Section:Name` the last part names the value.
  return /^(?:--?[A-Za-z][\w.-]*[=:])?([-+]{1,2}[A-Za-z_][\w.-]*(?::[A-Za-z][\w.-]*)*)[=:]?$/.exec(before)?.[1]?.split(':').at(-1);
}

/** A secret that the words before it tell, whatever it looks like: the password of a program, a header in words. */
export function secretByPlace(placed: PlacedArguments, index: number): string | undefined {
  const arg = placed.list[index] ?? '';
  const shown = isSecretByPlace(placed.list, index) ? 0 : isOpen(arg) ? shownOfProgram(placed, index) : undefined;
  return shown === undefined ? undefined : arg.slice(shown);
}

/** Whether a secret shows only where a command is split into words: the password of a program, what it is told to set. */
export function isToldByCommand(placed: PlacedArguments, index: number): boolean {
  const arg = placed.list[index] ?? '';
  return (
    isOpen(arg) &&
    (shownOfProgram(placed, index) !== undefined ||
      isSetValue(placed.list, index) ||
      isAfterScheme(placed.list, index) ||
      (sectionOption.test(placed.list[index - 1] ?? '') && isNamedValue(placed.list, index)) ||
      headerArgument.test(arg) ||
      (variable.test(arg) && isSetting(placed.list, index, undefined)))
  );
}

/** Whether a shell runs this argument: `sh -c TEXT`, `cmd /c TEXT`. @param command the program, when it is not the first argument */
export function isShellOption(list: readonly string[], index: number, command?: string): boolean {
  return shellOption.test(list[index - 1] ?? '') && isShellNear(list, index, command);
}

/** Whether a shell is the program, or stands among the few words before this place. */
function isShellNear(list: readonly string[], index: number, command: string | undefined): boolean {
  return [command ?? '', ...list.slice(Math.max(0, index - mostBetween), index)].some((word) => shellName.test(baseProgram(word)));
}

/** Whether a word has the form of an option. */
export function isFlag(word: string): boolean {
  return looksLikeFlag.test(word);
}

export function bareValue(value: string): string {
  return value.replace(/^["']|["']$/g, '');
}

/** Nothing to hide: redacted already, a reference to where the secret is, or a common word. */
export function isHarmless(value: string): boolean {
  const bare = bareValue(value);
  return bare === redacted || isReference(bare) || (bare.length >= 4 ? isEmptyWord(bare) : /^(|on|off|yes|no|\d)$/i.test(bare));
}
