/** A client that sends exactly what a test specifies, with fetch. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Parsed from a JSON body. */
  readonly json: {
    readonly id?: unknown;
    readonly result?: { readonly content?: readonly { readonly text: string }[]; readonly protocolVersion?: string };
    readonly error?: { readonly code: number; readonly message: string; readonly data?: { readonly executed?: string } };
  };
}

export class RawClient {
  readonly #url: string;
  readonly #headers: Readonly<Record<string, string>>;
  session: string | undefined;
  #id = 0;

  constructor(origin: string, headers: Readonly<Record<string, string>> = {}) {
    this.#url = `${origin}/mcp`;
    this.#headers = headers;
  }

  async send(message: unknown, headers: Readonly<Record<string, string>> = {}): Promise<RawAnswer> {
    const response = await fetch(this.#url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        ...(this.session === undefined ? {} : { 'mcp-session-id': this.session }),
        ...this.#headers,
        ...headers,
      },
      body: typeof message === 'string' ? message : JSON.stringify(message),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, json: parsed(text) };
  }

  request(
    method: string,
    params: Readonly<Record<string, unknown>> = {},
    headers: Readonly<Record<string, string>> = {},
  ): Promise<RawAnswer> {
    this.#id += 1;
    return this.send({ jsonrpc: '2.0', id: this.#id, method, params }, headers);
  }

  notify(method: string): Promise<RawAnswer> {
    return this.send({ jsonrpc: '2.0', method });
  }

  tool(key: string): Promise<RawAnswer> {
    return this.request('tools/call', { name: 'count', arguments: { key } });
  }

  /** The handshake; keeps the session id. */
  async initialize(): Promise<RawAnswer> {
    const answer = await this.request('initialize', {
      protocolVersion: '2025-06-18',
      capabilities: { sampling: {} },
      clientInfo: { name: 'raw', version: '7' },
    });
    this.session = answer.headers.get('mcp-session-id') ?? undefined;
    await this.notify('notifications/initialized');
    return answer;
  }

  end(): Promise<number> {
    return fetch(this.#url, { method: 'DELETE', headers: { 'mcp-session-id': this.session ?? '', ...this.#headers } }).then(
      ({ status }) => status,
    );
  }

  /** A listening stream. */
  async listen(headers: Readonly<Record<string, string>> = {}): Promise<Listener> {
    const end = new AbortController();
    const response = await fetch(this.#url, {
      headers: { accept: 'text/event-stream', 'mcp-session-id': this.session ?? '', ...this.#headers, ...headers },
      signal: end.signal,
    });
    return new Listener(response, end);
  }
}

/** What comes on a listening stream. */
export class Listener {
  readonly status: number;
  text = '';
  ended: 'no' | 'ended' | 'cut' = 'no';
  readonly #end: AbortController;

  constructor(response: Response, end: AbortController) {
    this.status = response.status;
    this.#end = end;
    void this.#read(response);
  }

  stop(): void {
    this.#end.abort();
  }

  async #read(response: Response): Promise<void> {
    const decoder = new TextDecoder();
    try {
      for await (const chunk of response.body ?? []) {
        this.text += decoder.decode(chunk, { stream: true });
      }
      this.ended = 'ended';
    } catch {
      this.ended = 'cut';
    }
  }
}

function parsed(text: string): RawAnswer['json'] {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
