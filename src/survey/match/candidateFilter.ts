import type { RawDefinition } from '../../model/definition.ts';
import type { ProcessRow } from '../../model/process.ts';
import { isNode, isPython, isShell, lastPart } from '../../process/commandline/commandName.ts';
import { memoByCommandLine } from '../../process/commandline/memoByCommandLine.ts';
import { npxHash } from '../../process/commandline/npmCommand.ts';
import { specName } from '../../process/commandline/packageSpec.ts';
import { definitionLaunches, launchKeywords } from './launchFit.ts';
import { hasVariable } from './wordPattern.ts';

/** A word of MCP, or our guard: its own file, or the command line's file with its verb. */
const looks = /mcp|modelcontext|guard\.c?js|cli\.cjs["']? guard/i;

type CandidateTest = (row: ProcessRow) => 'named' | 'looks' | undefined;

/** Made once for each reading of the configuration. */
const tests = new WeakMap<readonly RawDefinition[], CandidateTest>();
/** In characters. The beginning of a longer word is enough to find a candidate. */
const maxWord = 200;

/**
 * A test for the first pass over all processes: `named` when the command line contains a word of a definition, `looks` when it contains a word of MCP or our
 * guard. No regular expression is made from the words: no entry can make it fail.
 */
export function candidateFilter(definitions: readonly RawDefinition[]): CandidateTest {
  const known = tests.get(definitions) ?? memoByCommandLine(testFor(definitions));
  tests.set(definitions, known);
  return known;
}

function testFor(definitions: readonly RawDefinition[]): CandidateTest {
  const found = new Set<string>();
  for (const definition of definitions) {
    for (const word of [...launchKeywords(definition).flatMap(partsOf), ...hashesOf(definition), ...longestWord(definition)]) {
      if (word.length > 1 && !isNode(word) && !isPython(word) && !isShell(word)) {
        found.add(folded(word.slice(0, maxWord)));
      }
    }
  }
  const words = [...found];
  return ({ commandLine }) => {
    const line = folded(commandLine);
    return words.some((word) => line.includes(word)) ? 'named' : looks.test(commandLine) ? 'looks' : undefined;
  };
}

/** Lower case, and one sign for `-`, `_` and `.`, which Python's package names may be written with. */
function folded(text: string): string {
  return text.toLowerCase().replace(/[_.]/g, '-');
}

/** A spec's name; a path's last part; the longest word of a shell text. */
function partsOf(word: string): string[] {
  if (/\s/.test(word.trim())) {
    return [word.split(/\s+/).reduce((longest, part) => (part.length > longest.length ? part : longest), '')];
  }
  const name = specName(word);
  return [name.includes('/') && !name.startsWith('@') ? lastPart(name) : name];
}

function hashesOf(definition: RawDefinition): string[] {
  return definitionLaunches(definition).flatMap((launch) =>
    launch.launcher === 'npm-exec' && launch.specs.length > 0 && !launch.specs.some(hasVariable) ? [npxHash(launch.specs)] : [],
  );
}

/** Where the command itself is a variable: the longest argument. */
function longestWord(definition: RawDefinition): string[] {
  if (launchKeywords(definition).length > 0 || definition.command === undefined) {
    return [];
  }
  const plain = [definition.command, ...definition.args].filter((word) => !hasVariable(word) && !word.startsWith('-'));
  const variable = [definition.command, ...definition.args]
    .map((word) => word.split(/[\\/]/).at(-1) ?? '')
    .filter((word) => word.length > 3 && !hasVariable(word));
  return [...plain.map(lastPart), ...variable].sort((a, b) => b.length - a.length).slice(0, 1);
}
