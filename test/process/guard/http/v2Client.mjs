// A client on the TypeScript SDK 2.x: `node v2Client.mjs URL legacy|auto`. Each line of its input is a key to call `count` with; each line of its output is the answer or
// "failed: …".
import { createInterface } from 'node:readline';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';

const [url, mode] = process.argv.slice(2);
const client = new Client({ name: 'v2', version: '1.0.0' }, { versionNegotiation: { mode } });
await client.connect(new StreamableHTTPClientTransport(new URL(url)));
console.log('connected');
for await (const key of createInterface({ input: process.stdin })) {
  try {
    const { content } = await client.callTool({ name: 'count', arguments: { key } });
    console.log(content[0].text);
  } catch (error) {
    console.log(`failed: ${error.message.replaceAll('\n', ' ')}`);
  }
}
await client.close();
