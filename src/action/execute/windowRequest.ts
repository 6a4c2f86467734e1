import { randomBytes } from 'node:crypto';
import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
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
  /** The text of the identity of the server that is meant. */
  instance: text,
  /** Who asks, for a person. */
  by: text,
});

/** What one program asks the window that owns a server to do. */
export type WindowRequest = Readonly<v.InferOutput<typeof requestSchema>>;

const answerSchema = v.object({
  schema: v.literal(1),
  /** `accepted`: the window has read it and is at it. */
  status: v.picklist(['accepted', 'done', 'failed', 'refused', 'already', 'busy', 'manual']),
  message: text,
  steps: v.optional(v.pipe(v.array(v.object({ text, result: text })), v.maxLength(50))),
  after: v.optional(v.object({ pid, runs: v.nullable(text), stillOld: v.exactOptional(v.literal(true)) })),
});

export type WindowAnswer = Readonly<v.InferOutput<typeof answerSchema>>;

/** Where requests lie. @throws when it cannot be made */
export function requestFolder(runDir: string): string {
  return stateFolder(runDir, 'requests');
}

/** A window that lives reads its requests within a second; this is long enough for a busy machine. */
const acceptLimitMs = 15_000;
/** VS Code ends a deaf server within 20 s and may have to download before it starts one. */
const answerLimitMs = 150_000;
const lookEveryMs = 100;

/** How long each part of an answer may take; replaced in tests only. */
export interface RequestLimits {
  readonly acceptMs: number;
  readonly answerMs: number;
}

/**
 * Asks the window that owns a server, and waits for its answer. A window that does not take the request in time is told of, and the request withdrawn.
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
          `The window (extension host PID ${ask.window.pid}) did not answer within ${limits.acceptMs / 1000} s: it may hang, or its MCP Shepherd is switched off. Nothing was done; take the step in that window.`,
        );
      }
      if (waited > limits.answerMs) {
        return failed(
          `The window (extension host PID ${ask.window.pid}) took the request and has not finished within ${limits.answerMs / 1000} s. Look there: it may wait for an answer from you.`,
        );
      }
      await new Promise((done) => setTimeout(done, lookEveryMs));
    }
  } finally {
    rmSync(file, { force: true });
    rmSync(answerFile, { force: true });
  }
}

function failed(message: string): Outcome {
  return { status: 'failed', message, steps: [] };
}

/** The requests that lie there for one window. What nobody can read or has taken for an hour is cleared away. Never throws. */
export function requestsFor(runDir: string, window: { readonly pid: number; readonly identity: string }): WindowRequest[] {
  try {
    const folder = requestFolder(runDir);
    return readdirSync(folder).flatMap((name) => {
      const file = join(folder, name);
      clearOld(file);
      const request = name.endsWith('.json') ? readRecord(file, requestSchema) : undefined;
      const mine = request?.window.pid === window.pid && request.window.identity === window.identity && name === `${request.id}.json`;
      return request && mine ? [request] : [];
    });
  } catch {
    return [];
  }
}

const forgottenMs = 3_600_000;

function clearOld(file: string): void {
  try {
    if (Date.now() - statSync(file).mtimeMs > forgottenMs) {
      rmSync(file, { force: true });
    }
  } catch {
    // Gone meanwhile.
  }
}

/** Answers a request, or says that it is being worked on. An asker who is gone takes nothing away: then it lies there until it is cleared away. @throws on I/O errors */
export function answerRequest(runDir: string, request: WindowRequest, answer: Omit<WindowAnswer, 'schema'>): void {
  writeRecord(join(requestFolder(runDir), `${request.id}.answer`), { schema: 1, ...answer });
}
