import { createHmac } from 'node:crypto';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createRedactor } from '../../redaction/redactor.ts';
import { redacted } from '../../redaction/secretShapes.ts';
import { writeRecordOnce } from '../../storage/jsonRecord.ts';
import { stateFolder } from '../../storage/stateFolder.ts';
import { entryKey } from '../../survey/server/entryChange.ts';
import { terminalText } from '../render/text.ts';
import type { Shell } from '../terminal.ts';
import { type EnsureSetting, programRefusal } from './ensureSetting.ts';

interface Confirmation {
  readonly name: string;
  readonly setting: EnsureSetting;
  readonly runDir: string;
  /** The user confirms by an option. */
  readonly yes: boolean;
  /** Undefined where nothing can be asked. */
  readonly shell: (Pick<Shell, 'ask'> & { readonly stderr: Pick<Shell['stderr'], 'write'> }) | undefined;
}

/** A longer command leaves the screen before the question is read, characters. */
const longestQuestion = 4_000;
/** Variables by which programs load code. They are part of the command, and no secrets: the question shows their values. */
const codeVariable = /^(?:PATH|LD_\w+|DYLD_\w+|NODE_(?:OPTIONS|PATH)|PYTHON\w+|PERL5\w+|RUBY\w+|\w*JAVA_\w*OPTIONS|BASH_ENV|ENV)$/i;

/**
 * Confirms the start command of an entry in `mcp-shepherd.json`, once for each content: the confirmation is kept in the state folder as a keyed hash. A program that
 * another user could replace is never started, confirmed or not.
 * @returns why the command is not confirmed, with what to do @throws when the state folder cannot be used
 */
export async function confirmLaunch({ name, setting, runDir, yes, shell }: Confirmation): Promise<string | undefined> {
  const { file, command = '', args, cwd, env = {}, shutdown } = setting;
  const content = JSON.stringify([file, name, command, args, cwd, env, shutdown ?? null]);
  const hash = createHmac('sha256', entryKey(runDir)).update(content).digest('hex').slice(0, 32);
  const refused = programRefusal(setting);
  if (refused !== undefined) {
    return `its command in ${file} is not used: ${refused}`;
  }
  const record = join(stateFolder(runDir, 'confirmed'), `${hash}.json`);
  if (existsSync(record)) {
    return undefined;
  }
  if (!yes) {
    const { words, lines } = questionText(setting);
    if (lines.join('').length > longestQuestion) {
      return `its command in ${file} is too long to be shown in a question. Read it there, and add --yes`;
    }
    shell?.stderr.write(
      `${terminalText(file)} starts ${terminalText(name)} so:\n${lines.map((line) => `  ${terminalText(line)}\n`).join('')}`,
    );
    const answer = await shell?.ask?.(`Start ${terminalText(name)} with this command, now and later? [y/N] `);
    if (!/^y(es)?$/i.test(answer?.trim() ?? '')) {
      return answer === undefined
        ? `its command in ${file} was not confirmed (${words}). Run “mcp-shepherd ensure ${name}” once in a terminal in ${dirname(file)}, or add --yes`
        : `you did not confirm its command in ${file}`;
    }
  }
  writeRecordOnce(record, { schema: 1, at: new Date().toISOString() });
  return undefined;
}

/** The command as one text, and the lines that show it with all that belongs to it. What is hidden is said: it may be code. */
function questionText({ file, command = '', args, cwd, env = {} }: EnsureSetting): {
  readonly words: string;
  readonly lines: readonly string[];
} {
  const names = Object.keys(env);
  const ofCode = names.filter((name) => codeVariable.test(name));
  const others = names.filter((name) => !codeVariable.test(name));
  const redactor = createRedactor(others.map((name) => env[name] ?? ''));
  const shown = redactor.args(args, command);
  const values = ofCode.map((name) => ({ name, value: env[name] ?? '', text: redactor.text(env[name] ?? '') }));
  const parts = shown.filter((word, index) => word !== args[index]).length + values.filter(({ value, text }) => value !== text).length;
  const hidden = [
    ...(parts === 0 ? [] : [`what stands at “${redacted}”`]),
    ...(others.length === 0 ? [] : [`the ${others.length === 1 ? 'value' : 'values'} of ${others.join(', ')}`]),
  ];
  const words = [command, ...shown].join(' ');
  return {
    words,
    lines: [
      words,
      `in ${cwd}`,
      ...values.map(({ name, text }) => `with ${name}=${text}`),
      ...(hidden.length === 0
        ? []
        : [`Not shown, because it may be secret: ${hidden.join(', and ')}. Read it in ${file} before you agree.`]),
    ],
  };
}
