import type { StaleMode } from './guardLine.ts';

/** What the guard does while the server runs other code than is installed, in a sentence that follows "On stale: ". */
export const staleMeanings: Readonly<Record<StaleMode, string>> = {
  off: 'nothing is looked at; calls always pass.',
  warn: 'calls pass; views and log say that the server is stale.',
  'refuse-writes':
    'calls of tools that may write are refused, with the cure in the answer, until the server has been restarted. A tool that does not say that it only ' +
    'reads (annotations.readOnlyHint) may write: of a server without annotations every call is refused.',
  restart: 'the guard restarts the server before the next call; the session goes on.',
  refuse: 'every call is refused, with the cure in the answer, until the server has been restarted.',
};
