/** Marks both ends of each made secret: a text that holds it shows a secret or a part of one. */
export const canaryMark = 'c4nRy';
/** The same of secrets that are plain words. */
export const wordMark = 'canaries';

/** One place where a secret may stand, made from a seed. */
export interface MadeSecret {
  /** What is combined, for the message of a failing test. */
  readonly what: string;
  readonly entry: {
    readonly command?: string;
    readonly url?: string;
    readonly args?: readonly string[];
    readonly env?: Readonly<Record<string, string>>;
    readonly headers?: Readonly<Record<string, string>>;
  };
  /** Whether its shape alone shows it; otherwise it is known from the entry only. */
  readonly byShape: boolean;
}

type Random = () => number;

const words =
  'token,password,secret,passwd,passphrase,api key,access token,client secret,auth token,private key,db password,github token,refresh token,signing key,credentials,bearer token,license key,session secret,encryption key,jwt,pin,otp,totp,auth,cookie,psk,passkey,signature,seed phrase,csrf,dbpassword,usertoken,appsecret,smtppass,openaikey,authcode,nkey,privkey,mnemonic'.split(
    ',',
  );
/** Names that may mean a secret, as options, variables and fields. */
const doubtfulWords = 'seed,session,session id,signing,salt,wallet seed,phrase,sid,oauth'.split(',');
const prefixes = ['', '', 'my', 'app', 'service2', 'notes'];
const cases: readonly ((parts: readonly string[]) => string)[] = [
  (parts) => parts.map((part, index) => (index === 0 ? part : capital(part))).join(''),
  (parts) => parts.map(capital).join(''),
  (parts) => parts.join('_'),
  (parts) => parts.join('-'),
  (parts) => parts.join('_').toUpperCase(),
  (parts) => parts.map(capital).join('-'),
];
/** Values: the secret alone, and with signs that quoting and addresses give a meaning to. */
const values: readonly ((secret: string) => string)[] = [
  (secret) => secret,
  (secret) => `${secret}==`,
  (secret) => `Aa1+/${secret}`,
  (secret) => `p%24${secret}`,
  (secret) => `${secret}!x`,
  (secret) => `x.${secret}_y-z`,
  (secret) => `$2b$${secret}`,
];

/** Positions of a value `v` with a name `n`. */
const positions: Readonly<Record<string, (n: string, v: string, flag: string) => readonly string[]>> = {
  'option and value': (_, v, flag) => [flag, v],
  'option=value': (_, v, flag) => [`${flag}=${v}`],
  'option="value"': (_, v, flag) => [`${flag}="${v}"`],
  "option='value'": (_, v, flag) => [`${flag}='${v}'`],
  'option:value': (_, v, flag) => [`${flag}:${v}`],
  'option = value': (_, v, flag) => [flag, '=', v],
  'option= value': (_, v, flag) => [`${flag}=`, v],
  'option "value"': (_, v, flag) => [`${flag} "${v}"`],
  '/option:value': (n, v) => [`/${n}:${v}`],
  '/option=value': (n, v) => [`/${n}=${v}`],
  'name=value': (n, v) => [`${n.replaceAll('-', '_')}=${v}`],
  'name: value': (n, v) => ['--opt', `${n}: ${v}`],
  'name:value': (n, v) => ['--set', `${n}:${v}`],
  'option in option': (_, v, flag) => [`--args=${flag} ${v}`],
  'option=value in option': (_, v, flag) => [`--args=${flag}=${v}`],
  'shell text': (n, v, flag) => ['-c', `${n.replaceAll('-', '_').toUpperCase()}=${v} exec server ${flag} '${v}' --port 1`],
  'variable of a container': (n, v) => ['run', '-e', `${n.replaceAll('-', '_')}=${v}`, 'image'],
  'bare words': (n, v) => [n.split('-').at(-1) ?? n, v],
  'bare words in a text': (n, v) => ['-c', `exec server login ${n} ${v} now`],
  'words in lines': (n, v) => ['--text', `${n}\n${v}`],
  'words of a session': (_, v) => ['--session', v],
  'words for a login': (_, v) => ['auth', v],
  header: (n, v) => ['--header', `X-${n}: ${v}`],
  'header with scheme': (_, v) => ['-H', `Authorization: Bearer ${v}`],
  'header in words': (_, v) => ['--header', 'Authorization:', 'Bearer', v],
  'JSON field': (n, v) => ['--config', JSON.stringify({ a: 1, [n]: v, z: 'end' })],
  'JSON field with quotes in it': (n, v) => ['--config', JSON.stringify({ [n]: `a"${v}"b\\` })],
  'JSON field with blanks in it': (n, v) => ['--config', JSON.stringify({ [n]: `a ${v}, b: c` }, undefined, 1)],
  'JSON in JSON': (n, v) => ['--config', JSON.stringify(JSON.stringify({ [n]: v, z: 1 }))],
  'JSON in JSON with quotes in it': (n, v) => ['--config', JSON.stringify(JSON.stringify({ [n]: `a"${v}`, z: 1 }))],
  'JSON list': (n, v) => ['--config', JSON.stringify({ [n.endsWith('s') ? n : `${n}s`]: ['$REF', v, v] })],
  'JSON object below': (n, v) => ['--config', JSON.stringify({ auth: { list: [{ [n]: v }] } })],
  'connection string': (n, v) => ['--db', `Server=db;User Id=sa;${n}=${v};Encrypt=true`],
  'connection string with blanks': (n, v) => ['--db', `Host=db ${n}=${v} Port=1`],
  'address with user': (_, v) => ['--db', `postgres://me:${encodeURIComponent(v)}@db.local:5432/x`],
  'address with query': (n, v) => [`https://api.example.com/mcp?a=1&${n}=${encodeURIComponent(v)}`],
  'address with a fragment alone': (_, v) => [`https://api.example.com/mcp#${v}`],
  'address with a fragment in a text': (_, v) => ['-c', `exec server https://api.example.com/#/${v} --port 1`],
  'address with fragment': (n, v) => [`https://api.example.com/mcp#${n}=${encodeURIComponent(v)}`],
  'setting of a registry': (n, v) => [`--//registry.example/:_${n}=${v}`.slice(2)],
  'user and password': (_, v) => ['-u', `me:${v}`],
  'user and password in one': (_, v) => [`--user=me:${v}`],
  'user and password of Samba': (_, v) => ['-U', `me%${v}`],
  'user and password of Oracle': (_, v) => ['--user', `me/${v}`],
  'user and password of a proxy': (_, v) => ['--proxy-user', `me:${v}`, '--http-username', `me:${v}`],
  'cookies in one': (_, v) => ['--cookie', `a=b; c=${v}`],
  'password of a program in a command': (_, v) => ['-c', `cd /srv && exec redis-cli -h cache -a '${v}' ping`],
  'password of a program, attached': (_, v) => ['-c', `mysql -u me -p"${v}" base; exit`],
  'password of a program in a substitution': (_, v) => ['-c', `KEY=$(sshpass -p '${v}' ssh me@h cat /k) exec server`],
  'option in a command in quotes': (_, v, flag) => ['-c', `bash -c "server ${flag} '${v}' --port 1"`],
  'word in parts': (_, v, flag) => ['-c', `server ${flag}='a'"${v}"`],
  'variable in small letters': (_, v) => ['-c', `setting='${v}' other=1 exec server`],
  'variable of cmd': (_, v) => ['/c', `set SETTING=${v}&& server`],
  'variable of PowerShell': (_, v) => ['-Command', `$env:SETTING='${v}'; server`],
  'name without quotes': (n, v) => ['--config', `{db:{${n}:'${v}'},port:1}`],
  'list after a name without quotes': (n, v) => ['--config', `{${n.endsWith('s') ? n : `${n}s`}:['${v}', "${v}"]}`],
  'name with an arrow': (n, v) => ['--config', `['port' => 1, '${n}' => '${v}']`],
  'name and value': (n, v) => ['--config', JSON.stringify([{ name: n, value: v }])],
  'name and value in XML': (n, v) => ['--config', `<add key="${n}" value="${v}"/>`],
  'variables in JSON': (_, v) => ['--config', JSON.stringify({ env: { SETTING: v }, port: 1 })],
  'argument of a function': (n, v) => ['-c', `client = Client(port=1, ${n.replaceAll('-', '_')}="${v}")`],
  'URL-encoded JSON': (n, v) => [`config=${encodeURIComponent(JSON.stringify({ [n]: v }))}`],
  'URL-encoded query': (n, v) => [`to=${encodeURIComponent(`https://h/?${n}=`)}${encodeURIComponent(encodeURIComponent(v))}`],
  'parameter of a path': (n, v) => [`https://api.example.com/x;${n}=${encodeURIComponent(v)}/mcp`],
  'fragment without a scheme': (n, v) => [`api.example.com/cb#${n}=${encodeURIComponent(v)}&x=1`],
  'default of a variable': (n, v) => ['--opt', `\${${n.replaceAll('-', '_')}:-${v}}`],
  'setting of a program': (n, v) => ['configure', 'set', n, v],
  'setting of git': (_, v) => ['config', `http.extraHeader=X-Any: ${v}`],
  'input of a login': (_, v) => ['-c', `echo '${v}' | docker login -u me --password-stdin && exec server`],
  'parts of a pipe': (n, v) => ['--opts', `host=h|${n}=${v}|port=1`],
  'folder with a name and a sign': (n, v) => [`C:\\srv\\${n}=${v}`],
};

/** Programs of positions whose arguments only they explain. */
const programs: Readonly<Record<string, string>> = { '-c': 'sh', '/c': 'cmd', '-Command': 'powershell' };

/** Of these positions the ones in which a plain word is a secret too, and in which doubtful names count. */
const plainPositions = [
  'option and value',
  'option=value',
  'option="value"',
  "option='value'",
  'option:value',
  'option = value',
  'option= value',
  'option "value"',
  '/option:value',
  '/option=value',
  'name=value',
  'option in option',
  'option=value in option',
  'shell text',
  'JSON field',
  'JSON in JSON',
  'option in a command in quotes',
  'word in parts',
  'name without quotes',
  'name with an arrow',
  'argument of a function',
];

/** Positions that only the entry's own fields explain. */
const fields: Readonly<Record<string, (n: string, v: string) => MadeSecret['entry']>> = {
  'variable, and a word': (n, v) => ({ env: { [n.replaceAll('-', '_')]: v }, args: ['serve', v] }),
  'variable, and inside of a word': (n, v) => ({ env: { [n.replaceAll('-', '_')]: v }, args: [`/srv/${v}/x`] }),
  'variable without a secret’s name': (_, v) => ({ env: { SETTING: v }, args: ['-x', `y,${v}`] }),
  'variable, and in an address': (n, v) => ({ env: { [n]: v }, args: [`https://h/${encodeURIComponent(v)}/mcp`] }),
  'objects in a variable': (n, v) => ({ env: { SETTING: JSON.stringify({ db: [{ auth: { [n]: v } }] }) }, args: ['-x', `y,${v}`] }),
  'connection string in a variable': (n, v) => ({ env: { SETTING: `Server=db;${n}=${v};Encrypt=true` }, args: ['-x', `y ${v}`] }),
  'header of the entry': (n, v) => ({ url: `https://h/${encodeURIComponent(v)}`, headers: { [n]: `Bearer ${v}` } }),
  'address of the entry': (n, v) => ({ url: `https://h/mcp?${n}=${encodeURIComponent(v)}` }),
};

/** @param seed equal seeds make equal secrets */
export function madeSecret(seed: number): MadeSecret {
  const random = randomFrom(seed);
  const name = pick(random, cases)(`${pick(random, prefixes)} ${pick(random, words)}`.trim().split(' '));
  const secret = `${canaryMark}${seed.toString(36)}${Math.floor(random() * 1e9).toString(36)}${canaryMark}`;
  const value = pick(random, values)(secret);
  const flag = `${random() < 0.8 ? '--' : '-'}${name}`;
  const front = random() < 0.5 ? [] : ['--verbose', 'serve'];
  const back = random() < 0.5 ? [] : ['--port', '8080'];
  if (random() < 0.2) {
    return madePlain(seed, random);
  }
  const all = [...Object.keys(positions), ...Object.keys(fields)];
  const place = pick(random, all);
  const what = `${place}; ${name}; ${value}`;
  const field = fields[place];
  if (field) {
    const entry = field(name, value);
    return { what, byShape: false, entry: entry.url === undefined ? { command: 'server', ...entry } : entry };
  }
  const args = positions[place]?.(name, value, flag) ?? [];
  const program = programs[args[0] ?? ''];
  return {
    what,
    byShape: true,
    entry: program ? { command: program, args } : { command: 'server', args: [...front, ...args, ...back] },
  };
}

/** A plain word, or a phrase of some, as a secret: nothing but its name tells it. */
function madePlain(seed: number, random: Random): MadeSecret {
  const parts = `${pick(random, prefixes)} ${pick(random, random() < 0.5 ? doubtfulWords : words)}`.trim().split(' ');
  const name = pick(random, cases)(parts).replaceAll('2', '');
  const letters = [...seed.toString(26)].map((digit) => String.fromCharCode(97 + Number.parseInt(digit, 26))).join('');
  const phrase = `legal winner thank year ${wordMark} sausage worth useful legal winner thank yellow`;
  const isPhrase = random() < 0.2;
  const place = pick(random, isPhrase ? ['option and value'] : plainPositions);
  const value = isPhrase ? phrase : `${wordMark}${letters}`;
  const args = positions[place]?.(name, value, `--${name}`) ?? [];
  const program = programs[args[0] ?? ''];
  return {
    what: `${place}; ${name}; ${value}`,
    byShape: true,
    entry: program ? { command: program, args } : { command: 'server', args: [...args, '--port', '8080'] },
  };
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

function pick<T>(random: Random, list: readonly T[]): T {
  const item = list[Math.floor(random() * list.length)];
  if (item === undefined) {
    throw new Error('an empty list');
  }
  return item;
}

/** mulberry32. */
function randomFrom(seed: number): Random {
  let state = seed * 2_654_435_769;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
