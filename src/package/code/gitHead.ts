import { dirname, join, resolve } from 'node:path';
import { readBounded, statPath } from '../../storage/boundedFile.ts';

/** The commit that a work tree stands on, and when it got there; read from git's files, git is not run. */
export interface GitHead {
  /** Of the work tree, absolute. */
  readonly root: string;
  /** Full commit id. */
  readonly commit: string;
  /** Git's own directory of this work tree, and the one that it shares with the others; absolute, often the same. */
  readonly folder: string;
  readonly common: string;
  /** Commits that HEAD stood on, oldest first, each with the time (epoch ms) at which it went there; as far as the log goes. */
  readonly log: readonly GitMove[];
}

/** One move of HEAD. */
interface GitMove {
  readonly commit: string;
  /** Epoch ms, whole seconds. */
  readonly at: number;
  /** A commit takes the files as they are; a checkout, a pull, a reset or a rebase writes them. */
  readonly writesFiles: boolean;
  /** A stash, a rebase or a pull may put away what was edited and not committed, and bring it back at any time later. */
  readonly putsAway?: boolean;
}

const commitId = /^[0-9a-f]{40}([0-9a-f]{24})?$/;
/** Git writes its log when it has written the files. */
const moveMs = 10_000;
/** The end of the log is what counts. */
const logLines = 500;

/** The work tree that a directory lies in; undefined when it lies in none or git's files cannot be read. */
export function gitHead(directory: string): GitHead | undefined {
  for (let at = directory; ; at = dirname(at)) {
    const marker = join(at, '.git');
    const seen = statPath(marker);
    if (seen.status === 'ok') {
      const folder = seen.stat.isDirectory() ? marker : linkedFolder(marker);
      const commit = folder === undefined ? undefined : commitOf(folder);
      return folder === undefined || commit === undefined
        ? undefined
        : { root: at, commit, folder, common: commonFolder(folder), log: logOf(folder) };
    }
    if (at === dirname(at)) {
      return undefined;
    }
  }
}

/**
 * The commit that HEAD stood on at a moment, unless the files that it stands on now are the same: it went back, or only took them into a commit.
 * Undefined then, and when the log does not go back that far.
 *
 * @param at epoch ms
 */
export function headBefore(head: GitHead, at: number): string | undefined {
  const start = head.log.findLastIndex((entry) => entry.at <= at);
  const then = head.log[start]?.commit;
  if (then === undefined) {
    return undefined;
  }
  const same = new Set([then]);
  let current = then;
  for (const entry of head.log.slice(start + 1)) {
    if (!entry.writesFiles && same.has(current)) {
      same.add(entry.commit);
    }
    current = entry.commit;
  }
  return same.has(head.commit) ? undefined : then;
}

/** The commits that HEAD may have stood on at a moment (the log's times are whole seconds); none where the log does not go back that far. @param at epoch ms */
export function headsAt(head: GitHead, at: number): readonly string[] {
  const before = head.log.findLast((entry) => entry.at <= at - 1_000);
  const about = head.log.filter((entry) => entry.at > at - 1_000 && entry.at <= at);
  return before === undefined ? [] : [...new Set([before, ...about].map(({ commit }) => commit))];
}

/** Whether HEAD was moved in a way that writes files after a moment and at about the time of one of the others. All epoch ms. */
export function movedAbout(head: GitHead, after: number, times: readonly number[]): boolean {
  return head.log.some(
    (entry) => entry.writesFiles && entry.at + 1_000 > after && times.some((time) => Math.abs(time - entry.at) < moveMs),
  );
}

/** A linked work tree and a submodule have a file that names the directory. */
function linkedFolder(marker: string): string | undefined {
  const target = /^gitdir:\s*(.+?)\s*$/m.exec(textOf(marker))?.[1];
  return target === undefined ? undefined : resolve(dirname(marker), target);
}

function commitOf(folder: string): string | undefined {
  const head = textOf(join(folder, 'HEAD')).trim();
  const ref = /^ref:\s*(refs\/[^\s]+)$/.exec(head)?.[1];
  if (ref === undefined) {
    return commitId.test(head) ? head : undefined;
  }
  for (const place of new Set([folder, commonFolder(folder)])) {
    const loose = textOf(join(place, ref)).trim();
    const packed = textOf(join(place, 'packed-refs'))
      .split('\n')
      .find((line) => line.endsWith(` ${ref}`))
      ?.split(' ')[0];
    const found = [loose, packed ?? ''].find((id) => commitId.test(id));
    if (found !== undefined) {
      return found;
    }
  }
  return undefined;
}

/** Linked work trees share all but their HEAD. */
function commonFolder(folder: string): string {
  return resolve(folder, textOf(join(folder, 'commondir')).trim());
}

function logOf(folder: string): GitHead['log'] {
  const lines = textOf(join(folder, 'logs', 'HEAD'))
    .trim()
    .split('\n')
    .slice(-logLines);
  return lines.flatMap((line) => {
    const match = /^[0-9a-f]+ ([0-9a-f]+) .*> (\d+) [+-]\d{4}(?:\t(.*))?/.exec(line);
    const what = match?.[3] ?? '';
    return match?.[1] === undefined
      ? []
      : [
          {
            commit: match[1],
            at: Number(match[2]) * 1_000,
            writesFiles: !/^commit\b/.test(what),
            ...(/^(reset|rebase|pull|merge)\b/.test(what) ? { putsAway: true } : {}),
          },
        ];
  });
}

function textOf(path: string): string {
  const file = readBounded(path);
  return file.status === 'ok' ? file.text : '';
}
