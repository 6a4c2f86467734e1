import { deepEqual, equal, ok } from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { createRedactor, redactShapes, secretsOf } from '../../../src/redaction/redactor.ts';
import { redacted } from '../../../src/redaction/secretShapes.ts';

const S = 'c4naryQ7x';
const longToken = `${S}${'a1B2'.repeat(8)}`;
/** A plain word, and what must not be seen of a number. */
const W = 'canaries';
const plain = createRedactor([]);

/** Arguments with a secret that nothing but their shape shows. */
const hidden: Readonly<Record<string, readonly string[]>> = {
  'a field whose value has an escaped quote': ['--config', `{"password":"a\\"${S}"}`],
  'a field in JSON that is a text of its own': ['--config', `"{\\"password\\":\\"a\\\\\\"${S}\\"}"`],
  'a list of secrets': ['--config', `{"tokens":["${S}"]}`],
  'a list of secrets, the second': ['--config', `{"apiKeys": ["$A", "${S}"]}`],
  'a connection string with blanks': ['--db', `Host=db Password=${S}`],
  'user and password in one option': [`--user=u:${S}`],
  'a name and a value in one argument': ['--opt', `password:${S}`],
  'a name, a blank and a value in one argument': ['--opt', `apiKey: ${S}`],
  'an option with a slash': [`/password:${S}`],
  'an equals sign as a word': ['--token', '=', S],
  'an equals sign at the end': ['--token=', S],
  'an option inside of an option': [`--args=--token ${S}`],
  'an option inside of an option, in two words': ['--args=--token', S],
  'a setting of a registry': [`//registry.example/:_authToken=${S}`],
  'the query of an address without a scheme': [`h.example/mcp?token=${S}`, `h:1/?a=1&api_key=${S}`, `/mcp?a&access_token=${S}`],
  'a password source of openssl': ['-passin', `pass:${S}`],
  'an address of Oracle': [`jdbc:oracle:thin:u/${S}@db:1521/x`],
  'a bot of Telegram': [`https://api.telegram.org/bot123:${S}/getMe`],
  'a password glued to an option of one letter': [`-p${S}`],
  'a password after an option of one letter': ['-p', S],
  'a password after a capital letter': [`-P${S}`, '-P', S],
  'a key after any letter': ['-k', `${S}9`, `-t${S}9`],
  'a password of an option with a slash and one letter': [`/p:${S}`],
  'a property of Java': [`-Dpassword=${S}`],
  'a property of Gradle': [`-PapiKey=${S}`],
  'an element of XML': [`<password>${S}</password>`],
  'user and password of a share': [`//user:${S}@h/share`],
  'the fragment of an address': [`https://h/x#${longToken}`],
};
/** Arguments with a plain word as a secret: only the name before it tells. */
const named: Readonly<Record<string, readonly string[]>> = {
  'a seed': ['--seed', W],
  'a seed of a phrase': ['--wallet-seed', `legal winner thank year wave ${W} worth useful legal winner thank yellow`],
  'a seed in one argument': [`--seed=${W}`, `--seed:${W}`, `/seed:${W}`, `seed=${W}`],
  'a name that may mean a secret, in JSON': ['--config', `{"session":"${W}","salt": "${W}","seedPhrase":"${W}"}`],
  'a recovery phrase': ['--recovery-phrase', W],
  'what signs': ['--signing', W, '--signing-secret', W, '--signing-phrase', W, '--signature', W],
  'a pin, and codes': ['--pin', W, '--otp', W, '--mfa', '918273645'],
  'a cookie': ['--cookie', W],
  cookies: ['--cookie', `a=b; c=${W}`],
  'cookies that the system split': ['--cookie', 'a=b;', `c=${W};`, `d=${W}`],
  'a session': ['--session', W],
  'a session by its number': ['--session-id', W, `--sessionId=${W}`],
  'what authenticates': ['--auth', W, '--pat', W, '--psk', W, '--passkey', W, '--csrf', W],
  'user and password': ['--user', `me:${W}`, '-u', `me:${W}`, '--http-user', `me:${W}`, `--basic=me:${W}`],
  'user and password of Samba': ['-U', `me%${W}`, '--user', `DOM\\me%${W}`, '-U', `dom/me%${W}`],
  'value after a name that ends with it': ['--auth-value', W, `--pass-value=${W}`],
  'user and password of Oracle': ['--user', `me/${W}`],
  'a number as a password': ['--user', 'me:918273645', '-u', 'me:918273645'],
  'a user that looks like a token': ['--user', '918273645aB3c'],
};
/** Addresses whose fragment is no anchor. */
const fragments = ['hunter2x', 'S3cr3t', '!pw', '/s/aB3x', 'KEY==', 'token=zZ', '%24a', 'a'.repeat(40), '/token/word'];
/** Arguments that hold no secret. */
const shown: readonly (readonly string[])[] = [
  ['--max-tokens', '100', '--output-tokens=8000', '{"maxTokens":[1,2],"tokens":12}', '{"max_tokens":["a"]}'],
  ['--user', '1000:1000', '--user=1000:1000', '--scope', 'token', '--key-value', 'pairs', '-u', 'dir/name'],
  ['git+https://git@github.com/o/r.git#0123456789abcdef0123456789abcdef01234567', 'https://h/docs#getting-started-with-version-2'],
  ['-passin', 'file:/etc/pw', '-passin', 'env:PW', '/etc/keys/list:ro', 'C:\\keys\\a', '/usr/share/tokens'],
  ['got token: expected a string', 'the key: see the manual', 'npm:chromadb@1.2.3'],
  [
    '-p',
    '8080',
    '-p8080',
    '-p',
    '127.0.0.1:8080:80',
    '-p',
    '@scope/pkg@1.2.3',
    '-ppkg@1.2.3',
    '-p',
    'chromadb2',
    '-pthread',
    '-p',
    '/srv/a1',
  ],
  ['-m', 'gpt-4o', '-m', 'notes_mcp', '-Xmx512m', '-n', 'x86_64-linux-gnu', '-vv', '-Dfile.encoding=UTF-8', '<name>a1</name>', '/h:24'],
  [
    'https://h/docs#install',
    'https://h/#/route/list',
    'https://h/x.md#L10-L20',
    'https://h/x#v1.2.3',
    'https://h/x#gettingStarted',
    'https://h/#',
  ],
  ['git+https://github.com/o/r#4f1c2d3', 'https://github.com/o/r.git#semver:^1.2', 'https://h/a?x=&debug=#top', '(see https://h/x#top).'],
  [
    '--seed',
    '42',
    '--seed=-1',
    '--seed',
    '0.5',
    '--seed',
    'random',
    '--session',
    'new',
    '--session',
    '/tmp/session.json',
    '--session=main.db',
  ],
  [
    '--session',
    '@scope/server',
    '--session',
    'chromadb-mcp@1.2.3',
    '--session',
    'server.js',
    '--session',
    '--port',
    '8080',
    '--session-name',
    'work',
  ],
  ['--user', 'me', '--username=me', '--login', 'me@example.com', '-u', 'localhost:8080', '-u', 'db.local:5432', '--user', '@scope/server'],
  [
    '--signing-method',
    'HS256',
    '--salt-length',
    '16',
    '--session-timeout',
    '60',
    '--cookie-file',
    '/x',
    '--seed-file',
    '/x',
    '--author',
    'me',
  ],
  ['--assigning', 'tasks', '--obsession', 'tea', '--paraphrase', 'all', '--basalt', 'rock', '--proceed', 'now', '--pinned', 'yes'],
  ['jdbc:sqlite:/var/x.db', 'jdbc:oracle:thin:@db:1521/x', '--key', '=', '$KEY'],
];

describe('Secrets that only their shape shows', () => {
  for (const [what, args] of Object.entries(hidden)) {
    it(`${what}: ${args.join(' ')}`, () => {
      const texts = [
        plain.args(args).join(' '),
        plain.text(args.join(' ')),
        plain.args(['x', ...args, '--port', '1']).join(' '),
        ...args.map((arg) => plain.url(arg)).slice(0, args[0]?.startsWith('https') ? 1 : 0),
      ];
      deepEqual(
        texts.filter((text) => text.includes(S)),
        [],
      );
      deepEqual(plain.args(plain.args(args)), plain.args(args), 'redacting twice changes nothing');
    });
  }

  for (const [what, args] of Object.entries(named)) {
    it(`${what}: ${args.join(' ')}`, () => {
      for (const text of [plain.args(args).join(' '), plain.text(args.join(' ')), plain.args(['x', ...args, '--port', '1']).join(' ')]) {
        ok(!/canaries|918273645/.test(text), text);
      }
      deepEqual(plain.args(plain.args(args)), plain.args(args), 'redacting twice changes nothing');
    });
  }

  for (const fragment of fragments) {
    it(`the fragment of an address: ${fragment}`, () => {
      const address = `https://h.example/mcp#${fragment}`;
      for (const text of [plain.url(address), ...plain.args([address]), plain.text(`x ${address} y`)]) {
        ok(!text.includes(fragment.split('=')[1] || fragment), text);
        ok(text.includes('https://h.example/mcp#') && text.includes('redacted'), text);
      }
    });
  }

  it('are secrets everywhere else too', () => {
    for (const [what, args] of Object.entries(hidden)) {
      ok(
        secretsOf({ args, env: {}, headers: [] }).some((secret) => secret.includes(S)),
        what,
      );
    }
  });

  it('are found in words without signs by the rule for tokens alone, as by all rules', () => {
    const parts = [
      '-',
      '--',
      '-p',
      '/',
      '@',
      '.',
      '+',
      '~',
      '_',
      'token',
      'password',
      'user',
      'bot1',
      'v1.2.3',
      'server',
      S,
      'mysql',
      'Bearer',
      'sk-',
      'ghp_',
    ];
    const word = fc.array(fc.oneof(fc.constantFrom(...parts, longToken), fc.stringMatching(/^[\w@.+~/-]{0,12}$/)), { maxLength: 6 });
    fc.assert(
      fc.property(word, (found) => equal(plain.text(found.join('')), redactShapes(found.join('')))),
      { numRuns: 5_000 },
    );
    equal(plain.text(`a/ghp_${longToken}`), `a/${redacted}`);
  });

  it('are not seen in sentences', () => {
    for (const text of ['the password: required', 'got token: expected a string', 'Secrets: see above. Key: none']) {
      equal(plain.text(text), text);
    }
  });

  for (const args of shown) {
    it(`are not seen in ${args.join(' ')}`, () => {
      deepEqual(plain.args(args), args);
      deepEqual(
        args.map((arg) => plain.text(arg)),
        args,
      );
    });
  }
});
