import { isRecord } from '../../base/json.ts';
import { cancelledKey, type Envelope, type IdKey, idText } from '../message/envelope.ts';
import { messageLine } from '../message/ownAnswers.ts';
import type { ConnectedServers } from './connectedServers.ts';
import type { ServerLink } from './serverLink.ts';

/** Requests of servers to the client, and to which server an answer belongs. */
export class ServerRequests {
  readonly #servers: ConnectedServers;
  /** Requests of servers that are gone: their answers are dropped. */
  readonly #closed = new Set<IdKey>();
  /** Open requests that the client knows by another id than their server. */
  readonly #renamed = new Set<IdKey>();
  #renamedCount = 0;

  constructor(servers: ConnectedServers) {
    this.#servers = servers;
  }

  /** Lines of servers may need a change: a request was renamed, or a server is gone whose requests the client may still answer. */
  get isMixed(): boolean {
    return this.#closed.size > 0 || this.#renamed.size > 0;
  }

  /** Two servers may use the same id: the client must not see an id twice while the first is open. @returns the line for the client */
  asked(link: ServerLink, line: Buffer, envelope: Envelope & { kind: 'request' }): Buffer {
    const { id } = envelope;
    if (!isRemembered(link, id)) {
      // Its answer goes to the server that is current then.
      return line;
    }
    if (!this.#ownerOf(id) && !this.#closed.has(id)) {
      link.asked.set(id, id);
      return line;
    }
    const other = `mcp-shepherd-asked-${++this.#renamedCount}`;
    link.asked.set(other, id);
    this.#renamed.add(other);
    return messageLine(other, envelope.body.value() ?? {});
  }

  /** The server cancels its request. @returns the line for the client, which may know the request by another id */
  withdrawn(link: ServerLink, line: Buffer, envelope: Envelope & { kind: 'notification' }): Buffer {
    const own = cancelledKey(envelope, line);
    const known = own === undefined ? undefined : renamedOf(link, own);
    if (known === undefined) {
      if (own !== undefined && link.asked.get(own) === own) {
        link.asked.delete(own);
      }
      return line;
    }
    this.#forget(link, known);
    const message = envelope.body.value();
    const params = isRecord(message?.params) ? message.params : {};
    return Buffer.from(`${JSON.stringify({ ...message, params: { ...params, requestId: known } })}\n`);
  }

  #forget(link: ServerLink, id: IdKey): void {
    link.asked.delete(id);
    this.#renamed.delete(id);
  }

  /** Sends the client's answer to the server that asked, and never to its replacement. */
  answered(line: Buffer, envelope: Envelope & { kind: 'response' }): void {
    const { id } = envelope;
    const owner = this.#ownerOf(id);
    if (owner) {
      const own = owner.asked.get(id) ?? id;
      this.#forget(owner, id);
      const message = own === id ? undefined : envelope.body.value();
      owner.out.add(message ? messageLine(own, message) : line);
    } else if (!this.#closed.delete(id)) {
      const { current } = this.#servers;
      // A late answer to a request that another server cancelled must not answer a renamed request of this one.
      if (current && renamedOf(current, id) === undefined) {
        current.out.add(line);
      }
    }
  }

  /** The client's answer is part of a batch, which is forwarded as a whole. */
  answeredInBatch(id: IdKey): void {
    const owner = this.#ownerOf(id);
    if (owner) {
      this.#forget(owner, id);
    }
  }

  /** The server is gone. @returns the notifications that cancel its requests */
  close(link: ServerLink): Buffer[] {
    // Ids of many servers that are gone are forgotten.
    if (this.#closed.size >= 9_000) {
      this.#closed.clear();
    }
    return [...link.asked.keys()].map((id) => {
      this.#forget(link, id);
      this.#closed.add(id);
      return Buffer.from(
        `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":${idText(id)},"reason":"the server was replaced"}}\n`,
      );
    });
  }

  #ownerOf(id: IdKey): ServerLink | undefined {
    return this.#servers.find((link) => link.asked.has(id));
  }
}

/** Of each server at most 1,000 open requests are remembered, with ids of at most 1,000 characters: a hostile server asks without end. */
export function isRemembered({ asked }: ServerLink, id: IdKey): boolean {
  return asked.size < 1_000 && `${id}`.length <= 1_000;
}

/** The other id by which the client knows an open request of a server; undefined when it has the server's own. */
function renamedOf({ asked }: ServerLink, own: IdKey): IdKey | undefined {
  return [...asked.keys()].find((known) => known !== own && asked.get(known) === own);
}
