import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';
import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { errorCode } from '../../../base/errors.ts';
import { readOwn, writeWhole } from '../../../storage/atomicFile.ts';
import { FolderRefused, privateFolder, stateRefusal } from '../../../storage/privateFolder.ts';
import { type HttpSession, keptInitialize, maxStoredText, newSession } from './httpSession.ts';

/** Stores sessions so that they outlive this process. Never throws: a session that cannot be stored works until this process ends. */
export interface SessionStore {
  /** Writes the session once for all changes of one turn of the event loop. */
  save(session: HttpSession): void;
  /** Finds a session by the id that its client sends. */
  load(clientId: string): HttpSession | undefined;
  forget(clientId: string): void;
  /** Removes sessions that were not used for `idleMs`, and the oldest beyond `max`. */
  prune(idleMs: number, max: number): void;
}

const text = v.pipe(v.string(), v.maxLength(maxStoredText));
const storedSchema = v.object({
  credential: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  upstreamId: v.optional(text),
  lost: v.boolean(),
  generation: v.pipe(v.number(), v.integer(), v.minValue(0)),
  ended: v.boolean(),
  usedAt: v.number(),
  setup: v.object({
    initialize: v.optional(v.record(v.string(), v.unknown())),
    tooLarge: v.optional(v.boolean()),
    path: text,
    protocolVersion: v.optional(text),
    initialized: v.boolean(),
    logLevel: v.optional(text),
    subscriptions: v.array(text),
    listChanged: v.array(text),
    lists: v.optional(v.record(text, text)),
  }),
});
const fileSchema = v.object({ v: v.literal(1), sealed: v.string() });

const maxFileBytes = 1_048_576;

/**
 * One file per session. Its name is a hash, and its content is encrypted with a key derived from the session id, which only the client has: the folder
 * reveals neither the id nor anything that the client sent.
 * @param upstream the server behind the guard; the same id with another server is another session
 * @param report called once, when the folder cannot be used
 */
export function createSessionStore(runDir: string, upstream: string, report: (message: string) => void): SessionStore {
  const folder = join(runDir, 'shepherd', 'sessions');
  const prefix = createHash('sha256').update(upstream).digest('hex').slice(0, 12);
  const fileOf = (id: string): string =>
    join(folder, `${prefix}-${createHash('sha256').update(`name\n${upstream}\n${id}`).digest('hex')}.json`);
  const keyOf = (id: string): Buffer => Buffer.from(hkdfSync('sha256', id, prefix, 'mcp-shepherd session', 32));
  let reported = false;
  const reportOnce = (error: unknown): void => {
    if (!reported) {
      reported = true;
      const code = error instanceof FolderRefused ? error.message : (errorCode(error) ?? 'error');
      report(`sessions cannot be stored in ${folder} (${code}): they end with this process`);
    }
  };
  const write = (session: HttpSession): void => {
    try {
      privateFolder(runDir, 'sessions');
      const { credential, upstreamId, lost, generation, ended, usedAt, setup } = session;
      const initialize = setup.initialize === undefined ? undefined : JSON.parse(setup.initialize);
      const plain = JSON.stringify({ credential, upstreamId, lost, generation, ended, usedAt, setup: { ...setup, initialize } });
      const content = `${JSON.stringify({ v: 1, sealed: encrypt(keyOf(session.clientId), plain) })}\n`;
      if (content.length <= maxFileBytes) {
        writeWhole(fileOf(session.clientId), content);
      }
    } catch (error) {
      reportOnce(error);
    }
  };
  const waiting = new Set<HttpSession>();
  return {
    save(session) {
      if (waiting.size === 0) {
        setImmediate(() => {
          const sessions = [...waiting];
          waiting.clear();
          sessions.forEach(write);
        });
      }
      waiting.add(session);
    },
    load(clientId) {
      const whole = stateRefusal(runDir, 'sessions') === undefined ? readOwn(fileOf(clientId), maxFileBytes) : undefined;
      return whole === undefined || 'problem' in whole ? undefined : parseSession(clientId, keyOf(clientId), whole.text);
    },
    forget(clientId) {
      for (const session of waiting) {
        if (session.clientId === clientId) {
          waiting.delete(session);
        }
      }
      try {
        rmSync(fileOf(clientId), { force: true });
      } catch (error) {
        reportOnce(error);
      }
    },
    prune(idleMs, max) {
      try {
        const refused = stateRefusal(runDir, 'sessions');
        if (refused !== undefined) {
          throw new FolderRefused(refused);
        }
        const files = ownFiles(folder, prefix).sort((a, b) => b.modifiedAt - a.modifiedAt);
        const old = files.filter((file, rank) => rank >= max || Date.now() - file.modifiedAt > idleMs);
        for (const { path } of old) {
          rmSync(path, { force: true });
        }
      } catch (error) {
        if (errorCode(error) !== 'ENOENT') {
          reportOnce(error);
        }
      }
    },
  };
}

function ownFiles(folder: string, prefix: string): { readonly path: string; readonly modifiedAt: number }[] {
  return readdirSync(folder)
    .filter((name) => name.startsWith(`${prefix}-`) && name.endsWith('.json'))
    .flatMap((name) => {
      const path = join(folder, name);
      const info = statSync(path, { throwIfNoEntry: false });
      return info?.isFile() ? [{ path, modifiedAt: info.mtimeMs }] : [];
    });
}

function parseSession(clientId: string, key: Buffer, content: string): HttpSession | undefined {
  try {
    const { sealed } = v.parse(fileSchema, JSON.parse(content));
    const stored = v.parse(storedSchema, JSON.parse(decrypt(key, sealed)));
    const { initialize, tooLarge, protocolVersion, logLevel, lists, ...rest } = stored.setup;
    const kept = initialize && keptInitialize(initialize);
    return {
      ...newSession(clientId, stored.upstreamId, stored.credential, rest.path, stored.usedAt),
      ...stored,
      upstreamId: stored.upstreamId,
      setup: {
        ...rest,
        ...(kept === undefined ? {} : { initialize: kept }),
        ...(tooLarge === true || (initialize && kept === undefined) ? { tooLarge: true } : {}),
        ...(protocolVersion === undefined ? {} : { protocolVersion }),
        ...(logLevel === undefined ? {} : { logLevel }),
        ...(lists === undefined ? {} : { lists }),
      },
    };
  } catch {
    // Truncated, changed or of another version: treated as missing.
    return undefined;
  }
}

function encrypt(key: Buffer, plain: string): string {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  const body = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64');
}

function decrypt(key: Buffer, sealed: string): string {
  const bytes = Buffer.from(sealed, 'base64');
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12), { authTagLength: 16 });
  decipher.setAuthTag(bytes.subarray(12, 28));
  return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString('utf8');
}
