// Writes down every line that it gets, and answers each request in it once: `node fuzzServer.cjs LINES`. Ids are sent back as the letters that came.
const { appendFileSync } = require('node:fs');

const log = process.argv[2];
const idOf = /"id" ?: ?("(?:[^"\\]|\\.)*"|-?\d[-+.\deE]*)/g;
let rest = Buffer.alloc(0);

function answersTo(line) {
  let message;
  try {
    message = JSON.parse(line.toString('utf8'));
  } catch {
    return [];
  }
  const all = Array.isArray(message) ? message : [message];
  const asked = all.filter((one) => typeof one?.method === 'string' && (typeof one.id === 'string' || typeof one.id === 'number'));
  const ids = [...line.toString('utf8').matchAll(idOf)].map(([, id]) => id);
  if (asked.length === 0 || ids.length !== all.filter((one) => one?.id !== undefined).length) {
    return [];
  }
  if (message.method === 'initialize') {
    const result = { protocolVersion: message.params.protocolVersion, capabilities: {}, serverInfo: { name: 'fuzz', version: '0' } };
    return [`{"jsonrpc":"2.0","id":${ids[0]},"result":${JSON.stringify(result)}}`];
  }
  return ids.map((id) => `{"jsonrpc":"2.0", "id":${id},"result":{"pid":${process.pid},"text":"é\\u00e9😀"}}`);
}

process.stdin.on('data', (chunk) => {
  rest = Buffer.concat([rest, chunk]);
  let out = '';
  for (let end = rest.indexOf(10); end !== -1; end = rest.indexOf(10)) {
    const line = rest.subarray(0, end + 1);
    rest = rest.subarray(end + 1);
    appendFileSync(log, `${line.toString('hex')}\n`);
    const answers = answersTo(line);
    // To an array now and then with an array, as protocol 2025-03-26 allows.
    out += answers.length > 1 && answers.length % 2 === 0 ? `[${answers.join(',')}]\n` : answers.map((answer) => `${answer}\n`).join('');
  }
  if (out !== '') {
    process.stdout.write(out);
  }
});
