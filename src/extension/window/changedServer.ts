import { reasonOf } from '../../base/errors.ts';
import type { Definition } from '../../model/definition.ts';
import type { Instance, Snapshot } from '../../model/snapshot.ts';
import { editorCommands } from '../manifestNames.ts';
import { editorServerIds } from './serverIds.ts';
import type { WindowPorts } from './windowServers.ts';

/** VS Code reads a changed file 0.5 s later at most, and ends the server within 20 s. */
const endLimitMs = 25_000;
/** Package runners may have to download first. */
const startLimitMs = 90_000;
/** When VS Code says that it is done, the new process must show up soon. */
const showLimitMs = 5_000;
/** How long a start that did nothing is looked for before it is asked for once more. */
const askAgainMs = 1_500;
/** More would repeat the failure of a server that cannot start. */
const asks = 3;
const lookEveryMs = 250;

/**
 * Lets this window start a server whose entry has just been changed. VS Code ends the old one by itself, when it has read the file; started before that, it
 * would begin as it was.
 * @param guarded whether the new one must run behind the guard
 * @returns what went wrong and what to do, or undefined when it runs
 */
export async function startChanged(ports: WindowPorts, definition: Definition, old: string, guarded: boolean): Promise<string | undefined> {
  const endBy = ports.clock() + endLimitMs;
  while (own(await ports.look(), ports).some(({ id }) => id === old)) {
    if (ports.clock() > endBy) {
      return `VS Code still runs ${definition.name} as it was. Restart it from “MCP: List Servers”.`;
    }
    await ports.wait(lookEveryMs);
  }
  const runs = async (): Promise<boolean> =>
    own(await ports.look(), ports).some(
      (instance) => instance.definitions.includes(definition.id) && (instance.guarded === true) === guarded,
    );
  const ids = editorServerIds(definition, ports.folders());
  // The server is gone before VS Code knows it: its guard ends after it. Until then VS Code takes a start for one of a server that runs, and does nothing.
  for (let ask = 1; ask <= asks; ask++) {
    for (const id of ids) {
      const start = await startOne(ports, id, runs, ask < asks ? askAgainMs : showLimitMs);
      if (start === 'runs') {
        return undefined;
      }
      if (start === 'pending') {
        return `VS Code has not finished starting ${definition.name} within ${startLimitMs / 1000} seconds. It may be waiting for an answer from you, or for a download.`;
      }
      if (start !== 'nothing') {
        return `VS Code could not start ${definition.name}: ${start.refusal}`;
      }
    }
  }
  return `VS Code did not start ${definition.name}. Its output says why; “MCP: List Servers” starts it.`;
}

/** Asks for one start and looks until it is there. `nothing`: VS Code is done, and `showMs` later there is none; `pending`: VS Code is still at it. */
async function startOne(
  ports: WindowPorts,
  id: string,
  runs: () => Promise<boolean>,
  showMs: number,
): Promise<'runs' | 'nothing' | 'pending' | { readonly refusal: string }> {
  let done = false;
  let refusal: string | undefined;
  void ports.execute(editorCommands.startServer, id, { waitForLiveTools: true }).then(
    () => {
      done = true;
    },
    (error: unknown) => {
      refusal = reasonOf(error);
    },
  );
  const startBy = ports.clock() + startLimitMs;
  for (let doneAt: number | undefined; ports.clock() < startBy; await ports.wait(lookEveryMs)) {
    if (await runs()) {
      return 'runs';
    }
    if (refusal !== undefined) {
      return { refusal };
    }
    doneAt ??= done ? ports.clock() : undefined;
    if (doneAt !== undefined && ports.clock() - doneAt > showMs) {
      return 'nothing';
    }
  }
  return 'pending';
}

/** What runs as a child of this window's extension host. */
function own(snapshot: Snapshot, ports: WindowPorts): Instance[] {
  return snapshot.instances.filter((instance) => instance.client?.pid === ports.pid);
}
