import { isRecord } from '../../base/json.ts';
/** What a call may do, as far as it is known. `absent`: the server's own whole list does not have the tool, so the server will say so itself. */
export type ToolKind = 'read' | 'write' | 'unknown' | 'absent';

/** Asks the server for one page of its tools on the guard's own account. @returns the `result` of the answer @throws when there is none */
export type ToolPageRequest = (params: { readonly cursor?: string }) => Promise<unknown>;

export interface ToolLists {
  /** These write, whatever they say of themselves. */
  readonly writeTools: readonly string[];
  /** These only read. A tool in both lists writes. */
  readonly readTools: readonly string[];
}

/** A server that never ends its list gets no more questions. */
const maxPages = 100;
const maxTools = 10_000;

/**
 * Which tools only read: from the annotations in the lists that pass by, from the user's lists, and from the guard's own question where a tool is not known
 * when it is called. Only `readOnlyHint: true` means reading; no annotation means writing, also `destructiveHint: false`.
 */
export class KnownTools {
  /** What the user says of them: whether they only read. */
  readonly #named: ReadonlyMap<string, boolean>;
  #tools = new Map<string, boolean>();
  #whole = false;
  /** The client got the list in one piece. It may be older than a question of our own, so that it does not make other tools `absent`. */
  #seenWhole = false;
  /** Pages of the client's own questions, until the last one came. */
  #generation = 0;

  constructor(lists: ToolLists) {
    this.#named = new Map([
      ...lists.readTools.map((name) => [name, true] as const),
      ...lists.writeTools.map((name) => [name, false] as const),
    ]);
  }

  kindOf(tool: string): ToolKind {
    const reads = this.#named.get(tool) ?? this.#tools.get(tool);
    return reads === undefined ? (this.#whole ? 'absent' : 'unknown') : reads ? 'read' : 'write';
  }

  /** Whether every known tool only reads, and the whole list is known: then two servers may run side by side for a moment. */
  get allRead(): boolean {
    return (this.#whole || this.#seenWhole) && [...this.#tools.keys()].every((tool) => this.kindOf(tool) === 'read');
  }

  /**
   * Takes in the result of a `tools/list` that the server gave to the client. Anything else is passed over. Never throws.
   * @param whole it is the whole list: the question named no page, and no other page follows
   */
  sawPage(result: unknown, whole = false): void {
    const next = this.#take(result);
    this.#seenWhole ||= whole && next === '';
  }

  /** The server said that its tools changed (`notifications/tools/list_changed`), or another server took its place: nothing that was known counts. */
  listChanged(): void {
    this.#generation += 1;
    this.#tools = new Map();
    this.#whole = false;
    this.#seenWhole = false;
  }

  /** Reads the whole list, page by page. @returns false when the server gave none (no tools, an error, no answer): what was known stays. Never throws. */
  async ask(request: ToolPageRequest): Promise<boolean> {
    const generation = this.#generation;
    const book = new KnownTools({ writeTools: [], readTools: [] });
    let cursor: string | undefined;
    try {
      for (let page = 0; page < maxPages; page += 1) {
        const next = book.#take(await request(cursor === undefined ? {} : { cursor }));
        if (next === undefined) {
          return false;
        }
        if (next === '') {
          // Changed while it was read: what was read may be of before.
          if (generation !== this.#generation) {
            return false;
          }
          this.#tools = book.#tools;
          this.#whole = true;
          return true;
        }
        cursor = next;
      }
    } catch {
      return false;
    }
    return false;
  }

  /** @returns the cursor of the next page, '' after the last one, undefined for what is no page */
  #take(result: unknown): string | undefined {
    if (!isRecord(result) || !Array.isArray(result.tools)) {
      return undefined;
    }
    for (const tool of result.tools.slice(0, maxTools)) {
      if (isRecord(tool) && typeof tool.name === 'string' && this.#tools.size < maxTools) {
        this.#tools.set(tool.name, isRecord(tool.annotations) && tool.annotations.readOnlyHint === true);
      }
    }
    return typeof result.nextCursor === 'string' && result.nextCursor !== '' ? result.nextCursor : '';
  }
}
