import { deepEqual, ok } from 'node:assert/strict';
import { describe, it } from 'mocha';
import { createRedactor, secretsOf } from '../../../src/redaction/redactor.ts';

type Shape = readonly [what: string, command: string, args: readonly string[]];

/** Where command lines of real servers and programs have a secret (%S), in arguments and in the one text that some systems give for all: hidden also where it is a plain word. */
const anyWord: readonly Shape[] = [
  ['--sid', 'server', ['--sid', '%S']],
  ['--sid=', 'server', ['--sid=%S']],
  ['--oauth', 'server', ['--oauth', '%S']],
  ['--oauth=', 'server', ['--oauth=%S']],
  ['--userpass', 'server', ['--userpass', 'me:%S']],
  ['--userpass word', 'server', ['--userpass', '%S']],
  ['curl -b', 'curl', ['-b', 'sid=%S', 'https://h/']],
  ['curl -b 2', 'curl', ['-b', 'a=1; sid=%S', 'https://h/']],
  ['curl -bsid', 'curl', ['-bsid=%S', 'https://h/']],
  ['curl -u glued', 'curl', ['-ume:%S', 'https://h/']],
  ['curl -E cert:pw', 'curl', ['-E', 'cert.pem:%S']],
  ['curl --cert', 'curl', ['--cert', 'cert.pem:%S']],
  ['sh redis-cli -a', 'sh', ['-c', 'redis-cli -a %S ping']],
  ['sh redis-cli -a quoted', 'sh', ['-c', `redis-cli -h h -a '%S' ping`]],
  ['sh abs redis-cli', 'bash', ['-lc', 'exec /usr/bin/redis-cli -h h -a "%S" --tls']],
  ['redis-cli -a', 'redis-cli', ['-h', 'h', '-a', '%S']],
  ['redis-cli -aS', 'redis-cli', ['-a%S']],
  ['sh sshpass', 'sh', ['-c', 'sshpass -p %S ssh me@h node server.js']],
  ['sh sshpass quoted', 'sh', ['-c', `sshpass -p '%S' ssh me@h 'mcp'`]],
  ['sshpass', 'sshpass', ['-p', '%S', 'ssh', 'me@h']],
  ['sh mongosh -p', 'sh', ['-c', 'mongosh --host h -u me -p %S']],
  ['mongosh -p', 'mongosh', ['-u', 'me', '-p', '%S']],
  ['sh ldapsearch -w', 'sh', ['-c', 'ldapsearch -D cn=x -w %S']],
  ['docker lower -e', 'docker', ['run', '-e', 'notion=%S', 'x']],
  ['docker login -p', 'docker', ['login', '-u', 'me', '-p', '%S']],
  ['podman -e', 'podman', ['run', '-e', 'a.b=%S', 'x']],
  ['docker sh one', 'sh', ['-c', 'docker run -i --rm -e NOTION=%S -e b=%S mcp/notion']],
  ['supergateway stdio redis', 'npx', ['-y', 'supergateway', '--stdio', 'redis-cli -a %S']],
  ['mcp-proxy nested', 'mcp-proxy', ['--port', '80', '--', 'redis-cli', '-a', '%S']],
  ['az login -p', 'az', ['login', '--service-principal', '-u', 'x', '-p', '%S', '--tenant', 't']],
  ['aws', 'aws', ['configure', 'set', 'aws_secret_access_key', '%S']],
  ['gcp key id', 'server', ['--creds', '{"private_key_id":"%S"}']],
  ['ssh -w', 'npx', ['-y', '@fangjunjie/ssh-mcp-server', '-h', 'h', '-u', 'root', '-w', '%S']],
  ['ssh -P', 'npx', ['-y', '@fangjunjie/ssh-mcp-server', '-u', 'root', '-k', '/k', '-P', '%S']],
  ['oracle sqlplus', 'sqlplus', ['me/%S@//h:1521/x']],
  ['oracle sql', 'sql', ['me/%S@h']],
  ['oracle sqlcl cmd', 'sh', ['-c', 'sql me/%S@h']],
  ['sqlcmd -PS', 'sqlcmd', ['-U', 'sa', '-P%S']],
  ['bcp', 'bcp', ['t', 'in', 'f', '-U', 'sa', '-P', '%S']],
  ['sh sqlcmd -P', 'sh', ['-c', 'sqlcmd -U sa -P %S']],
  ['vault', 'vault', ['login', '%S']],
  ['doppler -t', 'doppler', ['run', '-t', '%S', '--', 'npx', 'x']],
  ['powershell env odd', 'powershell', ['-Command', `$env:X='%S'; npx x`]],
  ['powershell env odd blanks', 'powershell', ['-Command', '$env:X = "%S"; npx x']],
  ['pwsh -c', 'pwsh', ['-c', `$Env:NOTION='%S';npx x`]],
  ['powershell ${env:X}', 'pwsh', ['-c', "${env:NOTION}='%S';npx x"]],
  ['powershell SetEnv', 'pwsh', ['-c', `[Environment]::SetEnvironmentVariable('X_TOKEN','%S')`]],
  ['powershell ConvertTo', 'pwsh', ['-c', `ConvertTo-SecureString '%S' -AsPlainText -Force`]],
  ['powershell var', 'pwsh', ['-c', `$token = '%S'; x`]],
  ['fish set', 'fish', ['-c', 'set -x API_KEY %S; exec npx x']],
  ['fish set odd', 'fish', ['-c', 'set -gx FOO %S; exec npx x']],
  ['sh lower var', 'sh', ['-c', 'foo=%S exec npx x']],
  ['sh heredoc', 'sh', ['-c', `npx x <<< 'password: %S'`]],
  ['sh echo pipe', 'sh', ['-c', 'echo %S | docker login -u me --password-stdin; npx x']],
  ['sh printf', 'sh', ['-c', `printf '%s' %S | gh auth login --with-token`]],
  ['sh curl -b', 'sh', ['-c', `curl -b 'sid=%S' https://h`]],
  ['sh curl -b nq', 'sh', ['-c', 'curl -b sid=%S https://h']],
  ['sh -c in -c', 'sh', ['-c', `bash -c "redis-cli -a '%S'"`]],
  ['sh -c in -c 2', 'bash', ['-c', `sh -c 'mysql -u me -p"%S"'`]],
  ['ssh remote redis', 'ssh', ['me@h', 'redis-cli -a %S']],
  ['wsl', 'wsl', ['bash', '-c', 'redis-cli -a %S']],
  ['JSON creds', 'server', ['{"credentials":{"user":"x","value":"%S"}}']],
  ['JSON headers odd', 'server', ['--headers', '{"X-Foo":"%S"}']],
  ['JS object', 'server', [`{token:'%S'}`]],
  ['JS object 2', 'server', ['{token:"%S",port:1}']],
  ['JS object 3', 'server', ['{ apiKey : "%S" }']],
  ['JS object 4', 'server', [`{db:{password:'%S'}}`]],
  ['JS list', 'server', [`{tokens:['%S','%S']}`]],
  ['python -c api_key', 'python', ['-c', 'client = Client(api_key="%S")']],
  ['node -e', 'node', ['-e', `require('x')({ token: '%S' })`]],
  ['codex -c table', 'codex', ['-c', 'mcp_servers.x.env={FOO="%S"}']],
  ['codex bearer', 'codex', ['-c', 'mcp_servers.x.http_headers={"X-K"="%S"}']],
  ['--privkey', 'server', ['--privkey', '%S']],
  ['--sk', 'server', ['--sk', '%S']],
  ['--ak', 'server', ['--ak', '%S']],
  ['path segment ;', 'npx', ['mcp-remote', 'https://h/x;jsessionid=%S']],
  ['schemeless fragment', 'npx', ['x', 'h.example/cb#access_token=%S']],
  ['bare fragment', 'npx', ['x', '#access_token=%S']],
  ['npm _auth', 'npm', ['--_auth=%S', 'x']],
  ['dotnet 3', 'dotnet', ['run', '--Api:Key', '%S']],
  ['--auth type value', 'server', ['--auth', 'bearer', '%S']],
  ['--authorization', 'server', ['--authorization', 'Bearer %S']],
  ['--cred', 'server', ['--cred', '%S']],
  ['--htpasswd', 'server', ['--htpasswd', 'me:$apr1$%S']],
  ['--activation-code', 'server', ['--activation-code', '%S']],
  ['--auth-code', 'server', ['--auth-code', '%S']],
  ['--authcode', 'server', ['--authcode', '%S']],
  ['--verification-code', 'server', ['--verification-code', '%S']],
  ['--invite-code', 'server', ['--invite-code', '%S']],
  ['--access-code', 'server', ['--access-code', '%S']],
  ['--pairing-code', 'server', ['--pairing-code', '%S']],
  ['--pass-code', 'server', ['--pass-code', '%S']],
  ['--pass-word', 'server', ['--pass-word', '%S']],
  ['--kennwort', 'server', ['--kennwort', '%S', '--passwort', '%S']],
  ['--sessionkey', 'server', ['--sessionkey', '%S']],
  ['--sessiontoken', 'server', ['--sessiontoken', '%S']],
  ['--bottoken', 'server', ['--bottoken', '%S']],
  ['--usertoken', 'server', ['--usertoken=%S']],
  ['--gittoken', 'server', ['--githubtoken', '%S']],
  ['--mytoken', 'server', ['--mytoken', '%S']],
  ['--dbpass', 'server', ['--dbpass', '%S']],
  ['--dbpassword', 'server', ['--dbpassword=%S']],
  ['--dbpwd', 'server', ['--dbpwd', '%S']],
  ['--rootpw', 'server', ['--rootpw', '%S']],
  ['--smtppass', 'server', ['--smtppass=%S']],
  ['--openaikey', 'server', ['--openaikey', '%S']],
  ['--geminikey', 'server', ['--geminikey=%S']],
  ['--apitoken', 'server', ['--apitoken', '%S']],
  ['--appsecret', 'server', ['--appsecret', '%S']],
  ['--appkey', 'server', ['--appkey', '%S']],
  ['--app-id -s (lark)', 'npx', ['-y', '@larksuiteoapi/lark-mcp', 'mcp', '-a', 'cli_a1b2', '-s', '%S']],
  ['--clientsecret', 'server', ['--clientsecret', '%S']],
  ['--consumerkey', 'server', ['--consumerkey', '%S']],
  ['--userkey', 'server', ['--userkey', '%S']],
  ['--sharedsecret', 'server', ['--sharedsecret', '%S']],
  ['--servicekey', 'server', ['--servicekey', '%S']],
  ['--projectkey', 'server', ['--projectkey', '%S']],
  ['telegram session', 'server', ['--session-string', '%S']],
  ['--telegram-api-hash', 'server', ['--api-hash', '%S']],
  ['--assertion', 'server', ['--assertion', '%S']],
  ['--sessdata', 'server', ['--sessdata', '%S']],
  ['xoxc', 'slack-mcp-server', ['--xoxc', '%S', '--xoxd', '%S']],
  ['pgp', 'server', ['-----BEGIN PGP PRIVATE KEY BLOCK-----\n%S\n-----END PGP PRIVATE KEY BLOCK-----']],
  ['age key', 'server', ['AGE-SECRET-KEY-1%S']],
  ['putty', 'server', ['PuTTY-User-Key-File-2: %S']],
  ['odd scheme', 'server', ['Authorization: Token token="%S"']],
  ['digest', 'server', ['Authorization: Digest username="x", response="%S"']],
  ['token in quotes escaped', 'sh', ['-c', 'npx x --token "a\\"%S b"']],
  [`token $''`, 'sh', ['-c', `npx x --token $'%S'`]],
  ['token split quotes', 'sh', ['-c', `npx x --token 'a'"%S"`]],
  ['token split quotes 2', 'sh', ['-c', `npx x --token=a"%S"'b'`]],
  ['token concat after quote', 'sh', ['-c', 'npx x --token "a"%S']],
  ['token backslash blank', 'sh', ['-c', 'npx x --token a\\ %S']],
  ['token backslash newline', 'sh', ['-c', 'npx x --token \\\n %S --port 1']],
  ['token $( )', 'sh', ['-c', 'npx x --token $(echo %S)']],
  ['default expansion vscode', 'server', ['--token', '${env:TOKEN:-%S}']],
  ['pipe pairs', 'server', ['--opts', 'host=h|token=%S|x']],
  ['ruby hash', 'server', [':token => "%S"']],
  ['php', 'server', [`'password' => '%S'`]],
  ['xml attr', 'server', ['<add key="ApiKey" value="%S"/>']],
  ['json pointer name/value', 'server', ['[{"name":"API_KEY","value":"%S"}]']],
  ['json key value', 'server', ['{"key":"api_token","value":"%S"}']],
  ['url encoded json', 'server', ['config=%7B%22token%22%3A%22%S%22%7D']],
  ['git -c', 'git', ['-c', 'http.extraHeader=Authorization: Bearer %S', 'clone']],
  ['git -c 2', 'git', ['-c', 'http.extraHeader=X-Foo: %S', 'clone']],
  ['terraform -var', 'terraform', ['-var', 'db_password=%S', '-var=api_token=%S']],
  ['openssl', 'openssl', ['-passin', 'pass:%S', '-k', '%S']],
  ['keytool', 'keytool', ['-storepass', '%S', '-keypass', '%S']],
  ['zip -P', 'zip', ['-P', '%S', 'x.zip']],
  ['7z -p', '7z', ['-p%S', 'x']],
  ['unzip -P', 'unzip', ['-P', '%S', 'x']],
  ['rdesktop', 'xfreerdp', ['/u:me', '/p:%S', '/v:h']],
  ['snmp', 'snmpwalk', ['-c', '%S', '-A', '%S', '-X', '%S']],
  ['ipmitool', 'ipmitool', ['-P', '%S']],
  ['mosquitto', 'mosquitto_sub', ['-u', 'me', '-P', '%S']],
  ['influx -t', 'influx', ['-t', '%S']],
  ['cqlsh', 'cqlsh', ['-u', 'me', '-p', '%S']],
  ['lftp', 'lftp', ['-u', 'me,%S', 'h']],
  ['nats', 'nats', ['--creds', '%S', '--nkey', '%S']],
  ['time/timeout wrapper', 'timeout', ['60', 'redis-cli', '-a', '%S']],
  ['nohup sh', 'nohup', ['sh', '-c', 'redis-cli -a %S']],
  ['xargs', 'sh', ['-c', 'echo x | xargs redis-cli -a %S']],
  ['semicolon joined', 'sh', ['-c', 'cd /x;redis-cli -a %S;exit']],
  ['and joined', 'sh', ['-c', 'cd /x&&redis-cli -a %S&&exit']],
  ['paren', 'sh', ['-c', '(redis-cli -a %S)']],
  ['subst', 'sh', ['-c', 'x=$(redis-cli -a %S get k)']],
  ['backtick', 'sh', ['-c', 'x=`redis-cli -a %S get k`']],
  ['env var then prog', 'sh', ['-c', 'LANG=C redis-cli -a %S']],
  ['YAML field', 'server', ['--config', 'db:\n  host: h\n  password: %S\n']],
  ['YAML block', 'server', ['--config', 'port: 1\npassword: |\n  %S\n\n  %S\nnext: 2\n']],
  ['YAML block at once', 'server', ['--config', 'password: >-\n  %S\nnext: 2\n']],
  ['YAML below', 'server', ['--config', 'password:\n  %S\nx: 1']],
  ['YAML list', 'server', ['--config', 'tokens:\n- %S\n- %S\nport: 1']],
  ['YAML flow', 'server', ['--config', '{port: 1, password: %S}']],
  ['YAML flow list', 'server', ['--config', 'tokens: [%S, %S]']],
  ['YAML tag', 'server', ['--config', 'a: 1\npassword: !!str %S']],
  ['INI words', 'server', ['--config', '[db]\npassword = my %S x\nport=1\n']],
  ['INI below', 'server', ['--config', '[db]\npassword =\n    %S\n']],
  ['INI below, line ends as escapes', 'server', ['--config', '[db]\\npassword =\\n    %S\\nport = 1\\n']],
  ['INI with words, line ends as escapes', 'server', ['--config', '[db]\\nNotes_key = a %S\\nport = 1\\n']],
  ['elements, line ends as escapes', 'server', ['--config', '<property>\\n  <name>AppToken</name>\\n  <value>%S</value>\\n</property>']],
  ['INI, a blank before the sign alone', 'server', ['--config', '[db]\npassword =my %S x\nport = 1\n']],
  ['INI, a quote that stays open', 'server', ['--config', '[db]\npassword = "my %S x\nport = 1\n']],
  ['netrc', 'server', ['--netrc', 'machine h.example login me password %S']],
  ['netrc default', 'server', ['--netrc', 'default login me account x password %S']],
  ['heredoc', 'sh', ['-c', 'server <<EOF\npassword: %S\nEOF']],
  ['heredoc block', 'sh', ['-c', 'cat > x <<EOF\npassword: |\n  %S\nEOF']],
  ['PEM URL-encoded', 'server', ['-----BEGIN%20PRIVATE%20KEY-----%0A%S%0A-----END%20PRIVATE%20KEY-----']],
  ['PEM of a form', 'server', ['-----BEGIN+PRIVATE+KEY-----%S']],
  ['SSH2', 'server', ['---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\n%S\n---- END SSH2 ENCRYPTED PRIVATE KEY ----']],
  ['JSON web key', 'server', ['{"kty":"EC","crv":"P-256","x":"abc","d":"%S"}']],
  ['JSON web key oct', 'server', ['{"kty":"oct","k":"%S"}']],
  ['URL-encoded twice', 'server', ['to=%257B%2522token%2522%253A%2522%S%2522%257D']],
  ['URL-encoded list', 'server', ['config=%7B%22tokens%22%3A%5B%22%S%22%5D%7D']],
  ['URL-encoded user', 'server', ['db=postgres%3A%2F%2Fme%3A%S%40h%2Fx']],
  ['URL-encoded header', 'server', ['h=Authorization%3A%20Bearer%20%S']],
  ['URL-encoded XML', 'server', ['x=%3Cpassword%3E%S%3C%2Fpassword%3E']],
  ['JSON three deep', 'server', [JSON.stringify({ a: JSON.stringify({ b: JSON.stringify({ token: '%S' }) }) })]],
  ['JSON four deep', 'server', [JSON.stringify({ z: JSON.stringify({ a: JSON.stringify({ b: JSON.stringify({ token: '%S' }) }) }) })]],
  ['JSON arguments', 'server', ['{"command":"npx","args":["-y","x","--token","%S"]}']],
  ['JSON arguments of a program', 'server', ['{"command":"redis-cli","args":["-a","%S"]}']],
  ['JSON5 arguments', 'server', [`{args:['--token','%S']}`]],
  ['TOML arguments', 'codex', ['-c', 'mcp_servers.x.args = [ "--token", "%S" ]']],
  ['JSON headers list', 'server', ['{"headers":[["X-Foo","%S"]]}']],
  ['JSON headers list named', 'server', ['{"headers":[{"name":"X-Foo","value":"%S"}]}']],
  ['JSON object of a secret', 'server', ['{"password":{"value":"%S","ref":"x"}}', '{"token":{"$secure":"%S"}}']],
  ['JSON list of pairs', 'server', ['[["password","%S"]]']],
  ['ODBC braces', 'server', ['Driver={X};Server=h;UID=me;PWD={my;%S};Port=1']],
  ['docker --env=', 'docker', ['run', '--env=foo=%S', '-efoo=%S', 'x']],
  ['kubectl', 'kubectl', ['create', 'secret', 'generic', 'x', '--from-literal=foo=%S', '--from-literal', 'foo=%S']],
  ['NetworkCredential', 'powershell', ['-Command', `[System.Net.NetworkCredential]::new('me','%S')`]],
  ['mongosh auth', 'mongosh', ['--eval', 'db.auth("me","%S")']],
  ['SQL identified', 'mysql', ['-e', `CREATE USER me IDENTIFIED BY '%S'`]],
  ['SQL password', 'psql', ['-c', `ALTER USER me WITH PASSWORD '%S'`]],
  ['SQL set', 'mysql', ['-e', `SET PASSWORD FOR me = '%S'; SET PASSWORD FOR me = PASSWORD('%S')`]],
  ['python environ', 'python', ['-c', `os.environ["API_KEY"] = "%S"; os.environ.setdefault("API_KEY", "%S")`]],
  ['node process.env[]', 'node', ['-e', `process.env['API_KEY']='%S';headers.set('Authorization','%S')`]],
  ['ruby', 'ruby', ['-e', `ENV['TOKEN']='%S'; run`]],
  ['perl', 'perl', ['-e', `$ENV{TOKEN}='%S';`]],
  ['php define', 'php', ['-r', `define('DB_PASSWORD','%S');`]],
  ['here-string', 'sh', ['-c', `docker login --password-stdin <<< '%S'; sudo -S server <<< %S`]],
  ['echo for a store', 'sh', ['-c', 'echo %S | pass insert -e x; echo -n %S | gcloud secrets create x --data-file=-']],
  ['hash', 'server', ['me:$apr1$%S', 'me:$6$salt$%S:19000']],
  ['win folder token=', 'server', ['C:\\srv\\token=%S\\data']],
];
/** Hidden where it looks like a secret. */
const lookingLikeSecrets: readonly Shape[] = [];
/** Hidden where the system tells the arguments one by one: in one text the end of the word is lost with its quotes. */
const inArguments: readonly Shape[] = [
  ['curl -HAuthorization glued', 'curl', ['-HAuthorization: Bearer %S']],
  ['flag with plus', 'server', ['+token', '%S']],
];

const plain = createRedactor([]);

function leaksOf([, command, args]: Shape, value: string, inText: boolean): string[] {
  const words = args.map((arg) => arg.replaceAll('%S', value));
  ok(words.join(' ').includes(value), 'the control: it is there');
  const list = plain.args(words, command);
  deepEqual(plain.args(list, command), list, 'redacting twice changes nothing');
  return [list.join(' '), ...(inText ? [plain.text([command, ...words].join(' '))] : [])].filter((text) => text.includes(value));
}

describe('Secrets in real command lines', () => {
  for (const [shapes, values, inText] of [
    [anyWord, ['canaries', 'c4naryQ7x'], true],
    [lookingLikeSecrets, ['c4naryQ7x'], true],
    [inArguments, ['canaries', 'c4naryQ7x'], false],
  ] as const) {
    for (const shape of shapes) {
      it(`are hidden: ${shape[0]}`, () => {
        for (const value of values) {
          deepEqual(leaksOf(shape, value, inText), []);
        }
      });
    }
  }

  it('are hidden: settings in Base64', () => {
    for (const text of ['{"token":"canaries"}', '{\n  "token": "canaries"}', '[{"token":"canaries"}]', '{\r\n "token":"canaries"}']) {
      const value = Buffer.from(text).toString('base64');
      deepEqual(plain.args(['--config', value, `--config=${value}`], 'server'), ['--config', '‹redacted›', '--config=‹redacted›']);
    }
  });

  it('in a variable that is JSON or a connection string are known when a program shows them alone', () => {
    for (const value of [
      '{"db":{"list":[{"password":"c4naryQ7x"}]}}',
      'Server=db;Password=c4naryQ7x;Encrypt=true',
      "{token:'c4naryQ7x'}",
    ]) {
      deepEqual(
        createRedactor(secretsOf({ args: [], env: { SETTING: value }, headers: [] })).text('wrong: (c4naryQ7x)'),
        'wrong: (‹redacted›)',
      );
    }
  });

  it('are known also where the whole command line stands in the command, as in the title of a process', () => {
    for (const command of [
      "docker run -e A=b https://h/mcp#$2b$c4naryQ7x 'title",
      "sh -c 'redis-cli -a c4naryQ7x'",
      'server --token c4naryQ7x',
    ]) {
      const known = createRedactor(secretsOf({ command, args: ['x'], env: {}, headers: [] }));
      ok(!known.text("mcp#$2b$c4naryQ7x 'title, (c4naryQ7x)").includes(command.includes('$2b') ? '$2b$c4naryQ7x' : '(c4naryQ7x)'), command);
    }
  });
});
