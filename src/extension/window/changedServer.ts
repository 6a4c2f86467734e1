import { reasonOf } from '../../base/errors.ts';
import { t } from '../../base/language/translate.ts';
import type { Definition } from '../../model/definition.ts';
import type { Instance, Snapshot } from '../../model/snapshot.ts';
import { editorCommands } from '../manifestNames.ts';
import { editorServerIds } from './serverIds.ts';
import type { EditorContext } from './windowServers.ts';

/** VS Code reads a changed file within 0.5 s and stops the server within 20 s. */
const endLimitMs = 25_000;
/** Package runners may have to download first. */
const startLimitMs = 90_000;
/** How long the new process may take to appear after VS Code has finished the start. */
const showLimitMs = 5_000;
/** How long to wait for the new process before the start is requested again. */
const askAgainMs = 1_500;
/** With more attempts, a server that cannot start would fail again and again. */
const attempts = 3;
const scanEveryMs = 250;

/**
 * Starts a server of this window whose entry has just been changed. VS Code stops the old process itself once it has read the file; a start before that
 * would use the old entry.
 * @param old id of the instance that ran before the change
 * @param guarded whether the new process must run behind the guard
 * @returns what went wrong and what to do, or undefined when it runs
 */
export async function startChangedServer(
  editor: EditorContext,
  definition: Definition,
  old: string,
  guarded: boolean,
): Promise<string | undefined> {
  const endBy = editor.clock() + endLimitMs;
  while (own(await editor.scan(), editor).some(({ id }) => id === old)) {
    if (editor.clock() > endBy) {
      return t('VS Code still runs {0} with its old entry. Restart it from “MCP: List Servers”.', definition.name);
    }
    await editor.wait(scanEveryMs);
  }
  const runs = async (): Promise<boolean> =>
    own(await editor.scan(), editor).some(
      (instance) => instance.definitions.includes(definition.id) && (instance.guarded === true) === guarded,
    );
  const ids = editorServerIds(definition, editor.folders());
  // The server ends before its guard, and until VS Code notices that the guard has ended too, it ignores a start.
  for (let attempt = 1; attempt <= attempts; attempt++) {
    for (const id of ids) {
      const start = await startOne(editor, id, runs, attempt < attempts ? askAgainMs : showLimitMs);
      if (start === 'runs') {
        return undefined;
      }
      if (start === 'pending') {
        return t(
          'VS Code has not finished starting {0} within {1} seconds. It may be waiting for your answer or for a download.',
          definition.name,
          startLimitMs / 1000,
        );
      }
      if (start !== 'nothing') {
        return t('VS Code could not start {0}: {1}', definition.name, start.refusal);
      }
    }
  }
  const { definitions } = await editor.scan();
  // VS Code 1.139 offers one server of a name in all folders of a window.
  const twin = definitions.find(
    (one) => one.name === definition.name && one.id !== definition.id && editorServerIds(one, editor.folders()).length > 0,
  );
  return twin
    ? t('VS Code did not start {0}: it may offer only the one of this name in {1}. Rename one of them.', definition.name, twin.file)
    : t('VS Code did not start {0}. See its output for the reason; start it from “MCP: List Servers”.', definition.name);
}

/** Requests one start and waits for the process. `nothing`: VS Code finished, but `showMs` later there is no process; `pending`: VS Code has not finished. */
async function startOne(
  editor: EditorContext,
  id: string,
  runs: () => Promise<boolean>,
  showMs: number,
): Promise<'runs' | 'nothing' | 'pending' | { readonly refusal: string }> {
  let done = false;
  let refusal: string | undefined;
  void editor.execute(editorCommands.startServer, id, { waitForLiveTools: true }).then(
    () => {
      done = true;
    },
    (error: unknown) => {
      refusal = reasonOf(error);
    },
  );
  const startBy = editor.clock() + startLimitMs;
  for (let doneAt: number | undefined; editor.clock() < startBy; await editor.wait(scanEveryMs)) {
    if (await runs()) {
      return 'runs';
    }
    if (refusal !== undefined) {
      return { refusal };
    }
    doneAt ??= done ? editor.clock() : undefined;
    if (doneAt !== undefined && editor.clock() - doneAt > showMs) {
      return 'nothing';
    }
  }
  return 'pending';
}

/** The servers that run as children of this window's extension host. */
function own(snapshot: Snapshot, editor: EditorContext): Instance[] {
  return snapshot.instances.filter((instance) => instance.client?.pid === editor.pid);
}
