import { createConnection, type Socket } from 'node:net';
import * as v from 'valibot';
import { errorCode } from '../../base/errors.ts';
import { because } from '../../base/language/because.ts';
import { singleLine } from '../../base/singleLine.ts';
import type { InstanceRecord } from '../instanceRecord.ts';
import type { LockDirectory } from '../lockDirectory.ts';
import { ControlLines, type ControlObject, type LineFault, sendLine } from './controlLines.ts';
import { answerSchema, type ControlVerb, greetingSchema, type RefusalCode, serverProofSchema } from './controlMessages.ts';
import { endpointFault } from './controlPath.ts';
import { isProof, newNonce, proofOf, readControlSecret } from './controlSecret.ts';

interface ControlCall {
  readonly directory: LockDirectory;
  /** The record as the user saw it: its id is sent as `expectInstance`. */
  readonly record: Pick<InstanceRecord, 'id' | 'control' | 'server'>;
  readonly verb: ControlVerb;
  /** Name of the requester, for the instance's log ("the command line", "VS Code window of shop"). */
  readonly by?: string;
  /** Parameters of the verb; plain JSON. */
  readonly params?: ControlObject;
  /** From the request to the answer, ms of the monotonic clock. Default: 5 s for `status`, 60 s for the others. */
  readonly limitMs?: number;
  /** For the connection and both proofs, ms. Default 3 s: the instance may be busy. */
  readonly handshakeMs?: number;
  readonly onProgress?: (progress: ControlObject) => void;
  readonly signal?: AbortSignal;
}

export type ControlAnswer =
  | { readonly status: 'ok'; readonly result: ControlObject }
  /** The instance refused, or failed. `already` and `other-instance` mean that the request is done or pointless. */
  | { readonly status: 'refused'; readonly code: RefusalCode; readonly message: string }
  /** No process listens there. The request was not sent. */
  | { readonly status: 'unreachable'; readonly reason: string }
  /** The record, the socket or the proof is not valid. The request was not sent. */
  | { readonly status: 'untrusted'; readonly reason: string }
  /** A process listens but does not answer. The instance may still be alive: its locks decide. `asked`: the request was sent and may still be carried out. */
  | { readonly status: 'silent'; readonly reason: string; readonly asked: boolean };

/** Sends a request to the control endpoint of an instance. Never throws. */
export async function askInstance(call: ControlCall): Promise<ControlAnswer> {
  const { directory, record } = call;
  const { control } = record;
  if (!control || !/^[0-9a-f]{32}$/.test(record.id)) {
    return { status: 'unreachable', reason: because`it has no control endpoint` };
  }
  if (!control.caps.includes(call.verb)) {
    return { status: 'refused', code: 'unsupported', message: `it does not offer ${call.verb}` };
  }
  const fault = endpointFault(directory, control);
  if (fault) {
    return { status: fault.gone ? 'unreachable' : 'untrusted', reason: fault.reason };
  }
  const secret = readControlSecret(directory, record.id);
  if ('refused' in secret) {
    return { status: 'untrusted', reason: secret.refused };
  }
  return new Promise((resolve) => {
    new ControlExchange(createConnection({ path: control.path }), secret.secret, call, resolve);
  });
}

/** One connection, one request. */
class ControlExchange {
  readonly #socket: Socket;
  readonly #secret: Buffer;
  readonly #call: ControlCall;
  readonly #lines: ControlLines;
  readonly #nonce = newNonce();
  readonly #abort = (): void =>
    this.#settle({ status: 'silent', reason: because`the requester stopped waiting`, asked: this.#step === 'asked' });
  #resolve: ((answer: ControlAnswer) => void) | undefined;
  #step: 'greeting' | 'proof' | 'asked' = 'greeting';
  #expected = '';
  #timer: NodeJS.Timeout;

  constructor(socket: Socket, secret: Buffer, call: ControlCall, resolve: (answer: ControlAnswer) => void) {
    this.#socket = socket;
    this.#secret = secret;
    this.#call = call;
    this.#resolve = resolve;
    this.#lines = new ControlLines(
      (message) => this.#receive(message),
      (fault) => this.#fail(fault),
    );
    const ms = call.handshakeMs ?? 3_000;
    this.#timer = setTimeout(
      () => this.#settle({ status: 'silent', reason: because`it did not answer within ${ms} ms`, asked: false }),
      ms,
    );
    call.signal?.addEventListener('abort', this.#abort, { once: true });
    socket.on('data', (chunk) => this.#lines.push(chunk));
    socket.on('error', (error) => this.#failed(errorCode(error) ?? error.name));
    socket.on('close', () => this.#failed('closed'));
    if (call.signal?.aborted) {
      this.#abort();
    }
  }

  #receive(message: ControlObject): void {
    if (this.#step === 'greeting') {
      this.#greeted(message);
    } else if (this.#step === 'proof') {
      this.#proven(message);
    } else {
      this.#answered(message);
    }
  }

  #greeted(message: ControlObject): void {
    const greeting = v.safeParse(greetingSchema, message);
    if (!greeting.success) {
      this.#settle({ status: 'untrusted', reason: because`the process that listens there does not speak version 1 of the protocol` });
      return;
    }
    const theirs = greeting.output.nonce;
    this.#expected = proofOf(this.#secret, this.#nonce, theirs);
    this.#step = 'proof';
    sendLine(this.#socket, { nonce: this.#nonce, proof: proofOf(this.#secret, theirs, this.#nonce) });
  }

  #proven(message: ControlObject): void {
    const answer = v.safeParse(serverProofSchema, message);
    if (!answer.success || !isProof(answer.output.proof, this.#expected)) {
      this.#settle({ status: 'untrusted', reason: because`the process that listens there does not know the secret of the instance` });
      return;
    }
    const { record, verb, by, params } = this.#call;
    const ms = this.#call.limitMs ?? (verb === 'status' ? 5_000 : 60_000);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(
      () => this.#settle({ status: 'silent', reason: because`it did not finish ${verb} within ${Math.round(ms / 1000)} s`, asked: true }),
      ms,
    );
    this.#step = 'asked';
    const { pid, start } = record.server ?? {};
    const sent = sendLine(this.#socket, {
      id: 1,
      verb,
      expectInstance: record.id,
      ...(pid === undefined || start === undefined ? {} : { expectServer: { pid, start } }),
      ...(by === undefined ? {} : { by: singleLine(by, 200) }),
      ...(params === undefined ? {} : { params }),
    });
    if (!sent) {
      this.#settle({ status: 'refused', code: 'too-large', message: 'the request is too long for one line' });
    }
  }

  #answered(message: ControlObject): void {
    const answer = v.safeParse(answerSchema, message);
    if (!answer.success) {
      this.#fail('not a JSON object');
    } else if ('progress' in answer.output) {
      if (this.#resolve) {
        this.#call.onProgress?.(answer.output.progress);
      }
    } else if ('result' in answer.output) {
      this.#settle({ status: 'ok', result: answer.output.result });
    } else {
      this.#settle({ status: 'refused', ...answer.output.error });
    }
  }

  #fail(fault: LineFault): void {
    this.#settle(
      this.#step === 'asked'
        ? {
            status: 'silent',
            reason: fault === 'too long' ? because`its answer is too long` : because`its answer is not valid in the protocol`,
            asked: true,
          }
        : { status: 'untrusted', reason: because`the process that listens there does not speak version 1 of the protocol` },
    );
  }

  #failed(code: string): void {
    if (this.#step === 'asked') {
      this.#settle({ status: 'silent', reason: because`it ended the connection before it answered (${code})`, asked: true });
    } else if (this.#step === 'proof') {
      this.#settle({ status: 'untrusted', reason: because`it did not accept the proof: its secret has changed` });
    } else {
      this.#settle({ status: 'unreachable', reason: because`no process listens at its control endpoint (${code})` });
    }
  }

  #settle(answer: ControlAnswer): void {
    clearTimeout(this.#timer);
    this.#call.signal?.removeEventListener('abort', this.#abort);
    this.#lines.end();
    this.#socket.destroy();
    this.#resolve?.(answer);
    this.#resolve = undefined;
  }
}
