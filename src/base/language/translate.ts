import { tellReasons } from './because.ts';

/** The texts of the display language, by their English texts; undefined: English. */
let bundle: Readonly<Record<string, string>> | undefined;

/**
 * Sets the display language of this process, before the first text is made. The extension does so with the bundle that VS Code has loaded; every other program speaks
 * English.
 */
export function setTexts(texts: Readonly<Record<string, string>> | undefined): void {
  bundle = texts;
  tellReasons((parts, values) =>
    translated(
      parts.reduce((text, part, index) => `${text}{${index - 1}}${part}`),
      ...values,
    ),
  );
}

/**
 * A text for a person in the display language. `{0}`, `{1}` … stand for the arguments; a translator may change their order. What an argument holds is never read as
 * a text or a place again.
 *
 * @param text in English, a literal: `scripts/texts.ts` collects these calls
 */
export function t(text: string, ...args: readonly (string | number)[]): string {
  return translated(msg(text), ...args);
}

/** An English text that stands in a table and is translated when it is shown. */
export type Message = string & { readonly __message?: never };

/** Marks a text in a table, where `t` would run before the display language is known. @param text a literal */
export function msg(text: string): Message {
  return text;
}

/** The text of `t` for a marked text. */
export function translated(message: Message, ...args: readonly (string | number)[]): string {
  const text = bundle && Object.hasOwn(bundle, message) ? (bundle[message] ?? message) : message;
  return args.length === 0 ? text : text.replace(/\{(\d{1,2})\}/g, (place, index: string) => String(args[Number(index)] ?? place));
}
