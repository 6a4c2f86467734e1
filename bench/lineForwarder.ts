// A minimal program between client and server that reads lines: `node lineForwarder.ts lines|parse COMMAND…`.
import { spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';

const [mode, command = '', ...args] = process.argv.slice(2);
const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
child.once('exit', (code) => process.exit(code ?? 1));

function forward(from: Readable, to: Writable): void {
  let parts: Buffer[] = [];
  from.on('data', (chunk: Buffer) => {
    let start = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
      parts.push(chunk.subarray(start, end + 1));
      const line = parts[0] && parts.length === 1 ? parts[0] : Buffer.concat(parts);
      parts = [];
      start = end + 1;
      if (mode === 'parse') {
        JSON.parse(line.toString());
      }
      if (!to.write(line)) {
        from.pause();
        to.once('drain', () => from.resume());
      }
    }
    if (start < chunk.length) {
      parts.push(chunk.subarray(start));
    }
  });
  from.once('end', () => to.end());
}

forward(process.stdin, child.stdin);
forward(child.stdout, process.stdout);
