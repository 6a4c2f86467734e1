import assert from 'node:assert/strict';
import { until } from '../../until.ts';
import type { GuardHome, RawClient } from '../guard/guardedServer.ts';

/** A client that calls without a pause, four calls at a time, and notes what became of each. */
export class CallLoad {
  readonly #client: RawClient;
  readonly #answered = new Set<number>();
  #sent = 0;
  #isOver = false;
  readonly #loops: Promise<unknown>;

  constructor(client: RawClient) {
    this.#client = client;
    this.#loops = Promise.all(Array.from({ length: 4 }, () => this.#loop()));
  }

  async #loop(): Promise<void> {
    while (!this.#isOver) {
      this.#sent += 1;
      const n = this.#sent;
      const answer = await this.#client.call('echo', { n, text: `${n}` });
      this.#answered.add(n);
      assert.equal(JSON.stringify(answer.result).includes(`"${n}"`), true, JSON.stringify(answer));
    }
  }

  async goesOn(calls = 20): Promise<void> {
    const before = this.#answered.size;
    await until('calls are answered', () => this.#answered.size > before + calls);
  }

  /** Stops it: every call was answered once and carried out once. @param home where the server logged its calls */
  async end(home: GuardHome): Promise<void> {
    await this.goesOn(0);
    this.#isOver = true;
    await this.#loops;
    const ids = this.#client.messages.filter((message) => !('method' in message)).map(({ id }) => id);
    assert.equal(new Set(ids).size, ids.length, 'no answer came twice');
    const carriedOut = home.calls().filter((line) => line.includes(' echo '));
    assert.equal(carriedOut.length, this.#sent, 'no call ran twice, and none was lost');
    assert.equal(new Set(carriedOut).size, this.#sent);
  }
}
