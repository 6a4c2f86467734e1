import { randomBytes } from 'node:crypto';
import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { t } from '../../base/language/translate.ts';
import { readRecord, writeRecord } from '../../storage/jsonRecord.ts';
import { stateFolder } from '../../storage/stateFolder.ts';
import type { Verb } from '../plan/plan.ts';
import type { Outcome } from './exclusiveAction.ts';

const text = v.pipe(v.string(), v.maxLength(4_096), v.regex(/^\P{Cc}*$/u));
const pid = v.pipe(v.number(), v.integer(), v.minValue(2));

const requestSchema = v.object({
  schema: v.literal(1),
  id: v.pipe(v.string(), v.regex(/^[0-9a-f]{24}$/)),
  /** PID of the extension host that is asked, and the text of its identity. */
  window: v.object({ pid, identity: text }),
  verb: v.picklist(['restart', 'stop']),
  /** The text of the target's identity. */
  instance: text,
  /** The requester, for the user. */
  by: text,
});

/** A request to the window that owns a server. */
export type WindowRequest = Readonly<v.InferOutput<typeof requestSchema>>;

const answerSchema = v.object({
  schema: v.literal(1),
  /** `accepted`: the window has read the request and is acting on it. */
  status: v.picklist(['accepted', 'done', 'failed', 'refused', 'already', 'busy', 'manual']),
  message: text,
  steps: v.optional(v.pipe(v.array(v.object({ text, result: text })), v.maxLength(50))),
  after: v.optional(v.object({ pid, runs: v.nullable(text), stillOld: v.exactOptional(v.literal(true)) })),
});

type WindowAnswer = Readonly<v.InferOutput<typeof answerSchema>>;

/** The folder of all requests and answers. @throws when it cannot be made */
export function requestFolder(runDir: string): string {
  return stateFolder(runDir, 'requests');
}

/** A running window reads its requests within a second; this is long enough for a busy machine. */
const acceptLimitMs = 15_000;
/** VS Code takes up to 20 s to end an unresponsive server, and may have to download before it starts one. */
const answerLimitMs = 150_000;
const pollMs = 100;

/** How long each part of an answer may take; replaced in tests only. */
export interface RequestLimits {
  readonly acceptMs: number;
  readonly answerMs: number;
}

/**
 * Sends a request to the window that owns a server, and waits for the answer. When the window does not accept it in time, the request is withdrawn.
 * @throws when the request cannot be written
 */
export async function askWindow(
  runDir: string,
  ask: Omit<WindowRequest, 'schema' | 'id'> & { readonly verb: Exclude<Verb, 'end'> },
  limits: RequestLimits = { acceptMs: acceptLimitMs, answerMs: answerLimitMs },
): Promise<Outcome> {
  const id = randomBytes(12).toString('hex');
  const file = join(requestFolder(runDir), `${id}.json`);
  const answerFile = join(requestFolder(runDir), `${id}.answer`);
  const began = performance.now();
  writeRecord(file, { schema: 1, id, ...ask });
  try {
    for (;;) {
      const answer = readRecord(answerFile, answerSchema);
      if (answer && answer.status !== 'accepted') {
        const { schema: _, status, message, steps = [], after } = answer;
        return status === 'done' || status === 'failed' || status === 'refused'
          ? { status, message, steps, ...(after ? { after } : {}) }
          : { status, message };
      }
      const waited = performance.now() - began;
      if (!answer && waited > limits.acceptMs) {
        return failed(
          t(
            'The window (extension host PID {0}) did not answer within {1} s: it may hang, or MCP Shepherd is disabled there. Nothing was done; take the step in that window.',
            ask.window.pid,
            limits.acceptMs / 1000,
          ),
        );
      }
      if (waited > limits.answerMs) {
        return failed(
          t(
            'The window (extension host PID {0}) accepted the request and has not finished within {1} s. It may be waiting for an answer from you: see that window.',
            ask.window.pid,
            limits.answerMs / 1000,
          ),
        );
      }
      await new Promise((done) => setTimeout(done, pollMs));
    }
  } finally {
    rmSync(file, { force: true });
    rmSync(answerFile, { force: true });
  }
}

function failed(message: string): Outcome {
  return { status: 'failed', message, steps: [] };
}

/** Files that are read at a time; a window has a few requests. */
const maxRead = 500;

/** The open requests to one window, from at most 500 files. Files of any window that are older than an hour are deleted. Never throws. */
export function requestsFor(runDir: string, window: { readonly pid: number; readonly identity: string }): WindowRequest[] {
  try {
    const folder = requestFolder(runDir);
    const names = readdirSync(folder).slice(0, maxRead);
    return names.flatMap((name) => {
      const file = join(folder, name);
      deleteOld(file);
      const request = name.endsWith('.json') ? readRecord(file, requestSchema) : undefined;
      const mine = request?.window.pid === window.pid && request.window.identity === window.identity && name === `${request.id}.json`;
      return request && mine ? [request] : [];
    });
  } catch {
    return [];
  }
}

const maxAgeMs = 3_600_000;

function deleteOld(file: string): void {
  try {
    if (Date.now() - statSync(file).mtimeMs > maxAgeMs) {
      rmSync(file, { force: true });
    }
  } catch {
    // It was deleted by another program.
  }
}

/** Answers a request, or accepts it. Where the requester has exited, the answer stays until it is deleted for its age. @throws on I/O errors */
export function answerRequest(runDir: string, request: WindowRequest, answer: Omit<WindowAnswer, 'schema'>): void {
  writeRecord(join(requestFolder(runDir), `${request.id}.answer`), { schema: 1, ...answer });
}
