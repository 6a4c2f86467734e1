import { looksLikeMcp } from '../package/mcpPackage.ts';
import type { ProcessTree } from '../process/processTree.ts';
import type { Problem } from '../types/problem.ts';
import { identityKey } from '../types/process.ts';
import type { Redactor } from '../types/redaction.ts';
import type { Attributed } from './attribution.ts';
import { runsGuarded } from './guarded.ts';
import type { LockLook } from './lockFacts.ts';
import type { Memory } from './memory.ts';
import { observeServer, type ServerObservation } from './observation.ts';
import type { JoinedPorts } from './portJoin.ts';

/** What one look knows beside the servers themselves. */
export interface Surroundings {
  readonly processes: ProcessTree;
  readonly redactor: Redactor;
  readonly memory: Memory;
  readonly locks: Pick<LockLook, 'recordsOf'>;
  readonly ports: JoinedPorts['ports'];
  /** Epoch ms. */
  readonly now: number;
}

/** Observes each candidate that is a server. One that cannot be judged never hides the others. */
export function observeAll(
  candidates: readonly Attributed[],
  { processes, redactor, memory, locks, ports, now }: Surroundings,
): { readonly observed: readonly ServerObservation[]; readonly problems: readonly Problem[] } {
  const observed: ServerObservation[] = [];
  const problems: Problem[] = [];
  for (const one of candidates) {
    try {
      if (isServer(one, memory, now)) {
        const port = ports.get(identityKey(one.server.identity));
        observed.push(observeServer(one, processes, redactor, memory, now, locks.recordsOf(one), port));
      }
    } catch (error) {
      problems.push({ source: 'facts', message: `PID ${one.server.pid} could not be judged: ${redactor.text(String(error))}` });
    }
  }
  return { observed, problems };
}

/** Whether a candidate is shown at all: an entry names it, it was started through our guard, or its package, or what that requires, says that it speaks MCP. */
function isServer(attributed: Attributed, memory: Memory, now: number): boolean {
  if (attributed.definitions.length > 0 || runsGuarded(attributed.launchers)) {
    return true;
  }
  const { server, detail } = attributed;
  const sight = memory.closures.sight(server, detail, now, memory.facts.baseline(server.identity)?.ref);
  if ('unknown' in sight || sight.reading.status !== 'ok') {
    // Nothing to ask; the name alone brought it here.
    return true;
  }
  return looksLikeMcp(sight.ref, sight.reading.packages);
}
