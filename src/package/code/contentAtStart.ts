import { createHash } from 'node:crypto';
import { basename, dirname, join, relative, sep } from 'node:path';
import { readBounded, readBytes, readStart, statPath } from '../../storage/boundedFile.ts';
import { type GitHead, gitHead, headsAt } from './gitHead.ts';
import { GitObjects } from './gitObjects.ts';
import { WorkLimit } from './gitPack.ts';

/** A file's content when a process started, as far as it is known: the content by git, or the size by Python's compiled file. */
type StartMark = { readonly by: 'git'; readonly content: string } | { readonly by: 'compiled'; readonly size: number };

/** Whether a file that was written after the start has the same content as then. Undefined: unknown. */
type StartContent = 'same' | StartMark | undefined;

/** The process that loaded the files. */
export interface Start {
  /** Epoch ms. */
  readonly at: number;
  /** The tag in the names of the compiled files that its Python writes (`cpython-311`); undefined where it writes none. */
  readonly compiles?: string;
  /** Its effective user id, where known. */
  readonly uid?: number;
}

const maxFileBytes = 4 * 1024 * 1024;

/**
 * Finds out, when the first scan comes after the change, whether a source file was edited since a process started or only written again (touch, a checkout back and
 * forth, a build with the same result). Times do not show that. Two sources do: git, which has the content of the commit that was checked out at the start, and
 * Python's compiled files, which contain the size of the source that was loaded.
 */
export class StartContents {
  readonly #start: Start;
  readonly #heads = new Map<string, { readonly head: GitHead; readonly objects: GitObjects; readonly plain: boolean } | undefined>();

  /** By the folder of the objects: all folders of a repository share them. */
  readonly #objects = new Map<string, GitObjects>();
  readonly #work = new WorkLimit();

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
    // An edit before the start that was never committed differs from git; Python’s compiled file is of the loaded source.
    return compiled === 'alike' ? undefined : compiled;
  }

  #byGit(path: string, modifiedAt: number): StartContent {
    const tree = this.#tree(dirname(path));
    // With filters (large files, keywords) git stores other content than the work tree has.
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
    // Git may have restored an edit from before the start that was not committed: it differs from every commit and is unchanged.
    const putBack = !committed && tree.head.log.some((move) => move.putsAway === true && move.at + 1_000 > this.#start.at);
    const [content] = then;
    return modifiedAt <= this.#start.at || putBack || !content ? undefined : { by: 'git', content };
  }

  #tree(folder: string): { readonly head: GitHead; readonly objects: GitObjects; readonly plain: boolean } | undefined {
    if (!this.#heads.has(folder)) {
      const head = gitHead(folder);
      this.#heads.set(folder, head && { head, objects: this.#objectsOf(join(head.common, 'objects')), plain: !usesFilters(head, folder) });
    }
    return this.#heads.get(folder);
  }

  #objectsOf(folder: string): GitObjects {
    const objects = this.#objects.get(folder) ?? new GitObjects(folder, this.#work);
    this.#objects.set(folder, objects);
    return objects;
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
   * Python compiles a module when it loads one whose time or size differs from its compiled file, and writes that file. So a compiled file that names a source from
   * before the start is of the loaded source, unless Python may not write there.
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

/** Whether a file has the same content as when the process started; undefined when it cannot be read or when that is unknown. */
export function holdsAgain(path: string, mark: StartMark): boolean | undefined {
  if (mark.by === 'git') {
    return contentIds(path, mark.content)?.includes(mark.content);
  }
  const seen = statPath(path);
  // An equal size does not prove equal content.
  return seen.status === 'ok' && seen.stat.size !== mark.size ? false : undefined;
}

/** Git's ids of a file's content, as it is and with the line ends that git may have normalised. @param like an id of the same hash */
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
