// The server of bench/guard.ts: answers `tools/call` with a text of the requested length. No SDK.
const blobs = new Map<number, string>();

function blob(bytes: number): string {
  const known = blobs.get(bytes) ?? 'x'.repeat(bytes);
  blobs.set(bytes, known);
  return known;
}

function handle(line: string): void {
  const { id, method, params } = JSON.parse(line);
  const answer = (result: unknown): void => void process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id, result })}\n`);
  if (method === 'initialize') {
    answer({
      protocolVersion: params.protocolVersion,
      capabilities: { tools: { listChanged: true } },
      serverInfo: { name: 'echo', version: '1' },
    });
  } else if (method === 'tools/list') {
    answer({ tools: [{ name: 'echo', inputSchema: { type: 'object' }, annotations: { readOnlyHint: true } }] });
  } else if (method === 'tools/call') {
    const { bytes, text } = params.arguments;
    answer({ content: [{ type: 'text', text: bytes === undefined ? text : blob(bytes) }] });
  }
}

let parts: Buffer[] = [];
process.stdin.on('data', (chunk: Buffer) => {
  let from = 0;
  for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, from)) {
    parts.push(chunk.subarray(from, end));
    handle(Buffer.concat(parts).toString());
    parts = [];
    from = end + 1;
  }
  parts.push(chunk.subarray(from));
});
