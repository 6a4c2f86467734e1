import { createHash } from 'node:crypto';
import { type Log, silentLog } from '../../base/log.ts';
import { actOnce } from '../../lock/actOnce.ts';
import { openLockDirectory, protocolBase } from '../../lock/lockDirectory.ts';
import { readProcessStarts } from '../../lock/processStarts.ts';
import { identityKey, type ListenerTable, type ProcessRow, type ProcessTable } from '../../model/process.ts';
import type { Instance, Snapshot } from '../../model/snapshot.ts';
import { isShell } from '../../process/commandline/commandName.ts';
import { createListenerTable } from '../../process/createListenerTable.ts';
import { createProcessTable } from '../../process/createProcessTable.ts';
import { systemTerminator, terminateTree } from '../../process/terminateTree.ts';
import type { Redactor } from '../../redaction/redactor.ts';
import { noteEnsured } from '../../survey/facts/ensured.ts';
import type { Surveyor } from '../../survey/surveyor.ts';
import { actionResult, runExclusively } from '../execute/exclusiveAction.ts';
import { waitFor } from '../execute/processWait.ts';
import { declaredShutdown, postShutdown, type ShutdownWay } from '../execute/shutdownRequest.ts';
import { targetOf } from '../plan/plan.ts';
import { sessionRisks } from '../plan/sessionRisk.ts';
import { type EnsureRequest, type PortReading, runningVersion } from './ensureDecision.ts';
import type { EnsureSystem } from './ensureServer.ts';
import { startDetachedServer } from './startDetachedServer.ts';

interface EnsureSetup {
  readonly request: EnsureRequest;
  /** Id of the entry whose URL names the port. */
  readonly definition: string;
  /** Set when no client's file names the server: what a scan shows as its entry. */
  readonly entry?: { readonly url: string; readonly file: string };
  /** Set when the user says that the server has a `/shutdown`. */
  readonly shutdown?: ShutdownWay;
  readonly surveyor: Surveyor;
  readonly runDir: string;
  readonly explicitRunDir: boolean;
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly redactor: Redactor;
  readonly by: string;
  readonly log?: Log;
  /** How long a start may take, ms. */
  readonly limitMs: number;
  /** How long a server may take to exit after it has answered `/shutdown`, ms. */
  readonly leaveMs?: number;
}

/** How long the version of a server that has just started may stay unknown. */
const youngMs = 8_000;
/** Default of `leaveMs`; also how long its port may stay held after its end. */
const leaveLimitMs = 10_000;
const pollMs = 100;

/** The intent of all programs that ensure a server on one port, in any language: `examples/ensure.py` computes the same. */
function ensureTarget(port: number): string {
  return createHash('sha256').update(`shepherd\nensure\n${port}`, 'utf8').digest('hex').slice(0, 32);
}

/** @throws when the system has no process table, or the lock folder is refused */
export async function ensureSystem(setup: EnsureSetup): Promise<EnsureSystem> {
  const { request, platform } = setup;
  const { port } = request;
  const [table, starts, listeners] = [await createProcessTable(platform), await readProcessStarts(), createListenerTable(platform)];
  const opened = openLockDirectory(protocolBase(setup.runDir, setup.explicitRunDir));
  if ('refused' in opened) {
    throw new Error(`Nothing was done, because another program could not be kept from doing the same at the same time: ${opened.refused}.`);
  }
  const { directory } = opened;
  const start = (await starts.startOf(process.pid)) ?? '?';
  const holder = async (): Promise<string> => {
    const pids = (await listeners.read(new Set([port])))?.listeners.flatMap((one) => (one.pids.length > 0 ? one.pids : [0])) ?? [];
    const marks = await Promise.all(
      [...new Set(pids)].sort((a, b) => a - b).map(async (pid) => `${pid}:${(await starts.startOf(pid)) ?? '?'}`),
    );
    return marks.join(' ').slice(0, 200) || 'nobody';
  };
  return {
    holder,
    readPort: () => readSettledPort(setup),
    once: (expect, act) =>
      actOnce(
        {
          directory,
          target: ensureTarget(port),
          expect,
          actor: { by: setup.by, pid: process.pid, start, verb: 'restart', since: new Date().toISOString() },
          current: holder,
          waitMs: setup.limitMs + 2 * (leaveLimitMs + youngMs),
        },
        act,
      ),
    stop: (instance) => stop(instance, { setup, table, listeners, base: directory.base }),
    start: (launch) =>
      startDetachedServer({
        name: request.name,
        port,
        launch,
        runDir: setup.runDir,
        env: setup.env,
        limitMs: setup.limitMs,
        table,
        listeners,
        redactor: setup.redactor,
      }),
    note: async ({ id }) => {
      const { entry } = setup;
      const row = entry && (await table.list()).find(({ identity }) => identityKey(identity) === id);
      if (entry && row) {
        noteEnsured(setup.runDir, { identity: row.identity, name: request.name, ...entry });
      }
    },
  };
}

/** Scans until the version of a server that has just started is known, for a limited time. */
async function readSettledPort({ definition, surveyor, request }: EnsureSetup): Promise<PortReading> {
  const until = performance.now() + youngMs;
  for (;;) {
    surveyor.allChanged();
    const reading = portReading(await surveyor.survey(), definition, request.port);
    const wait = surveyor.askAgainIn();
    const isYoung = reading.kind === 'server' && Date.now() - Date.parse(reading.instance.startedAt) < 2 * youngMs;
    const isUnknown = reading.kind === 'server' && runningVersion(reading.instance).version === undefined;
    if (!isYoung || !isUnknown || wait === undefined || performance.now() + wait > until) {
      return reading;
    }
    await new Promise((resolve) => setTimeout(resolve, Math.max(wait, pollMs)));
  }
}

/** Who holds the port of an entry, by a snapshot. */
function portReading(snapshot: Snapshot, definition: string, port: number): PortReading {
  const entry = snapshot.definitions.find(({ id }) => id === definition);
  const held = entry?.port;
  if (!entry || !held) {
    return { kind: 'external', reason: 'this system does not tell which process listens' };
  }
  const instance = snapshot.instances.find((one) => one.definitions.includes(definition) && one.listens?.port === port);
  const gone = instance?.findings.some(({ kind }) => kind === 'unresponsive') === true && held.holder === 'nobody';
  switch (held.holder) {
    case 'nobody':
      return gone && instance
        ? { kind: 'external', pid: instance.pid, command: instance.command, reason: 'it no longer listens, but still runs' }
        : { kind: 'free' };
    case 'server':
      return instance
        ? { kind: 'server', instance, warnings: sessionRisks(instance, snapshot) }
        : { kind: 'external', ...pidOf(held.pid), reason: 'it is part of another program' };
    case 'hidden':
      return {
        kind: 'external',
        ...pidOf(held.pid),
        reason: held.pid === undefined ? 'it cannot be identified' : 'it is part of another program',
      };
    case 'forwarder':
      return { kind: 'external', ...pidOf(held.pid), reason: 'it forwards connections to a process that cannot be identified' };
    case 'stranger': {
      const { holderCommand: command, holderReason: reason = 'it is another program' } = held;
      return { kind: 'external', ...pidOf(held.pid), ...(command === undefined ? {} : { command }), reason };
    }
  }
}

function pidOf(pid: number | undefined): { readonly pid?: number } {
  return pid === undefined ? {} : { pid };
}

interface Ending {
  readonly setup: EnsureSetup;
  readonly table: ProcessTable;
  readonly listeners: ListenerTable;
  /** Folder of the lock protocol. */
  readonly base: string;
}

/** Stops a server under the intent on its process, with an entry in the history, and waits until the port is free. @returns why it failed */
async function stop(instance: Instance, ending: Ending): Promise<string | undefined> {
  const { setup, table, listeners } = ending;
  const { port } = setup.request;
  const name = `${instance.name} (PID ${instance.pid})`;
  const find = async (): Promise<ProcessRow | undefined> => (await table.list()).find((one) => identityKey(one.identity) === instance.id);
  const { by, runDir, explicitRunDir, log = silentLog } = setup;
  const outcome = await runExclusively(
    targetOf(instance),
    'stop',
    { by, runDir, explicitRunDir, log },
    async () => (await find()) !== undefined,
    async () => {
      const row = await find();
      const trouble = row && (await stopOld(instance, row, ending));
      return trouble === undefined
        ? actionResult('done', `${name} was stopped, so that ${setup.request.name} can be started again on port ${port}.`)
        : actionResult('failed', `${name} could not be stopped: ${trouble}`);
    },
  );
  // Another program may have stopped it in between.
  if (outcome.status !== 'done' && outcome.status !== 'already') {
    return outcome.message;
  }
  const free = await waitFor(leaveLimitMs, async () => (await listeners.read(new Set([port])))?.listeners.length === 0, pollMs);
  return free ? undefined : `${name} has exited, but port ${port} is still held`;
}

/** Stops exactly this process and its tree: by `/shutdown` where that is declared, and by signals when it still runs after the limit. @returns why it still runs */
async function stopOld(instance: Instance, row: ProcessRow, { setup, table, listeners, base }: Ending): Promise<string | undefined> {
  const { port } = setup.request;
  const tree = (await table.list()).filter(({ pid }) => instance.tree.includes(pid)).map(({ identity }) => identity);
  const way = setup.shutdown ?? declaredShutdown(base, port, tree);
  const address = (await listeners.read(new Set([port])))?.listeners[0]?.address ?? '127.0.0.1';
  if (way && (await postShutdown(address.includes(':') ? '::1' : address === '0.0.0.0' ? '127.0.0.1' : address, port, way))) {
    await waitFor(setup.leaveMs ?? leaveLimitMs, async () => !(await table.isAlive(row.identity)), pollMs);
  }
  if (!(await table.isAlive(row.identity))) {
    return undefined;
  }
  // A script that started it may have more to do, so it is not stopped: it notices the end of the server itself.
  const launchers = instance.launchers.filter(({ kind }) => !isShell(kind) && kind !== 'cmd').map((launcher) => launcher.pid);
  const report = await terminateTree({ server: row.identity, launchers, objection: () => undefined }, systemTerminator(table));
  return report.status === 'refused' || report.status === 'left' ? report.reason : undefined;
}
