import { msg, t, translated } from '../../base/language/translate.ts';
import type { Confidence, Finding } from '../../model/finding.ts';
import { type RunningServer, sinceField, sinceText } from '../evidence.ts';
import { moment } from '../wording.ts';
import { quietMs } from './baseline.ts';
import { goneMs } from './packages.ts';

/** The program that a process runs, as far as it is known: an interpreter, or the server itself. */
export interface ProgramEvidence extends RunningServer {
  /** `interpreter`: node, python … run the code of the server. `binary`: the program is the server. */
  readonly role: 'interpreter' | 'binary';
  /** The name for a person: "Node.js", "github-mcp-server". */
  readonly name: string;
  readonly program: ProgramState;
}

export type ProgramState =
  | { readonly state: 'same' }
  | {
      readonly state: 'replaced';
      /** The name under which it was started. */
      readonly path: string;
      /** The target of that name now, when it is a link. */
      readonly leadsTo?: string;
      /** Newest change of the file that is there now, epoch ms. */
      readonly changedAt: number;
      readonly bornAt?: number;
      /**
       * `kernel`: another file is at the very path that it runs from. `recorded`: the name led to the running file before. `name`: only the process says that it
       * was started by this name.
       */
      readonly how: 'kernel' | 'recorded' | 'name';
    }
  /** `since`: epoch ms. */
  | { readonly state: 'gone'; readonly path: string; readonly since: number }
  | { readonly state: 'unknown'; readonly reason: string };

export interface ProgramVerdict {
  readonly findings: readonly Finding[];
  readonly unknown?: string;
  /** Milliseconds after which the same question may have another answer without any event. */
  readonly askAgainIn?: number;
}

/** Judges whether the program file was replaced under the process. Contents are compared: another link to the same program, or a reinstall of it, is no change. */
export function judgeProgram(evidence: ProgramEvidence): ProgramVerdict {
  const { program, now } = evidence;
  switch (program.state) {
    case 'same':
      return { findings: [] };
    case 'unknown':
      return { findings: [], unknown: program.reason };
    case 'gone': {
      const wait = goneMs - Math.max(0, now - program.since);
      return wait > 0
        ? { findings: [], unknown: t('{0} does not exist', program.path), askAgainIn: wait }
        : { findings: [goneFinding(evidence, program)] };
    }
    case 'replaced': {
      const quiet = now - program.changedAt;
      return quiet >= 0 && quiet < quietMs
        ? { findings: [], unknown: t('its program is being replaced right now'), askAgainIn: quietMs - quiet }
        : { findings: [replacedFinding(evidence, program)] };
    }
  }
}

function goneFinding(evidence: ProgramEvidence, program: Extract<ProgramState, { state: 'gone' }>): Finding {
  return {
    kind: 'files-gone',
    confidence: 'proven',
    message:
      evidence.role === 'binary'
        ? t('its program {0} is gone ({1}): a restart fails until it is installed again', evidence.name, program.path)
        : t('its interpreter {0} is gone ({1}): a restart fails unless its command finds another one', evidence.name, program.path),
    evidence: [t('runs {0}', sinceText(evidence)), t('{0} does not exist; the process still runs from the deleted file', program.path)],
    since: new Date(program.since).toISOString(),
    actions: evidence.actions,
  };
}

const howReplaced = {
  kernel: msg('how known: the kernel still holds the file that runs, and its content differs from what is at its path'),
  recorded: msg('how known: this name led to the running file when MCP Shepherd first saw the process; the contents differ'),
  name: msg(
    'how known: the process says that it was started by this name, and the contents differ; that it ran this file before is concluded from the names',
  ),
} as const;

function replacedFinding(evidence: ProgramEvidence, program: Extract<ProgramState, { state: 'replaced' }>): Finding {
  const { now, startedAt, role, name } = evidence;
  const since = [program.bornAt, program.changedAt].find((time) => time !== undefined && time > startedAt && time <= now);
  const confidence: Confidence = program.how === 'name' ? 'likely' : 'proven';
  const moved = program.leadsTo !== undefined && program.leadsTo !== program.path;
  const where = moved ? t('{0} leads to {1} now', program.path, program.leadsTo) : t('{0} is another file now', program.path);
  return {
    kind: 'stale',
    subKind: role,
    confidence,
    message:
      role === 'interpreter'
        ? moved
          ? t('runs on an old {0}: {1} was switched to another one', name, program.path)
          : t('runs on an old {0}: {1} was replaced', name, program.path)
        : moved
          ? t('runs an old {0}: its program {1} was switched to another one', name, program.path)
          : t('runs an old {0}: its program {1} was replaced', name, program.path),
    evidence: [
      since === undefined
        ? t('runs {0}; {1}', sinceText(evidence), where)
        : t('runs {0}; {1}, changed {2}', sinceText(evidence), where, moment(since, now)),
      translated(howReplaced[program.how]),
    ],
    ...sinceField(since, now),
    actions: evidence.actions,
  };
}
