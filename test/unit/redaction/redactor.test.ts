import { deepEqual, equal, ok } from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { RawDefinition } from '../../../src/model/definition.ts';
import { createRedactor, redactDefinition, secretsOf } from '../../../src/redaction/redactor.ts';
import { isOrdinaryValue, isSecretName, redacted } from '../../../src/redaction/secretShapes.ts';
import { hangMs, processorTime } from '../processorTime.ts';

/** Made at run time so that no secret scanner stumbles over this file. */
const shaped = {
  github: `ghp_${'a1B2'.repeat(9)}`,
  githubFine: `github_pat_${'a1B2_'.repeat(9)}`,
  gitlab: `glpat-${'x9-Y'.repeat(6)}`,
  npm: `npm_${'a1B2'.repeat(9)}`,
  openai: `sk-proj-${'a1B2'.repeat(9)}`,
  slack: `xoxb-${'1234567890'}-abcdefghij`,
  aws: `AKIA${'ABCDEFGH12345678'}`,
  jwt: `eyJhbGciOiJIUzI1NiJ9.${'eyJzdWIiOiIx'}.abc-DEF_123`,
  google: `AIza${'a1B2'.repeat(9)}`,
};
const plain = createRedactor([]);
const variable = (name: string): string => `\${${name}}`;

describe('isSecretName', () => {
  for (const name of [
    '--api-key',
    '--apikey',
    'GITHUB_TOKEN',
    'X-Auth-Token',
    'clientSecret',
    '--password',
    'DB_PASSWD',
    '--token',
    'OPENAI_API_KEY_2',
    'Authorization',
    '--ssh-key',
    'CONNECTION_STRING',
    'cookie',
  ]) {
    it(`${name} names a secret`, () => ok(isSecretName(name)));
  }
  for (const name of [
    '--max-tokens',
    '--key-file',
    '--token-url',
    '--author',
    '--keyboard',
    '--no-auth',
    '--auth-type',
    '--key-bindings',
    '--password-stdin',
    'SSH_KEY_PATH',
    '--port',
    'MONKEY',
  ]) {
    it(`${name} does not`, () => ok(!isSecretName(name)));
  }
});

describe('createRedactor: args', () => {
  const cases: readonly [readonly string[], readonly string[]][] = [
    [
      ['--token', 'abcd1', '--port', '80'],
      ['--token', redacted, '--port', '80'],
    ],
    [['--api-key=abcd1'], [`--api-key=${redacted}`]],
    [
      ['-H', 'Authorization: Bearer abc'],
      ['-H', `Authorization: ${redacted}`],
    ],
    [
      ['--header', 'X-Any:abc'],
      ['--header', `X-Any:${redacted}`],
    ],
    [
      ['MY_TOKEN=abc12', 'ANY_THING=12'],
      [`MY_TOKEN=${redacted}`, `ANY_THING=${redacted}`],
    ],
    [
      ['run', '-e', 'PLAIN=x1', '-e', 'PASSED', 'image'],
      ['run', '-e', `PLAIN=${redacted}`, '-e', 'PASSED', 'image'],
    ],
    [
      ['-u', 'me:pw', '--user', '1000:1000'],
      ['-u', redacted, '--user', '1000:1000'],
    ],
    [
      ['--token', '--verbose', '--password', '-x9Yz12'],
      ['--token', '--verbose', '--password', redacted],
    ],
    [
      ['run', '-ePLAIN=x1', 'image'],
      ['run', `-ePLAIN=${redacted}`, 'image'],
    ],
    [
      ['--pw', 'word', '--mnemonic=word word', '--passcode', 'word', '--hmac', 'word'],
      ['--pw', redacted, `--mnemonic=${redacted}`, '--passcode', redacted, '--hmac', redacted],
    ],
    [
      ['/token', 'a1B2c3', '/srv', '/port', '80'],
      ['/token', redacted, '/srv', '/port', '80'],
    ],
    [['--url=https://h.example/mcp?word'], [`--url=https://h.example/mcp?${redacted}`]],
    [['https://me:pw@h.example/p?api=1&x=#frag'], [`https://${redacted}@h.example/p?api=${redacted}&x=#frag`]],
    [
      ['--config', '{"token":"a b","port":1}'],
      ['--config', `{"token":"${redacted}","port":1}`],
    ],
    [
      ['--token', variable('input:key'), '--key', '$KEY'],
      ['--token', variable('input:key'), '--key', '$KEY'],
    ],
    [
      ['--header', 'X-Api-Key', 'S3', '--port', '1'],
      ['--header', 'X-Api-Key', redacted, '--port', '1'],
    ],
    [
      ['--header', 'X-Api-Key', '--port', '1'],
      ['--header', 'X-Api-Key', '--port', '1'],
    ],
    [
      ['--header', 'Authorization:', 'Bearer', 'S3'],
      ['--header', 'Authorization:', redacted, redacted],
    ],
    [
      ['Authorization:', 'S3', 'http://h/mcp'],
      ['Authorization:', redacted, 'http://h/mcp'],
    ],
    [
      ['--token', 'Bearer', 'S3'],
      ['--token', 'Bearer', redacted],
    ],
    [
      ['--Token:S3', '--Auth:Token=S3', '--url:http://h'],
      [`--Token:${redacted}`, `--Auth:Token=${redacted}`, '--url:http://h'],
    ],
    [
      ['/usr/bin/mysql', '-h', 'db', '-pS3', 'base'],
      ['/usr/bin/mysql', '-h', 'db', `-p${redacted}`, 'base'],
    ],
    [
      ['node', '-p', '1+1', '-pretty'],
      ['node', '-p', '1+1', '-pretty'],
    ],
    [
      ['sshpass', '-p', 'S3', 'ssh', 'host'],
      ['sshpass', '-p', redacted, 'ssh', 'host'],
    ],
    [
      ['--db', 'Server=x;User Id=sa;Password=a b;Encrypt=true'],
      ['--db', `Server=x;User Id=sa;Password=${redacted};Encrypt=true`],
    ],
    [
      ['/home/me/.venv/bin/python', '-m', 'server', '--mode', 'stdio', '--max-tokens', '100'],
      ['/home/me/.venv/bin/python', '-m', 'server', '--mode', 'stdio', '--max-tokens', '100'],
    ],
  ];
  for (const [input, expected] of cases) {
    it(input.join(' '), () => {
      deepEqual(plain.args(input), expected);
      deepEqual(plain.args(plain.args(input)), expected, 'redacting twice changes nothing');
    });
  }
});

describe('createRedactor: text', () => {
  const cases: readonly [string, string][] = [
    ['node x.js --verbose --token abc9 --port 1', `node x.js --verbose --token ${redacted} --port 1`],
    [
      'npm exec mcp-remote https://h/mcp --header Authorization: Bearer ab cd --debug',
      `npm exec mcp-remote https://h/mcp --header Authorization: ${redacted} --debug`,
    ],
    [`sh -c 'API=1 KEY_X="a b" node x'`, `sh -c 'API=${redacted} KEY_X=${redacted} node x'`],
    ['curl -H "X-Api-Key: a b" http://h', `curl -H "X-Api-Key: ${redacted}" http://h`],
    ['got Bearer abc123xyz.', `got Bearer ${redacted}`],
    [
      'git+https://git@github.com/o/r.git#0123456789012345678901234567890123456789',
      'git+https://git@github.com/o/r.git#0123456789012345678901234567890123456789',
    ],
    ['postgres://u:p@db.local:5432/x and more', `postgres://${redacted}@db.local:5432/x and more`],
    ['https://mcp.example.com/s/N2QyZjQ4YTctYjQ2Ni00/mcp', `https://mcp.example.com/s/${redacted}/mcp`],
    ['https://h/token/a1b2c3/mcp', `https://h/token/${redacted}/mcp`],
    ['https://h/s/a1b2c3d4e5/mcp', `https://h/s/${redacted}/mcp`],
    ['https://h/v1beta2/2024-11-05/x86_64-linux-gnu2/keys/list', 'https://h/v1beta2/2024-11-05/x86_64-linux-gnu2/keys/list'],
    ['AccountName=x;AccountKey=abc==;Suffix=core', `AccountName=x;AccountKey=${redacted};Suffix=core`],
    ['cannot connect: "Server=x;Pwd=a b"', `cannot connect: "Server=x;Pwd=${redacted}"`],
    ['npx x --header X-Api-Key S3 --port 1', `npx x --header X-Api-Key ${redacted} --port 1`],
    ['x -H localhost start', 'x -H localhost start'],
    ['sent Authorization: S3 to h', `sent Authorization: ${redacted} to h`],
    ['Cookie: a=b; c=d', `Cookie: ${redacted}`],
    ['got token: expected a string', 'got token: expected a string'],
    ['app --Token:S3 --port 1', `app --Token:${redacted} --port 1`],
    ['failed: me:pw@db.local:5432', `failed: ${redacted}@db.local:5432`],
    ['me@example.com, mailto:me@example.com, git@github.com:o/r.git', 'me@example.com, mailto:me@example.com, git@github.com:o/r.git'],
    ['npm:chromadb@1.2.3 image:tag@sha256:abcdef', 'npm:chromadb@1.2.3 image:tag@sha256:abcdef'],
    ['mysqldump --port=3 -u me -pS3 base', `mysqldump --port=3 -u me -p${redacted} base`],
    ['login failed, password=abc', `login failed, password=${redacted}`],
    ['runs chromadb 0.6.3 since Tue 14:02 (PID 4711)', 'runs chromadb 0.6.3 since Tue 14:02 (PID 4711)'],
    ['basic authentication, bearer tokens', 'basic authentication, bearer tokens'],
  ];
  for (const [input, expected] of cases) {
    it(input, () => {
      equal(plain.text(input), expected);
      equal(plain.text(plain.text(input)), expected);
    });
  }
  for (const [name, token] of Object.entries(shaped)) {
    it(`a ${name} token by its look`, () => {
      for (const text of [token, `x ${token} y`, `a/${token}?b`, `"${token}"`]) {
        ok(!plain.text(text).includes(token.slice(4, 20)), plain.text(text));
      }
    });
  }
});

describe('createRedactor: words beside a name', () => {
  const made = ['a1b2', 'C3d4'].join('');
  for (const [before, between] of [
    ['session', ' '],
    ['password', ' '],
    ['the password', ' '],
    ['access token', '  '],
    ['auth', ' '],
    ['Password', '\n'],
    ['secret', '\r\n'],
    ['db_password', '\\n'],
  ] as const) {
    it(`hides the value after ${JSON.stringify(before + between)}`, () => {
      for (const text of [`${before}${between}${made}`, `x ${before}${between}${made}, y`, `"${before}${between}${made}"`]) {
        equal(plain.text(text), text.replace(made, redacted));
      }
      deepEqual(plain.args(['serve', before.split(' ').at(-1) ?? '', made]).at(-1), redacted);
      deepEqual(secretsOf({ command: 'x', args: [before.split(' ').at(-1) ?? '', made], env: {}, headers: [] }), [made]);
    });
  }
  for (const text of [
    'the password was wrong 3 times in 10 s',
    'unknown key mcpServers2 in line 14',
    'key python3.12 of session work-2024, session main1',
    'Unexpected token } in JSON at position 4711',
    'got token 128000 of 200000, 12ms, 5kB',
    'auth chromadb-mcp@1.2.3 over oauth2',
    'auth @scope/server@2.0.0-beta.1',
    'read key /home/me/.ssh/id_ed25519.pub',
    'password $DB_PASSWORD2 and token %TOKEN_12%',
    'session 2026-11-23T14:02:11 started',
    'npx -y mcp-auth 127.0.0.1:8080 --session new --port 8700',
    'the secret is in https://vault.example/v1',
    'signature SHA256-RSA2048',
  ]) {
    it(`leaves ${text}`, () => {
      equal(plain.text(text), text);
      deepEqual(plain.args(text.split(' ')), text.split(' '));
    });
  }
});

describe('createRedactor: known values', () => {
  const redactor = createRedactor(['s3cr3t-value-1234', 'a b&c/12', 'h4x0', 'true', 'x', 'stdio', 's3cr3t-value-1234-longer']);
  it('replaces them anywhere, the longest first', () => {
    equal(redactor.text('(s3cr3t-value-1234-longer)(xs3cr3t-value-1234y)'), `(${redacted})(x${redacted}y)`);
  });
  it('replaces them URL-encoded', () => equal(redactor.text(`x/${encodeURIComponent('a b&c/12')}/y`), `x/${redacted}/y`));
  it('replaces short ones where they stand alone', () =>
    equal(redactor.text('h4x0 h4x0r "h4x0" 4h4x0'), `${redacted} h4x0r "${redacted}" 4h4x0`));
  it('replaces them after options whose pairs have a rule of their own', () => {
    for (const option of ['-e', '--env', '--build-arg', '-H', '--header']) {
      deepEqual(redactor.args(['run', option, 's3cr3t-value-1234']), ['run', option, redacted]);
    }
  });
  it('leaves words that say nothing', () => equal(redactor.text('x is true over stdio'), 'x is true over stdio'));
  it('in an address whose query has no name', () => {
    for (const [address, shown] of [
      ['https://h/mcp?word', `https://h/mcp?${redacted}`],
      ['HTTPS://H/mcp?a=1&word', `HTTPS://H/mcp?a=${redacted}&${redacted}`],
      ['https://h/mcp?${KEY}', 'https://h/mcp?${KEY}'],
      ['https://h/mcp?', 'https://h/mcp?'],
      [' https://h/mcp?word', ` https://h/mcp?${redacted}`],
      ['https://h/mcp\n?word', `https://h/mcp\n?${redacted}`],
      ['http://[bad/mcp?word', `http://[bad/mcp?${redacted}`],
      ['h.example/mcp?word', `h.example/mcp?${redacted}`],
      ['me:pw@h.example/mcp', `${redacted}@h.example/mcp`],
      ['localhost:8700/mcp', 'localhost:8700/mcp'],
    ] as const) {
      equal(redactor.url(address), shown);
    }
  });
  it('in addresses too', () => equal(redactor.url('https://h/s3cr3t-value-1234/mcp'), `https://h/${redacted}/mcp`));
  it('replaces values of 40,000 characters, also where a text holds only their beginning', () => {
    const long = ['a(b', 'c1+'].map((part) => part.repeat(14_000));
    const odd = createRedactor(long);
    for (const [index, value] of long.entries()) {
      equal(odd.text(`x ${value}`), `x ${redacted}`);
      equal(odd.text(`cannot start ${value.slice(0, 30_000)}… of ${index}`), `cannot start ${redacted}… of ${index}`);
      const cut = odd.text(`${'z'.repeat(65_536 - 20)}${value}`);
      ok(!cut.includes(value.slice(0, 20)), 'the end of a text that is cut');
      deepEqual(odd.args(['--opt', value]), ['--opt', redacted]);
    }
  });
  it('replaces values with signs that are not seen also where a text shows spaces for them', () => {
    const odd = createRedactor(['s3cr3t\n\x1b-1234', '$2b$s3cr3t-5678\0', '\u2028p4ss\0w0rd']);
    equal(odd.text("mcp#$2b$s3cr3t-5678 'x s3cr3t -1234 p4ss w0rd"), `mcp#${redacted} 'x ${redacted} ${redacted}`);
  });
  it('replaces values that overlap, whole', () => {
    const both = createRedactor(['abcdefgh-1', 'gh-1-ijklmn', 'abcd1', 'd1-opqrstuv']);
    equal(both.text('(abcdefgh-1-ijklmn)(abcd1-opqrstuv)'), `(${redacted})(abc${redacted})`);
  });
  it('leaves its own mark alone, whatever the values are', () => {
    const odd = createRedactor(['redacted', 'redacted›', 'acted']);
    equal(odd.text(odd.text('x redacted y')), `x ${redacted} y`);
  });
  it('survives half a surrogate pair, regular expression signs and very long text', () => {
    const odd = createRedactor(['\ud800half-pair', '(.*)+$^[a', '\\d+\\d+\\d+']);
    equal(odd.text('x(.*)+$^[a'), `x${redacted}`);
    const began = processorTime();
    odd.text(`--${'a-'.repeat(300_000)}`);
    odd.text('"a"'.repeat(100_000));
    odd.text('A='.repeat(100_000));
    odd.text('a:'.repeat(100_000));
    odd.text('mysql '.repeat(20_000));
    odd.text(';a b'.repeat(30_000));
    odd.text('a.b:'.repeat(30_000));
    odd.text(`--${'a:'.repeat(30_000)}`);
    odd.text('--header x '.repeat(10_000));
    odd.text(`x${' '.repeat(60_000)}:`);
    odd.text('key=key=key '.repeat(5_000));
    odd.text(`"a' `.repeat(16_000));
    odd.text('sh -c "'.repeat(9_000));
    odd.text('$('.repeat(30_000));
    odd.text('curl -b '.repeat(8_000));
    odd.args(Array.from({ length: 3_000 }, () => '-pa'));
    odd.args(['--header', `x${' '.repeat(100_000)}`]);
    isOrdinaryValue(`/${'a/'.repeat(30_000)}!`);
    isOrdinaryValue(`${'a-'.repeat(30_000)}!`);
    isOrdinaryValue(`${'a.b'.repeat(30_000)}!`);
    ok(processorTime() - began < hangMs, `${processorTime() - began} ms`);
  });
});

describe('secretsOf', () => {
  it('takes what must not be shown and leaves what is ordinary', () => {
    const secrets = secretsOf({
      args: [
        '--api-key',
        'args-key-1',
        '--token=args-key-2',
        '--token',
        variable('input:x'),
        'https://u:pass-in-url@h/?access_token=in-query',
      ],
      env: {
        API_TOKEN: 's3cr3t-value',
        MEMORY_FILE_PATH: '/home/me/memory.json',
        LOG_LEVEL: 'debug',
        PROJECT: 'chromadb',
        PORT: '8080',
        DATABASE: 'postgres://u:pw123@h/db',
        ODD: 'zX9-Qq1+7w==',
        TOKEN_REF: variable('env:TOKEN'),
        GONE: null,
        BASE: 'https://api.example.com/v1',
      },
      headers: ['Bearer abcdefghijklmnop', variable('input:y')],
    });
    deepEqual(secrets.sort(), [
      'Bearer abcdefghijklmnop',
      'abcdefghijklmnop',
      'args-key-1',
      'args-key-2',
      'in-query',
      'pass-in-url',
      'postgres://u:pw123@h/db',
      'pw123',
      's3cr3t-value',
      'u:pass-in-url',
      'zX9-Qq1+7w==',
    ]);
  });
});

describe('the working directory in the environment', () => {
  it('is no secret, unlike other values of that name', () => {
    const env = { PWD: '/srv/a+b', OLDPWD: 'C:\\work\\x1y2', MY_PWD: '/srv/s3cr3t' };
    deepEqual(secretsOf({ args: [], env, headers: [] }), ['/srv/s3cr3t']);
    deepEqual(secretsOf({ args: [], env: { PWD: 'S3cr3t-1' }, headers: [] }), ['S3cr3t-1']);
    equal(createRedactor(secretsOf({ args: [], env, headers: [] })).text('node /srv/a+b/server.js'), 'node /srv/a+b/server.js');
  });
});

describe('redactDefinition', () => {
  it('keeps names and drops values', () => {
    const raw: RawDefinition = {
      id: '0',
      client: 'vscode',
      readBy: ['vscode'],
      scope: 'workspace',
      file: '/w/.vscode/mcp.json',
      line: 3,
      name: 'mem',
      transport: 'stdio',
      command: 'npx',
      args: ['-y', 'pkg', 's3cr3t-value-1234'],
      env: { API_TOKEN: 's3cr3t-value-1234', LOG_LEVEL: 'debug' },
      cwd: '/w',
      secrets: ['s3cr3t-value-1234'],
      enabled: true,
      vscodeCollection: 'folder',
    };
    const { env: _, secrets: __, ...kept } = raw;
    deepEqual(redactDefinition(raw, createRedactor(raw.secrets)), {
      ...kept,
      args: ['-y', 'pkg', redacted],
      envNames: ['API_TOKEN', 'LOG_LEVEL'],
    });
  });
});

describe('passwords in addresses', () => {
  const redactor = createRedactor([]);
  for (const address of [
    'postgres://user:LEAK/x@host/db',
    'postgres://u:LEAK?x@host/db',
    'postgres://u:LEAK#x@host/db',
    'https://u:LEAK/p@h/x',
    'https://h/mcp/LEAK44',
    'https://h/LEAKLEAK12/sse?x=1',
  ]) {
    it(`are hidden, whatever they hold: ${address}`, () => {
      for (const text of [redactor.url(address), redactor.text(`--db ${address}`), ...redactor.args([address])]) {
        ok(!text.includes('LEAK'), text);
      }
    });
  }
  it('are not seen where there are none', () => {
    equal(redactor.url('http://localhost:8700/@scope/pkg'), 'http://localhost:8700/@scope/pkg');
    equal(redactor.url('https://git@github.com/a/b'), 'https://git@github.com/a/b');
    for (const address of ['https://h/API/v2/MCP', 'https://github.com/ORG123/REPO45', 'http://h/PART12.tgz', 'file:///srv/BUILD123/x']) {
      equal(redactor.url(address), address);
    }
  });
});
