import type { ConnectedServers } from './connectedServers.ts';
import { cancelledKey, type Envelope, type IdKey, idText } from './envelope.ts';
import type { ServerLink } from './serverLink.ts';

/** What servers ask of the client, one server after the other, and which of them an answer belongs to. */
export class ServerRequests {
  readonly #servers: ConnectedServers;
  /** Requests of servers that are gone: an answer to one goes nowhere. */
  readonly #closed = new Set<IdKey>();
  #mangled = 0;

  constructor(servers: ConnectedServers) {
    this.#servers = servers;
  }

  /** Servers are gone whose requests the client may still answer. */
  get hasClosed(): boolean {
    return this.#closed.size > 0;
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
    return Buffer.from(`${JSON.stringify({ ...envelope.body.value(), id: other })}\n`);
  }

  /** The server wants no answer to its request any more. */
  withdrawn(link: ServerLink, line: Buffer, envelope: Envelope & { kind: 'notification' }): void {
    const id = cancelledKey(envelope, line);
    if (id !== undefined && link.asked.get(id) === id) {
      link.asked.delete(id);
    }
  }

  /** The client's answer goes to the server that asked; never to one that took its place. */
  answered(line: Buffer, envelope: Envelope & { kind: 'response' }): void {
    const owner = this.#ownerOf(envelope.id);
    if (owner) {
      const own = owner.asked.get(envelope.id);
      owner.asked.delete(envelope.id);
      const message = own === undefined || own === envelope.id ? undefined : envelope.body.value();
      owner.out.add(message ? Buffer.from(`${JSON.stringify({ ...message, id: JSON.parse(idText(own ?? envelope.id)) })}\n`) : line);
    } else if (!this.#closed.delete(envelope.id)) {
      this.#servers.current?.out.add(line);
    }
  }

  /** The client's answer is one of a batch, which goes on as a whole. */
  answeredInBatch(id: IdKey): void {
    this.#ownerOf(id)?.asked.delete(id);
  }

  /** The server is gone. @returns what tells the client that its answers are not wanted any more */
  close(link: ServerLink): Buffer[] {
    const ids = [...link.asked.keys()];
    link.asked.clear();
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
