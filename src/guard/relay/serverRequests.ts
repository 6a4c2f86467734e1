import { isRecord } from '../../base/json.ts';
import { cancelledKey, type Envelope, type IdKey, idText } from '../message/envelope.ts';
import type { ConnectedServers } from './connectedServers.ts';
import type { ServerLink } from './serverLink.ts';

/** What servers ask of the client, one server after the other, and which of them an answer belongs to. */
export class ServerRequests {
  readonly #servers: ConnectedServers;
  /** Requests of servers that are gone: an answer to one goes nowhere. */
  readonly #closed = new Set<IdKey>();
  /** Open requests that the client knows by another id than their server. */
  readonly #renamed = new Set<IdKey>();
  #mangled = 0;

  constructor(servers: ConnectedServers) {
    this.#servers = servers;
  }

  /** What a server says of its requests may not go to the client as it is: a server is gone whose requests may still be answered, or one has another id. */
  get isMixed(): boolean {
    return this.#closed.size > 0 || this.#renamed.size > 0;
  }

  /** Two servers may count their requests alike: the client must not see an id twice while the first is open. @returns what goes to the client */
  asked(link: ServerLink, line: Buffer, envelope: Envelope & { kind: 'request' }): Buffer {
    const { id } = envelope;
    if (!this.#ownerOf(id) && !this.#closed.has(id)) {
      link.asked.set(id, id);
      return line;
    }
    this.#mangled += 1;
    const other = `mcp-shepherd-asked-${this.#mangled}`;
    link.asked.set(other, id);
    this.#renamed.add(other);
    return Buffer.from(`${JSON.stringify({ ...envelope.body.value(), id: other })}\n`);
  }

  /** The server wants no answer to its request any more. @returns what goes to the client: it may know the request by another id */
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

  /** The client's answer goes to the server that asked; never to one that took its place. */
  answered(line: Buffer, envelope: Envelope & { kind: 'response' }): void {
    const owner = this.#ownerOf(envelope.id);
    if (owner) {
      const own = owner.asked.get(envelope.id);
      this.#forget(owner, envelope.id);
      const message = own === undefined || own === envelope.id ? undefined : envelope.body.value();
      owner.out.add(message ? Buffer.from(`${JSON.stringify({ ...message, id: JSON.parse(idText(own ?? envelope.id)) })}\n`) : line);
    } else if (!this.#closed.delete(envelope.id)) {
      const { current } = this.#servers;
      // A late answer to what another server withdrew: here it would answer a request that the client knows by another id.
      if (current && renamedOf(current, envelope.id) === undefined) {
        current.out.add(line);
      }
    }
  }

  /** The client's answer is one of a batch, which goes on as a whole. */
  answeredInBatch(id: IdKey): void {
    const owner = this.#ownerOf(id);
    if (owner) {
      this.#forget(owner, id);
    }
  }

  /** The server is gone. @returns what tells the client that its answers are not wanted any more */
  close(link: ServerLink): Buffer[] {
    const ids = [...link.asked.keys()];
    for (const id of ids) {
      this.#forget(link, id);
    }
    return ids.map((id) => {
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

/** By which other id the client knows an open request of a server. */
function renamedOf(link: ServerLink, own: IdKey): IdKey | undefined {
  return [...link.asked].find(([known, id]) => id === own && known !== own)?.[0];
}
