// A client on the TypeScript SDK 2.x over stdio: `node v2Stdio.mjs legacy|auto COMMAND…`. Each line of its input is a tool to call; each line of its output is the text of
// the answer or "failed: …". The PID of the program that it started stands in the first line.
import { createInterface } from 'node:readline';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';

const [mode, command, ...args] = process.argv.slice(2);
const client = new Client({ name: 'v2', version: '1.0.0' }, { versionNegotiation: { mode } });
const transport = new StdioClientTransport({ command, args, env: process.env, stderr: 'inherit' });
await client.connect(transport);
console.log(`connected ${transport.pid}`);
for await (const name of createInterface({ input: process.stdin })) {
  try {
    const { content } = await client.callTool({ name, arguments: {} });
    console.log(content[0].text);
  } catch (error) {
    console.log(`failed: ${error.message.replaceAll('\n', ' ')}`);
  }
}
await client.close();
