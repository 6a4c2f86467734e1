// A hostile HTTP server in a process of its own: answers /health and registries. It tells on standard output which requests held a canary for a host that may not see it.
import { createServer } from 'node:net';

const mark = process.env.MARK ?? '';
const allowed = process.argv.slice(2);
const body = (text) =>
  `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}\r\nConnection: close\r\n\r\n${text}`;
const answers = [
  body('{"status":"ok","pid":1,"version":"\\u001b[31m[x](command:workbench.action.quit)","started":"\\u202e","uptime":1e308}'),
  body(`{"status":"ok","pid":${process.pid},"version":"\\u001b[31m[x](command:workbench.action.quit)","started":"\\u202e","uptime":-1}`),
  body(`{"dist-tags":{"latest":"9.9.9"},"versions":{"9.9.9":{},"__proto__":{},"\\u001b[31m":{}},"status":"${'x'.repeat(5000)}"}`),
  body(`${'['.repeat(50_000)}`),
  'HTTP/1.1 302 Found\r\nLocation: http://evil.example/redirected\r\nContent-Length: 0\r\n\r\n',
  'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm="\x1b[31m"\r\nContent-Length: 0\r\n\r\n',
  'HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffff\r\nx',
  'HTTP/1.1 999 \x1b[31m\r\n\r\n',
  'nonsense\r\n\r\n',
  `HTTP/1.1 200 OK\r\n${'X: y\r\n'.repeat(3000)}\r\n`,
  '',
];
let turn = 0;
const server = createServer((socket) => {
  let seen = '';
  socket.on('error', () => undefined);
  socket.on('data', (bytes) => {
    seen += bytes.toString('latin1');
    if (seen.length > 100_000 || (!seen.includes('\r\n\r\n') && seen.charCodeAt(0) !== 0x16)) {
      return;
    }
    const host = /^host: ([^\r:]*)/im.exec(seen)?.[1] ?? '';
    const secret = seen.includes(mark) || Buffer.from(/basic ([\w+/=]+)/i.exec(seen)?.[1] ?? '', 'base64').includes(mark);
    if (secret && !allowed.includes(host)) {
      process.stdout.write(`${JSON.stringify(seen.slice(0, 400))}\n`);
    }
    seen = '';
    turn += 1;
    socket.end(answers[turn % answers.length]);
  });
});
server.listen(0, '127.0.0.1', () => process.stdout.write(`${server.address().port}\n`));
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
