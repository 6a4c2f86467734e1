import { moment } from './wording.ts';

/** One look at a server whose client lives. */
export interface ActivityReading {
  /** Monotonic ms. */
  readonly at: number;
  /** State of each process that has its standard input, one letter each. */
  readonly states: string;
  readonly waitsIn?: string;
  readonly cpuMs: number;
  /** Bytes that those with its input have read so far, from whatever. */
  readonly inputReadBytes?: number;
  /** Bytes that wait in its input; undefined = cannot be told. */
  readonly unread?: number;
}

export interface LifeEvidence {
  /** Epoch ms. */
  readonly now: number;
  readonly pid: number;
  /** In the order of time; one at least. */
  readonly looks: readonly ActivityReading[];
  /** Its client is stopped as well (Ctrl-Z in a terminal stops both): then nobody waits for an answer. */
  readonly clientStopped: boolean;
  /** Since when it has read nothing at all (epoch ms), and how that is known. */
  readonly quiet?: { readonly since: number; readonly by: 'bytes' | 'processor' };
}

/** What process facts alone say of a server whose client lives. None of it proves that it will not answer: only traffic could. */
export interface Activity {
  readonly kind: 'stopped' | 'in-kernel' | 'not-reading' | 'idle';
  /** What was seen, as the rest of a sentence. */
  readonly why: string;
  /** What it may mean all the same. */
  readonly mind: string;
}

/** A process that is being traced or handled may be stopped for an instant. */
export const stoppedMs = 2_000;
/** A healthy server reads within milliseconds; one that does nothing but think, or is swapped out, may take seconds. */
export const unreadMs = 10_000;
export const idleServerMs = 3_600_000;

/** Whether another look can make more of it: milliseconds from the first look on; 0 = it is settled. */
export function looksNeeded({ looks, clientStopped }: Pick<LifeEvidence, 'looks' | 'clientStopped'>): number {
  if (isStopped(looks)) {
    return clientStopped ? 0 : stoppedMs;
  }
  return isInKernel(looks) || isUnread(looks) ? unreadMs : 0;
}

/** The strongest thing that can be said; undefined when there is nothing to say. */
export function judgeVitality(evidence: LifeEvidence): Activity | undefined {
  const { looks, now, pid, clientStopped, quiet } = evidence;
  const [first] = looks;
  const last = looks.at(-1);
  if (!first || !last) {
    return undefined;
  }
  const lasted = last.at - first.at;
  const span = `for ${Math.floor(lasted / 1_000)} s, as long as was looked`;
  if (isStopped(looks)) {
    // With its client it will go on; alone it waits for somebody who may not know.
    return clientStopped || lasted < stoppedMs
      ? undefined
      : looks.every(({ states }) => states.includes('t'))
        ? { kind: 'stopped', why: 'it is held by a debugger, and cannot answer', mind: 'Somebody may be debugging it.' }
        : {
            kind: 'stopped',
            why: 'it is stopped (SIGSTOP or Ctrl-Z), and cannot answer until it is continued',
            mind: `It goes on where it was after “kill -CONT ${pid}”.`,
          };
  }
  const cpu = Math.max(0, last.cpuMs - first.cpuMs);
  const work = cpu <= 50 ? 'and used no processor time' : `and used ${(cpu / 1_000).toFixed(1)} s of processor time`;
  if (lasted >= unreadMs && isUnread(looks)) {
    const where = last.waitsIn === undefined ? '' : ` (waits in ${last.waitsIn})`;
    return {
      kind: 'not-reading',
      why: `it does not read its input: ${last.unread} bytes wait there unread ${span}, ${work}${where}`,
      mind: 'It may be wedged, or busy with one long call: only its client knows which.',
    };
  }
  if (lasted >= unreadMs && isInKernel(looks)) {
    return {
      kind: 'in-kernel',
      why: `it waits for a device or a file system (state D) ${span}, ${work}`,
      mind: 'It may go on by itself when the disk or the network does; until then no signal reaches it.',
    };
  }
  if (quiet && now - quiet.since >= idleServerMs) {
    const what = quiet.by === 'bytes' ? 'has read nothing' : 'has used no processor time';
    return {
      kind: 'idle',
      why: `it ${what} since ${moment(quiet.since, now)}`,
      mind: 'Idle is not broken: its client may use it at any moment.',
    };
  }
  return undefined;
}

function isStopped(looks: readonly ActivityReading[]): boolean {
  return looks.every(({ states }) => /^[Tt]+$/.test(states));
}

function isInKernel(looks: readonly ActivityReading[]): boolean {
  return looks.every(({ states }, at) => states.startsWith('D') && looks[at]?.cpuMs === looks[0]?.cpuMs);
}

/** Bytes wait at every look, and nothing at all was read in between. */
function isUnread(looks: readonly ActivityReading[]): boolean {
  return looks.every(
    ({ unread = 0, inputReadBytes }, at) =>
      unread > 0 && inputReadBytes === looks[0]?.inputReadBytes && unread >= (looks[Math.max(0, at - 1)]?.unread ?? 0),
  );
}
