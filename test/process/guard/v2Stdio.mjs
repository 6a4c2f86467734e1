// A client on the TypeScript SDK 2.x over stdio: `node v2Stdio.mjs legacy|auto COMMAND…`. Each line of its input is a tool to call; each line of its output is the text of
// the answer or "failed: …". The PID of the program that it started stands in the first line. "burst N" calls echo N times, eight at a time, and says how many of the
// answers were their own.
import { createInterface } from 'node:readline';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';

const [mode, command, ...args] = process.argv.slice(2);
const client = new Client({ name: 'v2', version: '1.0.0' }, { versionNegotiation: { mode } });
const transport = new StdioClientTransport({ command, args, env: process.env, stderr: 'inherit' });
await client.connect(transport);
console.log(`connected ${transport.pid}`);

async function text(name, args = {}) {
  try {
    const { content } = await client.callTool({ name, arguments: args });
    return content[0].text;
  } catch (error) {
    return `failed: ${error.message.replaceAll('\n', ' ')}`;
  }
}

async function burst(count) {
  let next = 0;
  let right = 0;
  const wrong = new Set();
  const worker = async () => {
    for (let n = next++; n < count; n = next++) {
      const answer = await text('echo', { text: `${n}`, n });
      right += answer === `${n}` ? 1 : 0;
      if (answer !== `${n}`) {
        wrong.add(answer);
      }
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  return `${right} right ${[...wrong].join(' | ')}`.trim();
}

for await (const line of createInterface({ input: process.stdin })) {
  const [name, count] = line.split(' ');
  console.log(name === 'burst' ? await burst(Number(count)) : await text(name));
}
await client.close();
