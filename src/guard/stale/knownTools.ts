import { isRecord } from '../../base/json.ts';
/** The effect that a tool may have. `absent`: the server's complete list does not have it, so the server itself rejects the call. */
export type ToolKind = 'read' | 'write' | 'unknown' | 'absent';

/** Requests one page of `tools/list` for the guard itself. @returns the `result` of the answer @throws when there is none */
type ToolPageRequest = (params: { readonly cursor?: string }) => Promise<unknown>;

export interface ToolLists {
  /** Tools that write, whatever their annotations say. */
  readonly writeTools: readonly string[];
  /** Tools that only read. A tool in both lists writes. */
  readonly readTools: readonly string[];
}

/** A server whose list never ends is asked for no more pages. */
const maxPages = 100;
const maxTools = 10_000;

/**
 * Which tools only read: from the user's lists, from annotations in the `tools/list` results of the session, and from the guard's own request when an unknown
 * tool is called. Only `readOnlyHint: true` means reading. A tool without it writes, also with `destructiveHint: false`.
 */
export class KnownTools {
  /** The user's lists: tool → whether it only reads. */
  readonly #named: ReadonlyMap<string, boolean>;
  #tools = new Map<string, boolean>();
  #whole = false;
  /** The client got the list in one page. It may be older than the guard's own reading, so it does not make other tools `absent`. */
  #seenWhole = false;
  /** Counts changes of the list. */
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

  /** Whether the whole list is known and every tool only reads: then two servers may run side by side for a moment. */
  get allRead(): boolean {
    return (this.#whole || this.#seenWhole) && [...this.#tools.keys()].every((tool) => this.kindOf(tool) === 'read');
  }

  /**
   * Takes the result of a `tools/list` of the client. Other values are ignored. Never throws.
   * @param whole it is the whole list: the request named no page, and no page follows
   */
  sawPage(result: unknown, whole = false): void {
    const next = this.#take(result);
    this.#seenWhole ||= whole && next === '';
  }

  /** The server sent `notifications/tools/list_changed`, or was replaced: forgets its list. */
  listChanged(): void {
    this.#generation += 1;
    this.#tools = new Map();
    this.#whole = false;
    this.#seenWhole = false;
  }

  /** Reads the whole list, page by page. @returns false when the server gives none (no tools, an error, no answer); the known tools stay. Never throws. */
  async ask(request: ToolPageRequest): Promise<boolean> {
    const generation = this.#generation;
    const read = new KnownTools({ writeTools: [], readTools: [] });
    let cursor: string | undefined;
    try {
      for (let page = 0; page < maxPages; page += 1) {
        const next = read.#take(await request(cursor === undefined ? {} : { cursor }));
        if (next === undefined) {
          return false;
        }
        if (next === '') {
          // It changed while it was read.
          if (generation !== this.#generation) {
            return false;
          }
          this.#tools = read.#tools;
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

  /** @returns the cursor of the next page, '' after the last page, undefined when it is not a page */
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
