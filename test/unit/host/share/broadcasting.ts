import type { Member } from '../../../../src/host/share/sharedCalls.ts';
import { SharedLines } from '../../../../src/host/share/sharedLines.ts';
import type { SharedOptions } from '../../../../src/host/share/sharedOutput.ts';

type Is = (message: Record<string, unknown>) => boolean;

/** A control: some lines for one client go to all. */
export class Broadcasting extends SharedLines {
  readonly #all = new Set<(line: Buffer) => void>();
  readonly #is: Is;

  constructor(options: SharedOptions, is: Is) {
    super(options);
    this.#is = is;
  }

  override join(send: (line: Buffer) => void): Member {
    this.#all.add(send);
    return super.join((line) => {
      for (const one of this.#is(JSON.parse(`${line}`)) ? this.#all : [send]) {
        one(line);
      }
    });
  }
}

/** What may be broadcast. */
export const broadcasts: Readonly<Record<string, Is>> = {
  'every line': () => true,
  answers: ({ method }) => method === undefined,
  progress: ({ method }) => method === 'notifications/progress',
  'requests of the server': ({ id, method }) => id !== undefined && method !== undefined,
  updates: ({ method }) => method === 'notifications/resources/updated',
  'list_changed, once for each': ({ method }) => `${method}`.endsWith('list_changed'),
};
