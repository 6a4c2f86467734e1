import { isShellOption, isToldByCommand, mostBetween, shellText, shownOfArgument } from './argumentSecrets.ts';
import { type ShellCommand, shellCommands } from './commandSplit.ts';
import { placedArguments } from './programSecrets.ts';
import { isReference, redacted } from './secretShapes.ts';

/** `sh -c "ssh host 'sh -c …'"`. */
const deepest = 5;
const readsSecret = /^(?:--password-stdin|--with-token|--stdin|login|sudo)$/;

interface Span {
  readonly from: number;
  readonly to: number;
}

/**
 * A text in which the secrets of commands are replaced that only a shell's way of splitting shows: a word in quotes, a word in parts (`'a'"b"`), the password of a
 * program, a command in a word of another one. What stands open in one word is left to the rules for any text.
 * @param isCommand a shell runs this text: all that it sets are variables
 */
export function redactCommands(text: string, isCommand: boolean): string {
  if (!/\s/.test(text)) {
    return text;
  }
  const spans: Span[] = [];
  collect(text, (index) => index, isCommand, { depth: 0, spans });
  spans.sort((a, b) => a.from - b.from);
  let shown = '';
  let kept = 0;
  for (const { from, to } of spans) {
    if (from >= kept) {
      shown += text.slice(kept, from) + redacted;
    }
    kept = Math.max(kept, to);
  }
  return shown + text.slice(kept);
}

/** @param place where a character of this text stands in the whole text */
function collect(text: string, place: (index: number) => number, isCommand: boolean, found: { depth: number; spans: Span[] }): void {
  const commands = shellCommands(text);
  for (const [number, command] of commands.entries()) {
    const { words } = command;
    const list = words.map(({ value }) => value);
    const placed = placedArguments(list, undefined);
    const fedFrom = fedPlace(command, commands[number + 1]);
    for (const [index, { value, at, start, end }] of words.entries()) {
      // A line that goes on (`\` at its end) is joined by nobody but a shell.
      const isOpen = value.length === end - start && !/\s/.test(value) && !text.slice(words[index - 1]?.end ?? start, start).includes('\\');
      const isFed = index > fedFrom && !/^-|%s/.test(value) && !isReference(value);
      const shown = isFed ? 0 : shownOfArgument(placed, index, isCommand ? shellText : undefined);
      const counts = shown !== undefined && (isCommand || isFed || !isOpen || isToldByCommand(placed, index));
      if (counts && shown < value.length) {
        const from = shown === 0 ? start : (at[shown] ?? start);
        const to = shown === 0 ? end : (at.at(-1) ?? end) + 1;
        found.spans.push({ from: place(from), to: place(to - 1) + 1 });
      } else if (found.depth < deepest && /\s/.test(value)) {
        // The inside of `$(…)` stands in the word itself.
        const skipped = value.length === end - start ? (/^.*?(?:\$\(|`)/s.exec(value)?.[0].length ?? value.length) : 0;
        const inner = (position: number): number => place(at[position + skipped] ?? end - 1);
        collect(value.slice(skipped), inner, skipped > 0 || runsWords(list, index), { ...found, depth: found.depth + 1 });
      }
    }
  }
}

/** Whether a shell runs the text of a word: `sh -c TEXT`, `ssh host TEXT`. */
function runsWords(list: readonly string[], index: number): boolean {
  return (
    isShellOption(list, index) || list.slice(Math.max(0, index - mostBetween), index).some((word) => /^(?:ssh|su|eval|wsl)$/.test(word))
  );
}

/** `echo S | docker login --password-stdin`: after which word the secret comes. */
function fedPlace({ words, isPiped }: ShellCommand, next: ShellCommand | undefined): number {
  const place = words.findIndex(({ value }) => /^(?:echo|printf)$/.test(value));
  const isFed = isPiped && place >= 0 && next?.words.some(({ value }) => readsSecret.test(value));
  return isFed ? place : Number.POSITIVE_INFINITY;
}
