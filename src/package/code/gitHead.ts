import { dirname, join, resolve } from 'node:path';
import { readBounded, statPath } from '../../storage/boundedFile.ts';

/** The commit that a work tree is on, and since when; read from git's files without running git. */
export interface GitHead {
  /** The work tree, absolute. */
  readonly root: string;
  /** Full commit id. */
  readonly commit: string;
  /** Git's directory of this work tree, and the one that all work trees share; absolute, often the same. */
  readonly folder: string;
  readonly common: string;
  /** The moves of HEAD in the log, oldest first. */
  readonly log: readonly GitMove[];
}

/** One move of HEAD. */
interface GitMove {
  readonly commit: string;
  /** Epoch ms, whole seconds. */
  readonly at: number;
  /** A commit takes the files as they are; a checkout, a pull, a reset or a rebase writes them. */
  readonly writesFiles: boolean;
  /** A stash, a rebase or a pull may put uncommitted edits away and restore them later. */
  readonly putsAway?: boolean;
}

const commitId = /^[0-9a-f]{40}([0-9a-f]{24})?$/;
/** Git writes its log after the files, within this time. In milliseconds. */
const moveMs = 10_000;
/** Only the end of a longer log is read. */
const logLines = 500;

/** The work tree of a directory; undefined when it is in none or git's files cannot be read. */
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
 * The commit that HEAD was on at a moment. Undefined when the files are the same now, because HEAD went back or only committed them, and when the log does not go
 * back that far.
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

/** The commits that HEAD may have been on at a moment (the log has whole seconds); none where the log does not go back that far. @param at epoch ms */
export function headsAt(head: GitHead, at: number): readonly string[] {
  const before = head.log.findLast((entry) => entry.at <= at - 1_000);
  const about = head.log.filter((entry) => entry.at > at - 1_000 && entry.at <= at);
  return before === undefined ? [] : [...new Set([before, ...about].map(({ commit }) => commit))];
}

/** Whether a move of HEAD that writes files happened after a moment, and close to one of the other times. All epoch ms. */
export function movedAbout(head: GitHead, after: number, times: readonly number[]): boolean {
  return head.log.some(
    (entry) => entry.writesFiles && entry.at + 1_000 > after && times.some((time) => Math.abs(time - entry.at) < moveMs),
  );
}

/** Git's directory of a work tree; in a linked work tree and a submodule `.git` is a file that names it. */
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

/** The directory that linked work trees share; HEAD is not in it. */
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
