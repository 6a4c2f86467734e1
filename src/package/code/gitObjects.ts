import { join } from 'node:path';
import { inflateSync } from 'node:zlib';
import { withFile } from '../../storage/boundedFile.ts';
import { applyDelta, backOffset, listPacks, maxObjectBytes, objectHead, offsetOf, slice, WorkLimit } from './gitPack.ts';

type ObjectKind = 'commit' | 'tree' | 'blob' | 'tag';
interface GitObject {
  readonly kind: ObjectKind;
  readonly content: Buffer;
}

const packed: Readonly<Record<number, ObjectKind>> = { 1: 'commit', 2: 'tree', 3: 'blob', 4: 'tag' };
/** Longest chain of deltas that is read. `git gc --aggressive` makes chains of 50. */
const maxChain = 200;
/** The bytes that one look-up in the index of a pack reads. */
const indexBytes = 2_048;

/**
 * Reads which content a file has in a commit, from git's files (gitformat-pack, loose objects). Git is not run, because a repository's configuration may name
 * programs. Content that cannot be read (a partial clone, alternates, another format, too much work) is unknown, never absent.
 */
export class GitObjects {
  readonly #folder: string;
  readonly #known = new Map<string, GitObject | undefined>();
  readonly #work: WorkLimit;
  #packs: readonly string[] | undefined;

  /** @param folder the repository's `objects` directory @param work shared by all repositories that one server's source is in */
  constructor(folder: string, work: WorkLimit = new WorkLimit()) {
    this.#folder = folder;
    this.#work = work;
  }

  /** @param path relative to the work tree, with `/` @returns the id of its content; null when the commit has no such file; undefined when that is unknown */
  contentAt(commit: string, path: string): string | null | undefined {
    try {
      return this.#contentAt(commit, path);
    } catch {
      return undefined;
    }
  }

  #contentAt(commit: string, path: string): string | null | undefined {
    let id = /^tree ([0-9a-f]+)$/m.exec(this.#object(commit, 'commit')?.toString('latin1') ?? '')?.[1];
    for (const part of path.split('/')) {
      const tree = id === undefined ? undefined : this.#object(id, 'tree');
      if (tree === undefined) {
        return undefined;
      }
      const entry = entryOf(tree, part, commit.length / 2, this.#work);
      if (entry === undefined) {
        return null;
      }
      id = entry;
    }
    return id;
  }

  #object(id: string, kind: ObjectKind): Buffer | undefined {
    if (!this.#known.has(id)) {
      this.#known.set(id, this.#read(id, 0));
    }
    const found = this.#known.get(id);
    return found?.kind === kind ? found.content : undefined;
  }

  #read(id: string, depth: number): GitObject | undefined {
    try {
      return this.#loose(id) ?? this.#packed(id, depth);
    } catch {
      return undefined;
    }
  }

  #loose(id: string): GitObject | undefined {
    const file = withFile(join(this.#folder, id.slice(0, 2), id.slice(2)), (handle, { size }) =>
      size > maxObjectBytes ? undefined : this.#unpacked(handle, 0, size),
    );
    const end = file?.indexOf(0) ?? -1;
    const kind = file && /^(commit|tree|blob|tag) \d+$/.exec(file.toString('latin1', 0, end))?.[1];
    return file && isKind(kind) ? { kind, content: file.subarray(end + 1) } : undefined;
  }

  #packed(id: string, depth: number): GitObject | undefined {
    this.#packs ??= listPacks(this.#folder);
    for (const pack of this.#packs) {
      this.#work.spend(indexBytes);
      const at = withFile(`${pack}.idx`, (handle) => offsetOf(handle, id));
      if (at !== undefined) {
        return this.#at(pack, at, id.length / 2, depth);
      }
    }
    return undefined;
  }

  #at(pack: string, offset: number, idBytes: number, depth: number): GitObject | undefined {
    if (depth > maxChain) {
      return undefined;
    }
    return withFile(`${pack}.pack`, (handle, { size }) => {
      const head = slice(handle, offset, Math.min(64, size - offset));
      const { type, length, next } = objectHead(head);
      if (length > maxObjectBytes) {
        return undefined;
      }
      const inflate = (at: number): Buffer =>
        this.#unpacked(handle, at, Math.min(size - at, length + Math.ceil(length / 1000) + 128), length);
      const kind = packed[type];
      if (kind) {
        return { kind, content: inflate(offset + next) };
      }
      let base: GitObject | undefined;
      let body = next;
      if (type === 6) {
        const back = backOffset(head, next);
        body = back.next;
        base = this.#at(pack, offset - back.distance, idBytes, depth + 1);
      } else if (type === 7) {
        body = next + idBytes;
        base = this.#read(head.toString('hex', next, body), depth + 1);
      }
      if (base === undefined) {
        return undefined;
      }
      const delta = inflate(offset + body);
      // Each of its steps makes or takes a byte.
      this.#work.spend(delta.length);
      const content = applyDelta(base.content, delta);
      this.#work.spend(content.length);
      return { kind: base.kind, content };
    });
  }

  /** @param length of the unpacked object, where that is known before */
  #unpacked(handle: number, at: number, bytes: number, length?: number): Buffer {
    this.#work.spend(bytes + (length ?? 0));
    try {
      const content = inflateSync(slice(handle, at, bytes), { maxOutputLength: Math.max(1, length ?? maxObjectBytes) });
      this.#work.spend(length === undefined ? content.length : 0);
      return content;
    } catch (error) {
      this.#work.spend(length === undefined ? maxObjectBytes : 0);
      throw error;
    }
  }
}

/** The id of an entry in a tree object, a sequence of `mode name\0id`. Undefined for a missing name, a submodule and a link. */
function entryOf(tree: Buffer, name: string, idBytes: number, work: WorkLimit): string | undefined {
  const wanted = Buffer.from(name);
  for (let at = 0; at < tree.length; ) {
    const end = tree.indexOf(0, at);
    if (end < 0) {
      return undefined;
    }
    const next = end + 1 + idBytes;
    work.spend(next - at);
    const entry = tree.subarray(at, end);
    const space = entry.indexOf(0x20);
    if (entry.subarray(space + 1).equals(wanted)) {
      return /^(40000|100\d{3})$/.test(entry.toString('latin1', 0, Math.max(0, space))) ? tree.toString('hex', end + 1, next) : undefined;
    }
    at = next;
  }
  return undefined;
}

function isKind(text: string | undefined): text is ObjectKind {
  return text === 'commit' || text === 'tree' || text === 'blob' || text === 'tag';
}
