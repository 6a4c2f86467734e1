import type { PausableInput } from './messageWriter.ts';
import type { ServerLink } from './serverLink.ts';

/** The servers whose messages reach the client, and the one that gets new requests. */
export class ConnectedServers {
  readonly #links = new Set<ServerLink>();
  #current: ServerLink | undefined;
  #broken: string | undefined;

  get current(): ServerLink | undefined {
    return this.#current;
  }

  /** Why there is no server: every request is answered with this reason. */
  get broken(): string | undefined {
    return this.#broken;
  }

  get all(): Iterable<ServerLink> {
    return this.#links;
  }

  get count(): number {
    return this.#links.size;
  }

  get outputs(): readonly PausableInput[] {
    return [...this.#links].map(({ output }) => output);
  }

  add(link: ServerLink): void {
    this.#links.add(link);
  }

  has(link: ServerLink): boolean {
    return this.#links.has(link);
  }

  find(wanted: (link: ServerLink) => boolean): ServerLink | undefined {
    return [...this.#links].find(wanted);
  }

  /** @returns whether it was connected */
  remove(link: ServerLink): boolean {
    if (this.#current === link) {
      this.#current = undefined;
    }
    return this.#links.delete(link);
  }

  /** New requests go to this server. */
  serve(link: ServerLink): void {
    this.#current = link;
    this.#broken = undefined;
  }

  /** New requests are answered with the reason. @param reason undefined: they wait */
  giveUp(reason: string | undefined): void {
    this.#current = undefined;
    this.#broken = reason;
  }

  flush(): void {
    for (const link of this.#links) {
      link.out.flush();
    }
  }
}
