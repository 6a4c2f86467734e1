import type { Ecosystem } from '../../model/package.ts';
import { type KnownUpdate, readKnownUpdate } from '../../package/knownUpdate.ts';
import { membersOf } from '../message/jsonSpans.ts';

/** The package as the record states it. */
export interface NotedPackage {
  readonly ecosystem?: string | undefined;
  readonly name: string;
  readonly version?: string | undefined;
  readonly root?: string | undefined;
}

interface UpdateNoteOptions {
  /** The run folder, where the extension and the command line store the answers of registries. */
  readonly runDir: string;
  /** The package of the current server; undefined while it is not known. */
  readonly running: () => NotedPackage | undefined;
  /** Epoch ms; replaced in tests only. */
  readonly now?: () => number;
}

/** Larger results are forwarded unchanged, without the note. */
const maxLineBytes = 1024 * 1024;
/** Pause before the stored answers are read again, ms. */
const againMs = 600_000;

/**
 * Says once in a session that a newer version is known, in one more block of text in a tool's result. The other bytes stay as they came. A result with
 * structured content, a failed or unfinished one, and one without a list of contents get no note.
 * @returns maps the line of a tool's answer to the line to send; never throws
 */
export function createUpdateNote(options: UpdateNoteOptions): (line: Buffer) => Buffer {
  const now = options.now ?? Date.now;
  let told = false;
  let askedAt = Number.NEGATIVE_INFINITY;
  return (line) => {
    if (told || line.length > maxLineBytes || now() - askedAt < againMs) {
      return line;
    }
    try {
      const place = placeFor(line);
      const running = place === undefined ? undefined : options.running();
      if (place === undefined || running?.version === undefined || running.root === undefined) {
        return line;
      }
      askedAt = now();
      const ecosystem: Ecosystem = running.ecosystem === 'npm' ? 'npm' : 'python';
      const ref = { ecosystem, name: running.name, environment: running.root };
      const update = readKnownUpdate(options.runDir, ref, running.version, now());
      if (!update) {
        return line;
      }
      told = true;
      const block = JSON.stringify({ type: 'text', text: updateText(update) });
      return Buffer.concat([line.subarray(0, place.at), Buffer.from(place.empty ? block : `,${block}`), line.subarray(place.at)]);
    } catch {
      return line;
    }
  };
}

function updateText({ name, installed, newest, how }: KnownUpdate): string {
  return `Update available: ${name} ${installed} → ${newest}, ${how} (a note of MCP Shepherd for the user; nothing was changed)`;
}

/** Where a block can be added to the contents of a result; undefined where it must not be. */
function placeFor(line: Buffer): { readonly at: number; readonly empty: boolean } | undefined {
  const answer = membersOf(line);
  const result = answer?.has('error') ? undefined : answer?.get('result');
  const members = result && membersOf(line, result.start);
  const content = members?.get('content');
  const text = (name: string): string | undefined => {
    const span = members?.get(name);
    return span && line.toString('latin1', span.start, span.end);
  };
  const plain = text('isError') !== 'true' && [undefined, '"complete"'].includes(text('resultType'));
  if (!members || !content || members.has('structuredContent') || members.has('task') || !plain || line[content.start] !== openBracket) {
    return undefined;
  }
  const at = content.end - 1;
  return { at, empty: /^\s*$/.test(line.toString('latin1', content.start + 1, Math.min(at, content.start + 200))) };
}

const openBracket = 0x5b;
