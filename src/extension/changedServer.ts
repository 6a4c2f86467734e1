import type { Definition } from '../types/definition.ts';
import type { Instance, Snapshot } from '../types/snapshot.ts';
import { editorCommands } from './names.ts';
import { editorServerIds } from './serverIds.ts';
import type { WindowPorts } from './windowServers.ts';

/** VS Code reads a changed file 0.5 s later at most, and ends the server within 20 s. */
const endLimitMs = 25_000;
/** Package runners may have to download first. */
const startLimitMs = 90_000;
/** When VS Code says that it is done, the new process must show up soon. */
const showLimitMs = 5_000;
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
  for (const id of editorServerIds(definition, ports.folders())) {
    let done = false;
    const starting = ports.execute(editorCommands.startServer, id, { waitForLiveTools: true }).finally(() => {
      done = true;
    });
    const failed = starting.then(
      () => undefined,
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    );
    const startBy = ports.clock() + startLimitMs;
    for (let doneAt: number | undefined; ports.clock() < startBy; ) {
      const runs = own(await ports.look(), ports).some(
        (instance) => instance.definitions.includes(definition.id) && (instance.guarded === true) === guarded,
      );
      if (runs) {
        return undefined;
      }
      doneAt ??= done ? ports.clock() : undefined;
      if (doneAt !== undefined && ports.clock() - doneAt > showLimitMs) {
        break;
      }
      await ports.wait(lookEveryMs);
    }
    const reason = done ? await failed : undefined;
    if (reason !== undefined) {
      return `VS Code could not start ${definition.name}: ${reason}`;
    }
  }
  return `VS Code did not start ${definition.name}. Its output says why; “MCP: List Servers” starts it.`;
}

/** What runs as a child of this window's extension host. */
function own(snapshot: Snapshot, ports: WindowPorts): Instance[] {
  return snapshot.instances.filter((instance) => instance.client?.pid === ports.pid);
}
