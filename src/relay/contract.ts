import type { Socket } from 'node:net';

/**
 * The contract between a relay, which a client starts in place of its server, and the host, which runs the guard's sessions. docs/host.md explains it.
 *
 * Both sides send frames over a UNIX socket: a line `KIND NAME LENGTH`, then LENGTH bytes. NAME is `-` for the client, or the number of a server.
 *
 * | from the relay | meaning |
 * | --- | --- |
 * | `hello 1` | the greeting: fields `NAME=VALUE`, parted by NUL, in any order (`Greeting`) |
 * | `lines -`, `lines K` | whole lines of the client, or of server K. Counted for each name, from 1 on each connection |
 * | `passed K` | whole lines of server K that the relay has already passed to the client (`direct`); counted with `lines K` |
 * | `sent K` | whole lines of the client that the relay has already written to server K (`open`); counted with `lines -` |
 * | `apart K`, `shut K` | the answer to `direct K`, `open K` without `on`: no `passed K`, `sent K` follows |
 * | `eof -`, `eof K` | the end of the client's input, of a server's output |
 * | `errors K`, `silent K` | standard error of server K, and its end; only where the host asked for it |
 * | `started K` (PID), `failed K` (CODE REASON), `ended K` (`code N` or `signal NAME`) | what became of server K |
 * | `signal NAME` | the relay got this signal; SIGHUP, SIGINT and SIGTERM have already been sent to the servers |
 * | `took -`, `took K` (N) | N more bytes were written to the client, to server K; told when they are many (`tookBytes`) |
 * | `ping -` | the host answers with `pong -` |
 * | `heir 1` (secret) | no relay, but the host of another version of the product: it asks for the sessions, and gets `yours -` |
 * | `bye -` | the relay goes on without this host, which has not answered |
 *
 * | from the host | meaning |
 * | --- | --- |
 * | `ready 1` | the greeting is accepted: the relay begins to read the client |
 * | `no 1` (reason) | it is refused: the relay becomes a guard without a host |
 * | `lines -`, `lines K` | bytes for the client, for server K |
 * | `start K` (`errors` or nothing) | start the command of the relay's own arguments as server K |
 * | `direct K` (`on` or nothing) | pass whole lines of server K to the client at once, or no longer. Those before them must have been dealt with |
 * | `open K` (`on` or nothing) | write whole lines of the client to server K at once, or no longer. Those before them must have been dealt with |
 * | `close K`, `kill K` (signal) | close its input; signal its process group |
 * | `say -` | bytes for standard error |
 * | `keep KEY`, `drop KEY` | an entry of the ledger, which the relay hands to the next host unread but for `grace`, and `program`, which runs the next host |
 * | `exit -` (`code N` or `signal NAME`) | the session is over: end so |
 * | `over -` | another host goes on with the session: this one ends. Belongs to no commit |
 * | `commit -` (`NAME N NAME N …`, or nothing) | carry out all frames since the last `commit`, whose first N frames `lines`, `passed` and `sent` of NAME are dealt with. What no `commit` follows is dropped |
 *
 * What the host does for one line of the client, that the line is dealt with, and its ledger entries are within one `commit`. So a line that was not dealt with was not carried
 * out, and the next host gets it; a line that was dealt with is never sent again. The next host gets all that no host has dealt with in its order.
 */
export const hostProtocol = 1;

export interface Frame {
  readonly kind: string;
  readonly name: string;
  readonly body: Buffer;
}

/** Bytes of one name that may be under way before their reader has dealt with them. */
export const windowBytes = 1_048_576;
/** A relay tells so many bytes at once. */
export const tookBytes = windowBytes / 8;
/** A relay keeps lines up to this length whole; a longer one leaves in parts. Bytes. */
export const wholeLineBytes = 16 * 1_048_576;
/** No header is longer; bytes. */
const maxHeader = 300;
/** No frame is longer: the longest line that a session keeps whole, and what came with it. Bytes. */
const maxBody = 96 * 1_048_576;

const none = Buffer.alloc(0);

/** A frame as it is sent. */
export function frameBytes(kind: string, name: string, body: Buffer = none): readonly Buffer[] {
  const head = Buffer.from(`${kind} ${name} ${body.length}\n`);
  return body.length === 0 ? [head] : [head, body];
}

/** Frames up to this size leave as one piece; larger ones are not copied. Bytes. */
const joinedBytes = 65_536;

/** Frames that leave together: a write for each would cost as much as a message. */
export class FrameWriter {
  #pieces: Buffer[] = [];
  #length = 0;
  #text = '';

  get isEmpty(): boolean {
    return this.#text === '' && this.#pieces.length === 0;
  }

  add(kind: string, name: string, body: Buffer | string = ''): void {
    if (typeof body === 'string') {
      this.#text += `${kind} ${name} ${Buffer.byteLength(body)}\n${body}`;
    } else {
      this.#text += `${kind} ${name} ${body.length}\n`;
      this.#endText();
      this.#pieces.push(body);
      this.#length += body.length;
    }
  }

  #endText(): void {
    if (this.#text !== '') {
      const text = Buffer.from(this.#text);
      this.#pieces.push(text);
      this.#length += text.length;
      this.#text = '';
    }
  }

  /** Writes all frames since the last time. @param left called when they have left this process; not when the socket is broken */
  leave(socket: Pick<Socket, 'write' | 'cork' | 'uncork'>, left: () => void = () => undefined): void {
    this.#endText();
    const [pieces, length] = [this.#pieces, this.#length];
    this.#pieces = [];
    this.#length = 0;
    const written = (error?: Error | null): void => void (error ?? left());
    if (length <= joinedBytes) {
      socket.write(Buffer.concat(pieces, length), written);
      return;
    }
    socket.cork();
    for (const [index, piece] of pieces.entries()) {
      socket.write(piece, index === pieces.length - 1 ? written : undefined);
    }
    socket.uncork();
  }
}

/** Takes a stream of frames apart. */
export class FrameReader {
  #parts: Buffer[] = [];
  #length = 0;
  /** Bytes that the next frame needs before it can be read. */
  #needed = 1;

  /** @returns the frames that are complete now @throws when the bytes are no frames */
  push(chunk: Buffer): Frame[] {
    this.#parts.push(chunk);
    this.#length += chunk.length;
    const frames: Frame[] = [];
    if (this.#length < this.#needed) {
      return frames;
    }
    const bytes = this.#parts.length === 1 ? chunk : Buffer.concat(this.#parts, this.#length);
    let at = 0;
    this.#needed = 1;
    while (at < bytes.length) {
      const end = bytes.indexOf(10, at);
      if (end < 0 ? bytes.length - at >= maxHeader : end - at >= maxHeader) {
        throw new Error('a frame has no header');
      }
      if (end < 0) {
        this.#needed = bytes.length - at + 1;
        break;
      }
      const [kind, name, size] = headOf(bytes.toString('latin1', at, end));
      if (bytes.length < end + 1 + size) {
        this.#needed = end + 1 + size - at;
        break;
      }
      at = end + 1 + size;
      frames.push({ kind, name, body: size === 0 ? none : bytes.subarray(end + 1, at) });
    }
    this.#parts = at < bytes.length ? [at === 0 ? bytes : bytes.subarray(at)] : [];
    this.#length = bytes.length - at;
    return frames;
  }
}

/** @throws when it is none */
function headOf(head: string): [kind: string, name: string, size: number] {
  const [, kind = '', name = '', size = ''] = /^([a-z]+) (\S+) (\d{1,9})$/.exec(head) ?? [];
  if (kind === '' || Number(size) > maxBody) {
    throw new Error('a frame has no valid header');
  }
  return [kind, name, Number(size)];
}

/** What a relay tells of itself. All values are texts; `arg`, `env`, `keep` and `server` may stand several times. */
export interface Greeting {
  readonly secret: string;
  readonly pid: number;
  readonly ppid: number;
  readonly cwd: string;
  /** What `/proc/self/ns` says of mount, PID and user namespace; empty where there is no /proc. */
  readonly ns: string;
  /** The words between `guard` and the end. */
  readonly args: readonly string[];
  readonly env: Readonly<NodeJS.ProcessEnv>;
  /** Entries of the ledger: not empty when another host had this session. */
  readonly ledger: ReadonlyMap<string, string>;
  /** `K PID running`, `K PID code N`, `K PID signal NAME`. */
  readonly servers: readonly string[];
  /** It knows the frame `open`. */
  readonly canOpen?: boolean;
}

/** The body of `hello`. */
export function greetingBytes(greeting: Greeting): Buffer {
  const { secret, pid, ppid, cwd, ns, args, env, ledger, servers, canOpen } = greeting;
  const fields = [
    ...[`secret=${secret}`, `pid=${pid}`, `ppid=${ppid}`, `cwd=${cwd}`, `ns=${ns}`],
    ...(canOpen === true ? ['can=open'] : []),
    ...args.map((word) => `arg=${word}`),
    ...Object.entries(env).map(([name, value]) => `env=${name}=${value ?? ''}`),
    ...[...ledger].map(([key, value]) => `keep=${key} ${value}`),
    ...servers.map((server) => `server=${server}`),
  ];
  return Buffer.from(fields.join('\0'));
}

/** @returns undefined when a field is missing */
export function readGreeting(body: Buffer): Greeting | undefined {
  const single = new Map<string, string>();
  const args: string[] = [];
  const env: Record<string, string> = {};
  const ledger = new Map<string, string>();
  const servers: string[] = [];
  const take: Record<string, (value: string) => void> = {
    arg: (value) => void args.push(value),
    server: (value) => void servers.push(value),
    env: (value) => {
      const [name, text] = parted(value, '=');
      env[name] = text;
    },
    keep: (value) => void ledger.set(...parted(value, ' ')),
  };
  for (const field of body.toString('utf8').split('\0')) {
    const [name, value] = parted(field, '=');
    const many = Object.hasOwn(take, name) ? take[name] : undefined;
    if (many) {
      many(value);
    } else {
      single.set(name, value);
    }
  }
  const [secret, cwd, ns] = ['secret', 'cwd', 'ns'].map((name) => single.get(name));
  const [pid = Number.NaN, ppid = Number.NaN] = ['pid', 'ppid'].map((name) => Number(single.get(name)));
  return secret === undefined || cwd === undefined || ns === undefined || !(pid > 0) || !(ppid >= 0)
    ? undefined
    : { secret, pid, ppid, cwd, ns, args, env, ledger, servers, ...(single.get('can') === 'open' ? { canOpen: true } : {}) };
}

function parted(text: string, by: string): [string, string] {
  const at = text.indexOf(by);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}
