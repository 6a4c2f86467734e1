import { createHash } from 'node:crypto';
import { basename, dirname, join, relative, sep } from 'node:path';
import { readBounded, readBytes, readStart, statPath } from '../../storage/boundedFile.ts';
import { type GitHead, gitHead, headsAt } from './gitHead.ts';
import { GitObjects } from './gitObjects.ts';

/** What a file is known to have held when a process started: its content by git, or its size by Python's compiled file of it. */
type StartMark = { readonly by: 'git'; readonly content: string } | { readonly by: 'compiled'; readonly size: number };

/** Whether a file that was written after the start still holds what it held then. Undefined: nothing tells. */
type StartContent = 'same' | StartMark | undefined;

/** What is known of the process that loaded the files. */
export interface Start {
  /** Epoch ms. */
  readonly at: number;
  /** The tag of the compiled files that its Python writes (`cpython-311`); undefined where it writes none. */
  readonly compiles?: string;
  /** Its effective user, where known. */
  readonly uid?: number;
}

const maxFileBytes = 4 * 1024 * 1024;

/**
 * Finds out for whoever comes late whether a file of source was edited since a process started, or only written again (touch, a checkout back and forth, a
 * build with the same result). Times do not tell; two things do: git, which has the content of the commit that was checked out then, and Python's compiled
 * files, which hold the size of the source that was loaded.
 */
export class StartContents {
  readonly #start: Start;
  readonly #heads = new Map<string, { readonly head: GitHead; readonly objects: GitObjects; readonly plain: boolean } | undefined>();

  constructor(start: Start) {
    this.#start = start;
  }

  /** @param path absolute, links resolved @param modifiedAt epoch ms */
  of(path: string, modifiedAt: number): StartContent {
    const compiled = this.#byCompiled(path, modifiedAt);
    const content = this.#byGit(path, modifiedAt);
    if (compiled === undefined || content === 'same') {
      return content;
    }
    // What was edited before the start and never committed differs from what git has; Python’s file is of what was loaded.
    return compiled === 'alike' ? undefined : compiled;
  }

  #byGit(path: string, modifiedAt: number): StartContent {
    const tree = this.#tree(dirname(path));
    // Filters (large files, keywords) keep something else than what lies in the work tree.
    const commits = tree?.plain ? headsAt(tree.head, this.#start.at) : [];
    if (!tree || commits.length === 0) {
      return undefined;
    }
    const name = relative(tree.head.root, path).split(sep).join('/');
    const then = commits.map((commit) => tree.objects.contentAt(commit, name));
    const now = contentIds(path, tree.head.commit);
    if (now !== undefined && then.some((content) => now.includes(content ?? ''))) {
      return 'same';
    }
    if (now === undefined || then.some((content) => content === undefined || content === null)) {
      return undefined;
    }
    const committed = now.includes(tree.objects.contentAt(tree.head.commit, name) ?? '');
    // What was edited and not committed before the start, git may have put back as it was: it differs from every commit and is the same.
    const putBack = !committed && tree.head.log.some((move) => move.putsAway === true && move.at + 1_000 > this.#start.at);
    const [content] = then;
    return modifiedAt <= this.#start.at || putBack || !content ? undefined : { by: 'git', content };
  }

  #tree(folder: string): { readonly head: GitHead; readonly objects: GitObjects; readonly plain: boolean } | undefined {
    if (!this.#heads.has(folder)) {
      const head = gitHead(folder);
      this.#heads.set(folder, head && { head, objects: new GitObjects(join(head.common, 'objects')), plain: !usesFilters(head, folder) });
    }
    return this.#heads.get(folder);
  }

  #byCompiled(path: string, modifiedAt: number): StartContent | 'alike' {
    const loaded = this.#compiled(path);
    const seen = statPath(path);
    if (loaded === undefined || seen.status !== 'ok') {
      return undefined;
    }
    if (loaded.size !== seen.stat.size) {
      return modifiedAt > this.#start.at ? { by: 'compiled', size: loaded.size } : undefined;
    }
    return loaded.writtenAt === Math.floor(modifiedAt / 1_000) * 1_000 ? 'same' : 'alike';
  }

  /**
   * Python compiles a module when it loads one that differs from its compiled file, by time or size, and writes that down. So a compiled file of a source from
   * before the start is of what was loaded, unless Python may not write there.
   */
  #compiled(path: string): { readonly writtenAt: number; readonly size: number } | undefined {
    const { at, compiles } = this.#start;
    const folder = join(dirname(path), '__pycache__');
    const head =
      compiles === undefined || !path.endsWith('.py') || !this.#mayWrite(folder)
        ? undefined
        : readStart(join(folder, `${basename(path, '.py')}.${compiles}.pyc`), 16);
    // Flags other than 0: by hash, without time and size (PEP 552).
    if (!head || head.length < 16 || head.readUInt32LE(4) !== 0) {
      return undefined;
    }
    const writtenAt = head.readUInt32LE(8) * 1_000;
    return writtenAt > at ? undefined : { writtenAt, size: head.readUInt32LE(12) };
  }

  #mayWrite(folder: string): boolean {
    const { uid } = this.#start;
    const seen = statPath(folder);
    return (
      seen.status === 'ok' && (uid === 0 || (seen.stat.mode & 0o002) !== 0 || (uid === seen.stat.uid && (seen.stat.mode & 0o200) !== 0))
    );
  }
}

/** Whether a file holds again what it held when the process started; undefined when it cannot be read, or when nothing tells. */
export function holdsAgain(path: string, mark: StartMark): boolean | undefined {
  if (mark.by === 'git') {
    return contentIds(path, mark.content)?.includes(mark.content);
  }
  const seen = statPath(path);
  // The same size may be other content.
  return seen.status === 'ok' && seen.stat.size !== mark.size ? false : undefined;
}

/** Git's ids of a file's content, as it is and with the line ends that git may have taken away. @param like an id of the same kind */
function contentIds(path: string, like: string): readonly string[] | undefined {
  const read = readBytes(path, maxFileBytes);
  if (read.status !== 'ok') {
    return undefined;
  }
  const plain = Buffer.from(read.bytes.toString('latin1').replaceAll('\r\n', '\n'), 'latin1');
  return [read.bytes, plain].map((bytes) =>
    createHash(like.length === 64 ? 'sha256' : 'sha1')
      .update(`blob ${bytes.length}\0`)
      .update(bytes)
      .digest('hex'),
  );
}

function usesFilters(head: GitHead, folder: string): boolean {
  const files = [join(head.common, 'info', 'attributes')];
  for (let at = folder; at.startsWith(head.root) && at !== dirname(at); at = dirname(at)) {
    files.push(join(at, '.gitattributes'));
  }
  return files.some((file) => {
    const read = readBounded(file);
    return read.status === 'unreadable' || (read.status === 'ok' && /\b(filter=|ident\b|working-tree-encoding=)/.test(read.text));
  });
}
