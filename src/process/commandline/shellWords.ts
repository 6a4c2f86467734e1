/** One simple command of a shell line. */
interface SimpleCommand {
  readonly words: readonly string[];
  /** The operator after it: `&&`, `;`, `|`, `&`, `||`; empty at the end. */
  readonly after: string;
}

const operators = ['&&', '||', ';;', '|&', '|', ';', '&', '\n'];

/**
 * Splits a shell line into simple commands and removes quotes. Variables stay as written, redirections are left out.
 * @returns undefined for control flow, groups, command substitution and open quotes: callers compare such a line as text
 */
export function splitShell(text: string): readonly SimpleCommand[] | undefined {
  const commands: SimpleCommand[] = [];
  let words: string[] = [];
  let word: string | undefined;
  let index = 0;
  const endWord = (): void => {
    if (word !== undefined) {
      words.push(word);
      word = undefined;
    }
  };
  const endCommand = (after: string): void => {
    endWord();
    if (words.length > 0) {
      commands.push({ words, after });
      words = [];
    }
  };
  while (index < text.length) {
    const char = text[index] ?? '';
    if (char === "'") {
      const end = text.indexOf("'", index + 1);
      if (end < 0) {
        return undefined;
      }
      word = (word ?? '') + text.slice(index + 1, end);
      index = end + 1;
    } else if (char === '"') {
      let piece = '';
      index++;
      while (index < text.length && text[index] !== '"') {
        if (text[index] === '`' || text.startsWith('$(', index)) {
          return undefined;
        }
        if (text[index] === '\\' && '"\\$`'.includes(text[index + 1] ?? ' ')) {
          index++;
        }
        piece += text[index] ?? '';
        index++;
      }
      if (index >= text.length) {
        return undefined;
      }
      word = (word ?? '') + piece;
      index++;
    } else if (char === '\\') {
      word = (word ?? '') + (text[index + 1] === '\n' ? '' : (text[index + 1] ?? ''));
      index += 2;
    } else if (char === '#' && word === undefined) {
      const end = text.indexOf('\n', index);
      index = end < 0 ? text.length : end;
    } else if (char === '`' || char === '(' || char === ')') {
      return undefined;
    } else if (char === '$' && text[index + 1] === '(') {
      return undefined;
    } else if (char === '>' || char === '<') {
      // The file descriptor (2>) and the target of a redirection are not words of the command.
      if (word !== undefined && /^\d$/.test(word)) {
        word = undefined;
      }
      endWord();
      const rest = /^[<>]+&?\s*(?:"[^"]*"|'[^']*'|[^\s;&|<>]+)/.exec(text.slice(index));
      if (!rest) {
        return undefined;
      }
      index += rest[0].length;
    } else if (/\s/.test(char) && char !== '\n') {
      endWord();
      index++;
    } else {
      const operator = operators.find((item) => text.startsWith(item, index));
      if (operator) {
        endCommand(operator);
        index += operator.length;
      } else {
        word = (word ?? '') + char;
        index++;
      }
    }
  }
  endCommand('');
  return commands.some((command) => reserved.has(command.words[0] ?? '')) ? undefined : commands;
}

const reserved = new Set([
  'while',
  'until',
  'for',
  'if',
  'then',
  'else',
  'elif',
  'fi',
  'do',
  'done',
  'case',
  'esac',
  'select',
  'function',
  '{',
  '}',
  '!',
  '[[',
]);
