import { createHmac } from 'node:crypto';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createRedactor } from '../../redaction/redactor.ts';
import { writeRecordOnce } from '../../storage/jsonRecord.ts';
import { stateFolder } from '../../storage/stateFolder.ts';
import { entryKey } from '../../survey/server/entryChange.ts';
import { terminalText } from '../render/text.ts';
import type { Shell } from '../terminal.ts';
import type { EnsureSetting } from './ensureSetting.ts';

interface Confirmation {
  readonly name: string;
  readonly setting: EnsureSetting;
  readonly runDir: string;
  /** The user confirms by an option. */
  readonly yes: boolean;
  /** Undefined where nothing can be asked. */
  readonly shell: Shell | undefined;
}

/**
 * Confirms the start command of an entry in `mcp-shepherd.json`, once for each content: the confirmation is kept in the state folder as a keyed hash.
 * @returns why the command is not confirmed, with what to do @throws when the state folder cannot be used
 */
export async function confirmLaunch({ name, setting, runDir, yes, shell }: Confirmation): Promise<string | undefined> {
  const { file, command = '', args, cwd, env = {}, shutdown } = setting;
  const content = JSON.stringify([file, name, command, args, cwd, env, shutdown ?? null]);
  const hash = createHmac('sha256', entryKey(runDir)).update(content).digest('hex').slice(0, 32);
  const record = join(stateFolder(runDir, 'confirmed'), `${hash}.json`);
  if (existsSync(record)) {
    return undefined;
  }
  const words = [command, ...createRedactor(Object.values(env)).args(args, command)].join(' ');
  if (!yes) {
    const names = Object.keys(env);
    const variables = names.length === 0 ? '' : `\n  with ${names.map(terminalText).join(', ')}`;
    shell?.stderr.write(
      `${terminalText(file)} starts ${terminalText(name)} so:\n  ${terminalText(words)}\n  in ${terminalText(cwd)}${variables}\n`,
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
