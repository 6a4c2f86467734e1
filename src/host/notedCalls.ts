import type { IdKey } from '../guard/message/envelope.ts';
import type { Pending } from '../guard/process/serverProcess.ts';

/** The requests in flight of a server, which remembers what has changed: a look at each of them for each message would cost more than the message. */
export class NotedCalls extends Map<IdKey, Pending> {
  /** Ids that were set or deleted since this was cleared. */
  readonly noted: Set<IdKey> = new Set();

  override set(id: IdKey, pending: Pending): this {
    this.noted.add(id);
    return super.set(id, pending);
  }

  override delete(id: IdKey): boolean {
    this.noted.add(id);
    return super.delete(id);
  }

  override clear(): void {
    for (const id of this.keys()) {
      this.noted.add(id);
    }
    super.clear();
  }
}
