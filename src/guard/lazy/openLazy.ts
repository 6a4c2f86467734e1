import { join } from 'node:path';
import { reasonOf } from '../../base/errors.ts';
import { launcherProgram } from '../../package/resolve/launcherProgram.ts';
import { eagerReason } from '../../process/commandline/eagerReason.ts';
import { parseLaunch } from '../../process/commandline/parseLaunch.ts';
import { processTree } from '../../process/tree/processTree.ts';
import { runDirOf } from '../../storage/runFolder.ts';
import type { GuardOptions } from '../options/guardOptions.ts';
import type { GuardPlace } from '../process/guardPlace.ts';
import { guardTable } from '../process/guardProcesses.ts';
import { type GuardRecord, ownRedactor } from '../publish/guardRecord.ts';
import type { Relay } from '../relay/relay.ts';
import { asClientCommand } from '../stale/codeCheck.ts';
import type { CodeRecorder } from '../stale/codeRecorder.ts';
import type { ConfiguredCommand } from '../stale/configuredPackage.ts';
import type { Supervisor } from '../stdio/supervisor.ts';
import { AnswerFile, answerFolder, hashSecret } from './answerFile.ts';
import { type CodeText, clientText, codeText, keyedHash, launchText, slotText } from './answerKey.ts';
import { isDeclaredShareable } from './answerRules.ts';
import { LazyAnswers } from './lazyAnswers.ts';
import { SleepWatch } from './sleepWatch.ts';

/**
 * Begins a session with `--start lazy` or `--sleep-after`: waits for the client's first request, which decides whether a server is needed. Loaded by `import()`. Where no answers can
 * be kept, the server is started with the session.
 * @param over the client is gone, or the session is over
 */
export async function openLazy(
  options: GuardOptions,
  recorder: CodeRecorder,
  { relay, supervisor, place }: { readonly relay: Relay; readonly supervisor: Supervisor; readonly place: GuardPlace },
  over: readonly Promise<unknown>[],
  record: () => Promise<GuardRecord | undefined> | undefined,
): Promise<void> {
  const { command, args } = options;
  const configured = { command, args, cwd: place.cwd, env: place.env };
  const redactor = ownRedactor(options, place.env);
  const kept = openPlace(options, place.env, slotText(configured));
  const code = codeReader(configured, recorder);
  const launch = launchText(configured);
  const shares = place.shares?.({
    key: (method, params) => {
      const [client, now] = [clientText(method, params), code()];
      if (client === undefined || 'unknown' in now) {
        return 'unknown' in now ? now : { unknown: 'the client does not state its protocol version' };
      }
      const key = keyedHash(kept.secret, now.code, launch, client);
      return { key, isDeclared: isDeclaredShareable(kept.file.read(), key, method) };
    },
    tell: (why) => void record()?.then((one) => one?.mark('unshared', why)),
  });
  if (shares) {
    return;
  }
  const lazy = new LazyAnswers(
    {
      name: options.name ?? command,
      relay,
      ...kept,
      ...{ launch, code },
      wake: async () => {
        const outcome = await supervisor.restart('a request needs it');
        return outcome.status === 'failed' ? outcome.reason : undefined;
      },
      sleep: () => void (relay.current && supervisor.sleep(relay.current)),
      memory: () => memoryOf(relay.current?.process.pid),
      redact: (text) => redactor.text(text),
      say: (text) => place.say(text),
      passErrors: (bytes) => place.passErrors(bytes),
      onMark: (mark) => void record()?.then((one) => one?.mark('start', mark)),
    },
    kept.problem ?? (options.start === 'eager' ? '--start eager' : eagerReason(command, args)),
  );
  if (options.sleepAfterMs !== undefined) {
    const isBusy = (): boolean => supervisor.isRestarting || relay.isDeciding || relay.heldCount > 0;
    new SleepWatch({
      limitMs: options.sleepAfterMs,
      now: () => performance.now(),
      table: guardTable(),
      serving: () => (isBusy() ? undefined : relay.current),
      memory: relay.memory,
      sleep: () => lazy.sleep(),
      onAwake: (why) => lazy.stayAwake(why),
    }).begin();
  }
  relay.rest(lazy);
  await Promise.race([lazy.decided, ...over]);
}

/** Reads which code a start would load now, also what npx and uvx choose where no registry decides. */
function codeReader(configured: ConfiguredCommand, recorder: CodeRecorder): () => CodeText {
  const { command, args } = configured;
  if (!['npm-exec', 'uvx'].includes(parseLaunch(command, args).launcher)) {
    return () => codeText(recorder.beforeStart(), Date.now());
  }
  const launched = asClientCommand(configured);
  return () => {
    const program = launcherProgram(launched, (ref) => recorder.installed(ref));
    if ('unknown' in program) {
      return program;
    }
    const [file = '', ...own] = program.words;
    return codeText(recorder.beforeStart({ ...configured, command: file, args: own }), Date.now());
  };
}

/** Where the answers of an entry are kept. */
function openPlace(
  options: GuardOptions,
  env: Readonly<NodeJS.ProcessEnv>,
  slot: string,
): { file: AnswerFile; secret: string; problem?: string } {
  try {
    const folder = answerFolder(runDirOf(env, options.runDir).path, Date.now());
    const secret = hashSecret(folder);
    return { file: new AnswerFile(join(folder, `${keyedHash(secret, slot).slice(0, 32)}.json`)), secret };
  } catch (error) {
    return { file: new AnswerFile(undefined), secret: '', problem: `its answers cannot be kept: ${reasonOf(error)}` };
  }
}

/** Resident memory of a process and all below it, bytes. @throws when the processes cannot be listed */
async function memoryOf(pid: number | undefined): Promise<number | undefined> {
  const tree = processTree(await guardTable().list());
  const row = tree.rows.find((one) => one.pid === pid);
  return row && tree.treeOf(row).reduce((sum, { rssBytes }) => sum + rssBytes, 0);
}
