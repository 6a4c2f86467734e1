import { nearest } from './nearest.ts';
import type { OptionProblem, OptionTable } from './optionTable.ts';

/** A heading with terms and what they mean. */
export interface HelpSection {
  readonly title: string;
  readonly items: readonly (readonly [term: string, meaning: string])[];
}

interface HelpPage {
  readonly usage: readonly string[];
  readonly paragraphs: readonly string[];
  readonly sections: readonly HelpSection[];
  readonly end?: string;
}

/** Pages are read by people: never wider than this, in columns. */
const widest = 80;

/** @param width columns; `Infinity` = as wide as a page may be @returns lines with line breaks, none wider than `width` where its words allow that */
export function renderHelp({ usage, paragraphs, sections, end }: HelpPage, width: number): string {
  const columns = Math.min(width, widest);
  const lines = [
    ...usage.map((line, index) => `${index === 0 ? 'Usage: ' : '       '}${line}`),
    ...paragraphs.flatMap((paragraph) => ['', ...wrapWords(paragraph, columns)]),
    ...sections.flatMap(({ title, items }) => ['', title, ...renderItems(items, columns)]),
    ...(end === undefined ? [] : ['', ...wrapWords(end, columns)]),
  ];
  return `${lines.join('\n')}\n`;
}

/** The options as terms of a section. */
export function optionSection(title: string, table: OptionTable): HelpSection {
  return {
    title,
    items: Object.entries(table).flatMap(([name, { short, placeholder, help, kind }]) =>
      help === undefined
        ? []
        : [[`${short ? `-${short}, ` : ''}--${name}${placeholder ? ` ${placeholder}` : ''}`, `${help}${kind.remark ?? ''}`] as const],
    ),
  };
}

/** A refused command line in words, with the option that was probably meant. */
export function describeProblem(problem: OptionProblem, table: OptionTable): string {
  switch (problem.kind) {
    case 'unknown': {
      const near = nearest(problem.option.replace(/^-+/, ''), Object.keys(table));
      return `there is no option ${problem.option}${near === undefined ? '' : `; did you mean "--${near}"?`}`;
    }
    case 'no-value':
      return `${problem.option} needs a value`;
    case 'unexpected-value':
      return `${problem.option} takes no value`;
    case 'invalid':
      return `${problem.option} ${problem.reason}`;
    case 'stray-word':
      return `"${problem.word}" is not an option; a command follows --`;
    case 'contradiction':
      return problem.reason;
  }
}

function renderItems(items: HelpSection['items'], columns: number): string[] {
  const left = Math.max(...items.map(([term]) => term.length)) + 4;
  return items.flatMap(([term, meaning]) =>
    wrapWords(meaning, Math.max(20, columns - left)).map((line, index) => (index === 0 ? `  ${term}` : '').padEnd(left) + line),
  );
}

/** Help texts are ours: each character is one column wide. */
function wrapWords(text: string, columns: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > columns) {
      lines.push(word);
    } else {
      lines[lines.length - 1] = `${last} ${word}`;
    }
  }
  return lines;
}
