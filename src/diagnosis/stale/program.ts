import type { Confidence, Finding, FindingAction } from '../../model/finding.ts';
import { moment } from '../wording.ts';
import { quietMs } from './baseline.ts';
import { goneMs } from './packages.ts';

/** What is known of the program that a process runs: an interpreter, or the server itself. */
export interface ProgramEvidence {
  /** Epoch ms. */
  readonly now: number;
  readonly pid: number;
  readonly startedAt: number;
  readonly startedBy?: string;
  /** `interpreter`: node, python … run somebody's code. `binary`: it is the server. */
  readonly role: 'interpreter' | 'binary';
  /** What a person calls it: "Node.js", "github-mcp-server". */
  readonly name: string;
  readonly sight: ProgramSight;
  readonly cure: readonly FindingAction[];
}

export type ProgramSight =
  | { readonly state: 'same' }
  | {
      readonly state: 'replaced';
      /** The name under which it was started. */
      readonly path: string;
      /** Where that name leads now, when it is a link. */
      readonly leadsTo?: string;
      /** Newest change of the file that is there now, epoch ms. */
      readonly changedAt: number;
      readonly bornAt?: number;
      /** `kernel`: the file at the very place it runs from is another one. `recorded`: the name led to it before. `name`: only the process says that it was started by this name. */
      readonly how: 'kernel' | 'recorded' | 'name';
    }
  /** `since`: epoch ms. */
  | { readonly state: 'gone'; readonly path: string; readonly since: number }
  /** Cannot be told, and why. */
  | { readonly state: 'unknown'; readonly reason: string };

export interface ProgramVerdict {
  readonly findings: readonly Finding[];
  readonly unknown?: string;
  /** Milliseconds after which the same question may have another answer without any event. */
  readonly askAgainIn?: number;
}

/** Says whether the program itself was replaced under the process. Content was compared: another link to it, or a reinstall of it, is the same program. */
export function judgeProgram(evidence: ProgramEvidence): ProgramVerdict {
  const { sight, now } = evidence;
  switch (sight.state) {
    case 'same':
      return { findings: [] };
    case 'unknown':
      return { findings: [], unknown: sight.reason };
    case 'gone': {
      const wait = goneMs - Math.max(0, now - sight.since);
      return wait > 0
        ? { findings: [], unknown: `${sight.path} does not exist`, askAgainIn: wait }
        : { findings: [goneFinding(evidence, sight)] };
    }
    case 'replaced': {
      const quiet = now - sight.changedAt;
      return quiet >= 0 && quiet < quietMs
        ? { findings: [], unknown: 'its program is being replaced right now', askAgainIn: quietMs - quiet }
        : { findings: [replacedFinding(evidence, sight)] };
    }
  }
}

function runs(evidence: ProgramEvidence): string {
  const by = evidence.startedBy ? `, started by ${evidence.startedBy}` : '';
  return `runs since ${moment(evidence.startedAt, evidence.now)} (PID ${evidence.pid}${by})`;
}

function goneFinding(evidence: ProgramEvidence, sight: Extract<ProgramSight, { state: 'gone' }>): Finding {
  return {
    kind: 'files-gone',
    confidence: 'proven',
    message: `its ${evidence.role === 'binary' ? 'program' : 'interpreter'} ${evidence.name} is gone (${sight.path}): a restart fails until it is installed again`,
    evidence: [runs(evidence), `${sight.path} does not exist; the process runs on from the deleted file`],
    since: new Date(sight.since).toISOString(),
    actions: evidence.cure,
  };
}

function replacedFinding(evidence: ProgramEvidence, sight: Extract<ProgramSight, { state: 'replaced' }>): Finding {
  const { now, startedAt, role, name } = evidence;
  const since = [sight.bornAt, sight.changedAt].find((time) => time !== undefined && time > startedAt && time <= now) ?? now;
  const confidence: Confidence = sight.how === 'name' ? 'likely' : 'proven';
  const moved = sight.leadsTo !== undefined && sight.leadsTo !== sight.path;
  const where = moved ? `${sight.path} leads to ${sight.leadsTo} now` : `${sight.path} is another file now`;
  const known = {
    kernel: 'how known: the kernel still holds the file that runs, and its content differs from what is at its place',
    recorded: `how known: this name led to the running file when MCP Shepherd first saw the process; the contents differ`,
    name: 'how known: the process says that it was started by this name; the contents differ; that it ran this file before is concluded from the names',
  }[sight.how];
  return {
    kind: 'stale',
    subKind: role,
    confidence,
    message:
      role === 'interpreter'
        ? `runs on an old ${name}: ${sight.path} was ${moved ? 'switched to another one' : 'replaced'}`
        : `runs an old ${name}: its program ${sight.path} was ${moved ? 'switched to another one' : 'replaced'}`,
    evidence: [`${runs(evidence)}; ${where}, changed ${moment(since, now)}`, known],
    since: new Date(since).toISOString(),
    actions: evidence.cure,
  };
}
