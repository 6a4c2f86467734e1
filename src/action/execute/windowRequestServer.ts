import { type FSWatcher, watch } from 'node:fs';
import type { Disposable } from '../../base/disposable.ts';
import { reasonOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { quotedText } from '../../base/singleLine.ts';
import { stateRefusal } from '../../storage/privateFolder.ts';
import type { Outcome } from './exclusiveAction.ts';
import { answerRequest, requestFolder, requestsFor, type WindowRequest } from './windowRequest.ts';

/** Where the system does not report new files (network homes), they are found by polling. */
const pollMs = 5_000;
/** All events within this time are one reading of the folder, which may hold many files, ms. */
const eventsMs = 50;

/**
 * Serves the requests to one window until disposed: each is accepted at once, carried out by `handle`, and answered. Serves none where another user could write
 * requests.
 * @throws when the folder of requests cannot be made
 */
export function serveRequests(
  runDir: string,
  window: { readonly pid: number; readonly identity: string },
  handle: (request: WindowRequest) => Promise<Outcome>,
  log: Log,
): Disposable {
  const refused = stateRefusal(runDir, 'requests');
  if (refused !== undefined) {
    log.warn(`Requests of other windows are not served: ${refused}`);
    return { dispose() {} };
  }
  const folder = requestFolder(runDir);
  const taken = new Set<string>();
  let disposed = false;

  const answer = (request: WindowRequest, text: Parameters<typeof answerRequest>[2]): void => {
    try {
      answerRequest(runDir, request, text);
    } catch (error) {
      log.warn(`The answer to ${request.by} could not be written: ${reasonOf(error)}`);
    }
  };

  async function take(request: WindowRequest): Promise<void> {
    answer(request, { status: 'accepted', message: '' });
    log.info(`${quotedText(request.by)} asks to ${request.verb} a server of this window.`);
    try {
      const outcome = await handle(request);
      const { status, message } = outcome;
      const rest = 'steps' in outcome ? { steps: [...outcome.steps], ...(outcome.after ? { after: outcome.after } : {}) } : {};
      answer(request, { status, message, ...rest });
    } catch (error) {
      answer(request, { status: 'failed', message: reasonOf(error) });
    }
  }

  function readRequests(): void {
    if (disposed) {
      return;
    }
    const open = requestsFor(runDir, window);
    for (const id of taken) {
      if (!open.some((request) => request.id === id)) {
        taken.delete(id);
      }
    }
    for (const request of open.filter(({ id }) => !taken.has(id))) {
      taken.add(request.id);
      void take(request);
    }
  }

  let due: NodeJS.Timeout | undefined;
  const readSoon = (): void => {
    due ??= setTimeout(() => {
      due = undefined;
      readRequests();
    }, eventsMs);
  };
  let watcher: FSWatcher | undefined;
  try {
    watcher = watch(folder, { persistent: false }, readSoon);
    watcher.on('error', (error) => log.warn(`Requests of other windows are read only every ${pollMs / 1000} s: ${reasonOf(error)}`));
  } catch (error) {
    log.warn(`Requests of other windows are read only every ${pollMs / 1000} s: ${reasonOf(error)}`);
  }
  const timer = setInterval(readRequests, pollMs);
  timer.unref();
  readRequests();
  return {
    dispose() {
      disposed = true;
      clearInterval(timer);
      clearTimeout(due);
      watcher?.close();
    },
  };
}
