/**
 * A package index on loopback that speaks what npm and pip speak, counts what it is asked, and misbehaves on request. Exports `startIndex()`.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/** One question that it was asked. */
export interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
}

export interface LocalNpmPackage {
  readonly tags: Readonly<Record<string, string>>;
  readonly versions: Readonly<Record<string, { readonly deprecated?: string }>>;
}

export interface LocalFile {
  readonly filename: string;
  readonly yanked?: boolean | string;
  readonly requires?: string;
}

export class LocalIndex {
  readonly asked: Asked[] = [];
  readonly npm = new Map<string, LocalNpmPackage>();
  /** By normalised name. */
  readonly python = new Map<string, readonly LocalFile[]>();
  /** Only the page that every index has, without JSON. */
  htmlOnly = false;
  /** Registries that know neither tags nor single versions: `tags` or `documents` are missing. */
  lacks: ReadonlySet<'tags' | 'versions'> = new Set();
  /** Sent with every answer; a question that brings it back gets 304. */
  etag: string | undefined;
  /** Answers first; true = that was it. */
  instead: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor() {
    this.#server = createServer((request, response) => this.#answer(request, response));
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
  }

  get server(): Server {
    return this.#server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** For npm. */
  get registry(): string {
    return `http://127.0.0.1:${this.port}/`;
  }

  /** For pip. */
  get simple(): string {
    return `http://127.0.0.1:${this.port}/simple/`;
  }

  /** Forgets everything, and behaves. */
  reset(): void {
    this.asked.length = 0;
    this.npm.clear();
    this.python.clear();
    this.htmlOnly = false;
    this.lacks = new Set();
    this.etag = undefined;
    this.instead = undefined;
  }

  /** Paths that were asked for. */
  get paths(): string[] {
    return this.asked.map((one) => one.url);
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) {
      socket.destroy();
    }
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    this.asked.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers });
    if (this.instead?.(request, response)) {
      return;
    }
    const url = request.url ?? '';
    if (this.etag !== undefined) {
      response.setHeader('etag', this.etag);
      if (request.headers['if-none-match'] === this.etag && !/\/\d/.test(url)) {
        response.writeHead(304).end();
        return;
      }
    }
    const path = decodeURIComponent(url).replace(/^\//, '');
    if (path.startsWith('simple/')) {
      this.#simple(path.slice('simple/'.length), request, response);
    } else {
      this.#registry(path, response);
    }
  }

  #registry(path: string, response: ServerResponse): void {
    const tagsOf = /^-\/package\/(.+)\/dist-tags$/.exec(path)?.[1];
    if (tagsOf !== undefined) {
      sendJson(response, this.lacks.has('tags') ? undefined : this.npm.get(tagsOf)?.tags);
      return;
    }
    const [, name = '', wanted] = /^(@[^/]+\/[^/]+|[^/]+)(?:\/([^/]+))?$/.exec(path) ?? [];
    const found = this.npm.get(name);
    const manifest = (version: string) => ({
      name,
      version,
      ...found?.versions[version],
      dist: { tarball: `${this.registry}${name}/-/x-${version}.tgz`, shasum: '0'.repeat(40) },
    });
    if (wanted !== undefined) {
      const version = found?.tags[wanted] ?? wanted;
      sendJson(response, this.lacks.has('versions') || !found?.versions[version] ? undefined : manifest(version));
      return;
    }
    const versions = found && Object.fromEntries(Object.keys(found.versions).map((version) => [version, manifest(version)]));
    sendJson(response, found && { name, 'dist-tags': found.tags, versions });
  }

  #simple(path: string, request: IncomingMessage, response: ServerResponse): void {
    const files = this.python.get(path.replace(/\/$/, ''));
    if (!files) {
      response.writeHead(404).end('not found');
    } else if (this.htmlOnly || !request.headers.accept?.includes('json')) {
      const links = files.map(({ filename, yanked, requires }) => {
        const range = requires === undefined ? '' : ` data-requires-python="${requires.replaceAll('<', '&lt;').replaceAll('>', '&gt;')}"`;
        return `<a href="../../files/${filename}#sha256=00"${range}${yanked ? ' data-yanked="broken"' : ''}>${filename}</a><br/>`;
      });
      response.writeHead(200, { 'content-type': 'text/html' }).end(`<!DOCTYPE html><html><body>${links.join('\n')}</body></html>`);
    } else {
      response.writeHead(200, { 'content-type': 'application/vnd.pypi.simple.v1+json' });
      const listed = files.map(({ filename, yanked = false, requires }) => ({
        filename,
        url: `../../files/${filename}`,
        hashes: {},
        yanked,
        ...(requires === undefined ? {} : { 'requires-python': requires }),
      }));
      response.end(JSON.stringify({ meta: { 'api-version': '1.1' }, name: path, files: listed }));
    }
  }
}

function sendJson(response: ServerResponse, value: unknown): void {
  response.writeHead(value === undefined ? 404 : 200, { 'content-type': 'application/json' });
  response.end(JSON.stringify(value ?? { error: 'not found' }));
}

export async function startIndex(): Promise<LocalIndex> {
  const index = new LocalIndex();
  await new Promise<void>((resolve) => index.server.listen(0, '127.0.0.1', resolve));
  return index;
}
