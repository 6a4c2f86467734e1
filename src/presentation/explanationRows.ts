import { msg, translated } from '../base/language/translate.ts';

/** One line of an explanation: its name, and the text. An empty name: a sentence of its own. */
export interface ExplanationRow {
  readonly name: string;
  readonly text: string;
}

/** The names of rows. */
const rowNames = {
  accepts: msg('accepts'),
  address: msg('address'),
  also: msg('also'),
  changed: msg('changed'),
  client: msg('client'),
  command: msg('command'),
  compared: msg('compared'),
  directory: msg('directory'),
  entry: msg('entry'),
  environment: msg('environment'),
  'first seen': msg('first seen'),
  fix: msg('fix'),
  found: msg('found'),
  from: msg('from'),
  guard: msg('guard'),
  holds: msg('holds'),
  identity: msg('identity'),
  'idle since': msg('idle since'),
  installed: msg('installed'),
  known: msg('known'),
  memory: msg('memory'),
  name: msg('name'),
  newest: msg('newest'),
  'not known': msg('not known'),
  'not read': msg('not read'),
  'old code': msg('old code'),
  port: msg('port'),
  program: msg('program'),
  proof: msg('proof'),
  'read from': msg('read from'),
  record: msg('record'),
  recorded: msg('recorded'),
  refused: msg('refused'),
  replaced: msg('replaced'),
  restart: msg('restart'),
  runs: msg('runs'),
  scope: msg('scope'),
  shared: msg('shared'),
  since: msg('since'),
  start: msg('start'),
  started: msg('started'),
  state: msg('state'),
  stopped: msg('stopped'),
  switched: msg('switched'),
  through: msg('through'),
  tree: msg('tree'),
  trouble: msg('trouble'),
  unknown: msg('unknown'),
  why: msg('why'),
} as const;

/** The name of a row in English, and its text. */
export type Pair = readonly [name: keyof typeof rowNames, text: string | undefined];

/** The rows with a text, their names in the display language. */
export function rows(pairs: readonly Pair[]): ExplanationRow[] {
  return pairs.flatMap(([name, text]) => (text === undefined || text === '' ? [] : [{ name: translated(rowNames[name]), text }]));
}
