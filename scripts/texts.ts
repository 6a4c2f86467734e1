// Collects the texts that can be translated, and writes them to l10n/bundle.l10n.json: `node scripts/texts.ts`. A unit test compares both.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { readSources, type SourceFile } from './imports.ts';
import { projectRoot } from './system/projectPaths.ts';

/** The English bundle: each text by itself. VS Code does not read it; translators do. */
export const bundleFile = join(projectRoot, 'l10n', 'bundle.l10n.json');

/** Defines the functions that are collected. */
const ownFile = 'base/language/translate.ts';
/** Tables that may import nothing: the fields that views translate. */
const tables: readonly { readonly path: RegExp; readonly fields: RegExp }[] = [
  { path: /^model\/staleMode\.ts$/, fields: /\b(?:summary|detail):\s*$/ },
  { path: /^model\/finding\.ts$/, fields: /\basItWasStarted =\s*$/ },
  // The guard loads these, and translates nothing.
  { path: /^package\//, fields: /\b(?:unknown|reason):\s*$/ },
  { path: /^clients\/\w+Clients\.ts$/, fields: /\b(?:restartStep|newSessionStep|stopStep|secretStep|seen|copies|text):\s*$/ },
];

const call = /(?<![\w.#'"`\\])(t|msg)\(\s*/g;
const literal = /^(?:'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")/;
const atTop = /^(?:export )?const [^=]*= [\s\S]*?^[^\s].*;$|^(?:export )?const .*;$/gm;

/** What `t` and `msg` are called with, and the calls that cannot be collected or would run before the display language is known. */
export function collectTexts(files: readonly SourceFile[]): { readonly texts: readonly string[]; readonly faults: readonly string[] } {
  const texts = new Set<string>();
  const faults: string[] = [];
  for (const { path, text } of files) {
    const code = text.replace(/^\s*(?:\/\/|\/?\*).*$/gm, '');
    for (const found of path === ownFile ? [] : code.matchAll(call)) {
      const rest = code.slice(found.index + found[0].length);
      const word = literal.exec(rest)?.[0];
      if (word === undefined || !/^\s*[,)]/.test(rest.slice(word.length))) {
        faults.push(`src/${path}: ${found[1]}(${rest.slice(0, 40).split('\n')[0]} … has no literal text.`);
      } else {
        texts.add(textIn(word));
      }
    }
    for (const { fields } of tables.filter((table) => table.path.test(path))) {
      for (const { 0: word, index } of code.matchAll(/'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/g)) {
        if (word.includes(' ') && fields.test(code.slice(Math.max(0, index - 60), index))) {
          texts.add(textIn(word));
        }
      }
    }
    for (const [statement] of code.matchAll(atTop)) {
      const early = statement.includes('=>') || /\bnew (?:Map|Set)\b/.test(statement) ? null : /(?<![\w.#'"`\\])t\(.*/.exec(statement);
      if (early) {
        faults.push(`src/${path}: ${early[0]} runs when the file is loaded: mark the text with msg().`);
      }
    }
  }
  return { texts: [...texts].sort(), faults };
}

function textIn(word: string): string {
  const inside = word.slice(1, -1).replaceAll("\\'", "'").replaceAll('"', '\\"').replaceAll('\\\\"', '\\"');
  return JSON.parse(`"${inside}"`);
}

/** The English bundle as its file has it. */
export function bundleText(texts: readonly string[]): string {
  return `${JSON.stringify(Object.fromEntries(texts.map((text) => [text, text])), undefined, 2)}\n`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { texts, faults } = collectTexts(readSources(projectRoot));
  mkdirSync(dirname(bundleFile), { recursive: true });
  writeFileSync(bundleFile, bundleText(texts));
  console.log([...faults, `${texts.length} texts.`].join('\n'));
  process.exitCode = faults.length === 0 ? 0 : 1;
}
