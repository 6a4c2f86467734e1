import { reasonOf } from '../../base/errors.ts';
import { isRecord } from '../../base/json.ts';
import { t } from '../../base/language/translate.ts';
import type { ProcessRow, ProcessTable } from '../../model/process.ts';
import type { Instance, Snapshot } from '../../model/snapshot.ts';
import { ownPorts } from '../../process/linux/procListeners.ts';
import { type ActionTarget, isSameServer } from '../plan/plan.ts';
import { isVersionSettled, restartResult } from '../plan/restartResult.ts';
import { type ActionResult, actionResult } from './exclusiveAction.ts';
import { stillRuns, waitFor } from './processWait.ts';

/** For one answer of opencode's HTTP server, which runs on this machine. */
const answerMs = 3_000;
/** Of that answer, bytes. */
const maxAnswer = 4 * 1_048_576;
/** opencode stops a server by closing its input; most exit at once. */
const endMs = 15_000;
/** A package runner may have to download first. */
const startMs = 90_000;
/** From the start of the new process until its version is known. */
const settleMs = 5_000;

/**
 * Addresses of the opencode processes that list their MCP servers, by PID: `GET /mcp` (opencode's HTTP interface, version 1.18). A process that asks for a
 * password, or does not listen, is left out.
 * @param directories by PID, a directory in which that process already runs servers: asked about any other, opencode would start its servers there
 */
export async function findOpencodes(
  rows: readonly ProcessRow[],
  directories: ReadonlyMap<number, string>,
): Promise<ReadonlyMap<number, string>> {
  const found = new Map<number, string>();
  await Promise.all(
    rows
      .filter((row) => directories.has(row.pid))
      .map(async (row) => {
        for (const port of ownPorts(row.pid, row.argv)) {
          const address = `http://127.0.0.1:${port}`;
          if ((await servers(address, directories.get(row.pid) ?? '/')) !== undefined) {
            found.set(row.pid, address);
            return;
          }
        }
      }),
  );
  return found;
}

/** The servers of one directory by name, each with a status; undefined when opencode does not answer with such a list. */
async function servers(address: string, directory: string): Promise<Readonly<Record<string, unknown>> | undefined> {
  try {
    const response = await fetch(`${address}/mcp?${new URLSearchParams({ directory })}`, {
      signal: AbortSignal.timeout(answerMs),
      redirect: 'error',
    });
    const text = response.ok ? await boundedText(response) : undefined;
    const value: unknown = text === undefined ? undefined : JSON.parse(text);
    return isRecord(value) && Object.values(value).every((one) => isRecord(one) && 'status' in one) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

/** The text of an answer; undefined where it is longer than a list of servers can be. Any program may listen there. */
async function boundedText({ body }: Response): Promise<string | undefined> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of body ?? []) {
    size += part.length;
    if (size > maxAnswer) {
      // Leaving the loop closes the connection.
      return undefined;
    }
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

interface OpencodeContext {
  readonly table: ProcessTable;
  scan(): Promise<Snapshot>;
}

/** Asks opencode to disconnect one server in one of its directories and, for a restart, to connect it again. */
export async function askOpencode(
  verb: 'restart' | 'stop',
  target: ActionTarget,
  { address, directory }: { readonly address: string; readonly directory: string },
  context: OpencodeContext,
): Promise<ActionResult> {
  const known = await servers(address, directory);
  if (!known || !Object.hasOwn(known, target.name)) {
    return actionResult('failed', t('opencode has no server {0} in {1}; nothing was done.', target.name, directory));
  }
  const before = await context.scan();
  const steps: { text: string; result: string }[] = [];
  const refusal = await post(address, directory, target.name, 'disconnect');
  steps.push({ text: t('asked opencode to disconnect {0}', target.name), result: refusal ?? 'done' });
  if (refusal !== undefined) {
    return actionResult('failed', t('opencode did not disconnect {0}: {1}.', target.name, refusal), steps);
  }
  const gone = await waitFor(endMs, async () => !(await stillRuns(context.table, target.instance)));
  steps.push({ text: t('PID {0}', target.pid), result: gone ? 'ended' : t('still runs') });
  if (!gone) {
    return actionResult('failed', t('opencode stopped {0}, but its process (PID {1}) is still running.', target.name, target.pid), steps);
  }
  if (verb === 'stop') {
    return actionResult('done', t('opencode stopped {0} (PID {1}).', target.name, target.pid), steps);
  }
  const notConnected = await post(address, directory, target.name, 'connect');
  steps.push({ text: t('asked opencode to connect {0}', target.name), result: notConnected ?? 'done' });
  if (notConnected !== undefined) {
    return actionResult('failed', t('opencode stopped {0} and did not start it again: {1}.', target.name, notConnected), steps);
  }
  const old = new Set(before.instances.map((instance) => instance.id));
  const find = async (): Promise<Instance | undefined> =>
    (await context.scan()).instances.find((instance) => !old.has(instance.id) && isSameServer(instance, target));
  const seen = await waitFor(startMs, find);
  if (!seen) {
    return actionResult('failed', t('opencode connected {0} again, but no new process of it was found.', target.name), steps);
  }
  const settled = await waitFor(settleMs, async () => {
    const now = await find();
    return now && isVersionSettled(target.runs, now) ? now : undefined;
  });
  const after = settled ?? seen;
  const { version, warning } = restartResult(target.runs, after);
  return {
    outcome: 'done',
    message: [
      t('opencode restarted {0} (PID {1} → {2}{3}).', target.name, target.pid, after.pid, version),
      ...(warning ? [warning] : []),
    ].join(' '),
    steps,
    after: { pid: after.pid, runs: after.package?.running ?? null, ...(warning ? { stillOld: true } : {}) },
  };
}

/** @returns why it failed; undefined when it is done */
async function post(address: string, directory: string, name: string, verb: 'connect' | 'disconnect'): Promise<string | undefined> {
  try {
    const url = `${address}/mcp/${encodeURIComponent(name)}/${verb}?${new URLSearchParams({ directory })}`;
    const response = await fetch(url, { method: 'POST', signal: AbortSignal.timeout(startMs), redirect: 'error' });
    await response.body?.cancel();
    return response.ok ? undefined : t('it answered {0}', response.status);
  } catch (error) {
    return reasonOf(error);
  }
}
