import {
  type ClientRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request as plainRequest,
  type RequestOptions,
} from 'node:http';
import { request as secureRequest } from 'node:https';
import { connect, isIP, type Socket } from 'node:net';
import { connect as secureConnect, type TLSSocket } from 'node:tls';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { errorCode } from '../base/errors.ts';
import { readBounded } from '../storage/boundedFile.ts';
import { basic, type IndexTarget } from './indexRoute.ts';

export interface GetAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Larger answers are refused; the largest pages of the public indexes are smaller. */
const maxBytes = 16 * 1024 * 1024;
const maxRedirects = 3;

/** There was no complete answer. The message names no address. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable';
}

/**
 * One GET below an index's address. Credentials are sent only to that origin. Redirects within the origin are followed. A public index may also redirect to another
 * origin by https, without credentials, and to no address of this machine or its network; a private index may not, because no other host may learn the names of its packages.
 *
 * @param signal aborts it at any stage
 * @throws Unreachable when there is no complete answer
 */
export async function getBelow(
  target: IndexTarget,
  path: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<GetAnswer> {
  let url = new URL(path, target.base);
  for (let redirects = 0; ; redirects += 1) {
    const own = url.origin === target.base.origin;
    const answer = await getOnce(url, own ? target : withoutCredentials(target), headers, signal);
    const location = answer.status >= 300 && answer.status < 400 && answer.status !== 304 ? answer.headers.location : undefined;
    if (location === undefined || redirects === maxRedirects) {
      return answer;
    }
    const next = URL.canParse(location, url.href) ? new URL(location, url) : undefined;
    const stays = next?.origin === target.base.origin;
    if (!next || !(stays || (target.isPublic && next.protocol === 'https:' && isPublicName(hostOf(next))))) {
      return answer;
    }
    next.username = '';
    next.password = '';
    url = next;
  }
}

/** Not `localhost`, not a name without a domain, not an address such as 169.254.169.254. */
function isPublicName(host: string): boolean {
  return isIP(host) === 0 && /\.(?!localhost\.?$|local\.?$|internal\.?$)[^.]+\.?$/i.test(host);
}

function withoutCredentials({ authorization: _, ...rest }: IndexTarget): IndexTarget {
  return rest;
}

async function getOnce(url: URL, target: IndexTarget, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<GetAnswer> {
  try {
    signal.throwIfAborted();
    const trust = trustOf(target);
    const secure = url.protocol === 'https:';
    const tunnel = target.proxy && secure ? await openTunnel(target.proxy, url, trust, signal) : undefined;
    const options: RequestOptions = {
      signal,
      headers: {
        'user-agent': 'mcp-shepherd',
        'accept-encoding': 'gzip, deflate, br',
        ...headers,
        ...(target.authorization === undefined ? {} : { authorization: target.authorization }),
      },
      // Node uses `createConnection` only where no agent is given.
      ...(tunnel ? { createConnection: () => tunnel } : { agent: false }),
    };
    return await exchange(() => {
      if (secure) {
        return secureRequest(url, { ...options, ...trust });
      }
      return target.proxy ? viaProxy(url, target.proxy, options, trust) : plainRequest(url, options);
    });
  } catch (error) {
    throw new Unreachable(signal.aborted ? 'no answer in time' : failureOf(error));
  }
}

interface Trust {
  readonly ca?: string;
  readonly rejectUnauthorized?: false;
}

function trustOf({ caFile, unverified }: IndexTarget): Trust {
  if (unverified) {
    return { rejectUnauthorized: false };
  }
  if (caFile === undefined) {
    return {};
  }
  // The path may come from a project's settings: reading a pipe or a device would block.
  const read = readBounded(caFile, maxBytes);
  if (read.status !== 'ok') {
    throw new Error('the file of certificate authorities cannot be read');
  }
  return { ca: read.text };
}

/** Plain requests are sent to the proxy with the complete address. */
function viaProxy(url: URL, proxy: URL, options: RequestOptions, trust: Trust): ClientRequest {
  const send = proxy.protocol === 'https:' ? secureRequest : plainRequest;
  return send({
    ...options,
    ...trust,
    host: hostOf(proxy),
    port: portOf(proxy),
    path: url.href,
    headers: { ...options.headers, host: url.host, ...proxyAuthorization(proxy) },
  });
}

/** CONNECT, then TLS through the tunnel. Written by hand, because editors replace Node's HTTP agents with their own. */
async function openTunnel(proxy: URL, url: URL, trust: Trust, signal: AbortSignal): Promise<TLSSocket> {
  if (proxy.protocol !== 'http:' && proxy.protocol !== 'https:') {
    throw new Error('the proxy is not an HTTP proxy');
  }
  const options = { host: hostOf(proxy), port: portOf(proxy) };
  const socket: Socket = proxy.protocol === 'https:' ? secureConnect({ ...options, ...trust, servername: options.host }) : connect(options);
  const abort = (): void => void socket.destroy(new Error('aborted'));
  signal.addEventListener('abort', abort, { once: true });
  const authority = `${url.hostname}:${portOf(url)}`;
  const extra = Object.entries(proxyAuthorization(proxy)).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${extra.join('')}\r\n`);
  const status = await connectAnswer(socket);
  if (status !== 200) {
    socket.destroy();
    throw new Error(`the proxy refused with ${status}`);
  }
  const name = url.hostname.replace(/^\[|\]$/g, '');
  const secured = secureConnect({ socket, ...trust, host: name, ...(isAddress(name) ? {} : { servername: name }) });
  secured.once('close', () => signal.removeEventListener('abort', abort));
  await new Promise<void>((resolve, reject) => {
    secured.once('secureConnect', resolve);
    // Stays: the request reports later errors, and they must not end the process.
    secured.on('error', reject);
    secured.once('close', () => reject(new Error('the proxy hung up')));
  });
  return secured;
}

function connectAnswer(socket: Socket): Promise<number> {
  return new Promise((resolve, reject) => {
    let head = '';
    const onData = (chunk: Buffer): void => {
      head += chunk.toString('latin1');
      if (!head.includes('\r\n\r\n') && head.length < 16_384) {
        return;
      }
      socket.off('data', onData);
      socket.off('error', reject);
      socket.off('close', onClose);
      socket.pause();
      resolve(Number(/^HTTP\/1\.\d (\d{3})/.exec(head)?.[1] ?? 0));
    };
    const onClose = (): void => reject(new Error('the proxy hung up'));
    socket.on('data', onData);
    socket.once('error', reject);
    socket.once('close', onClose);
  });
}

function exchange(send: () => ClientRequest): Promise<GetAnswer> {
  return new Promise((resolve, reject) => {
    const request = send();
    request.once('error', reject);
    request.once('response', (response) => {
      readBody(response).then(
        (body) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
        (error: unknown) => {
          request.destroy();
          reject(error);
        },
      );
    });
    request.end();
  });
}

function readBody(response: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    const decoder = decoderFor(response.headers['content-encoding']);
    const stream = decoder ? response.pipe(decoder) : response;
    const chunks: Buffer[] = [];
    let size = 0;
    response.once('error', reject);
    response.once('aborted', () => reject(new Error('the answer was incomplete')));
    stream.once('error', reject);
    stream.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > maxBytes) {
        reject(new Error('the answer is too large'));
        // What is packed already would be unpacked to its end.
        stream.destroy();
      } else {
        chunks.push(chunk);
      }
    });
    stream.once('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
  });
}

function decoderFor(encoding: string | undefined) {
  switch (encoding?.toLowerCase()) {
    case 'gzip':
    case 'x-gzip':
      return createGunzip();
    case 'deflate':
      return createInflate();
    case 'br':
      return createBrotliDecompress();
    default:
      return undefined;
  }
}

function proxyAuthorization(proxy: URL): Record<string, string> {
  const { username, password } = proxy;
  return username === '' && password === ''
    ? {}
    : { 'proxy-authorization': basic(decodeURIComponent(username), decodeURIComponent(password)) };
}

function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}

/** TLS server names cannot be IP addresses. */
function isAddress(host: string): boolean {
  return isIP(host) !== 0;
}

function portOf(url: URL): number {
  return Number(url.port) || (url.protocol === 'https:' ? 443 : 80);
}

/** A short reason for a person. Where the error has a code, the code alone: its message names addresses. */
function failureOf(error: unknown): string {
  const code = errorCode(error);
  return code !== undefined && /^[A-Z_]{3,60}$/.test(code) ? code : error instanceof Error ? error.message.slice(0, 100) : 'no answer';
}
