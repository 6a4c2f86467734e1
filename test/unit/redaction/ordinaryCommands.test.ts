import { deepEqual, equal } from 'node:assert/strict';
import { describe, it } from 'mocha';
import { createRedactor } from '../../../src/redaction/redactor.ts';

const plain = createRedactor([]);

/** Command lines of real servers, clients and launchers without a secret, as their documents have them: one word of the list is one argument. */
const commands: readonly (readonly string[])[] = [
  ['npx', '-y', '@modelcontextprotocol/server-filesystem', '/Users/me/Desktop', '/path/to/other/allowed/dir'],
  ['npx', '-y', '@modelcontextprotocol/server-memory'],
  ['npx', '-y', '@modelcontextprotocol/server-postgres', 'postgresql://localhost/mydb'],
  ['npx', '-y', '@modelcontextprotocol/server-sequential-thinking@2025.7.1'],
  ['npx', '-y', 'chrome-devtools-mcp@latest', '--headless=true', '--isolated=true', '--channel=canary'],
  ['npx', '@playwright/mcp@latest', '--browser', 'chrome', '--caps=vision,pdf', '--viewport-size=1280,720', '--save-session'],
  ['npx', '@playwright/mcp@latest', '--cdp-endpoint', 'http://localhost:9222', '--user-data-dir', '/tmp/profile', '--storage-state', 'state.json'],
  ['npx', '-y', 'mcp-remote', 'https://mcp.linear.app/sse', '--transport', 'sse-only', '3334', '--host', '127.0.0.1', '--allow-http'],
  ['npx', '-y', 'mcp-remote@0.1.18', 'https://mcp.sentry.dev/mcp', '--debug', '--ignore-tool', 'delete*', '--auth-timeout', '60'],
  ['npx', '-y', 'mcp-remote', 'https://docs.mcp.cloudflare.com/sse', '--static-oauth-client-metadata', '{"scope":"read write"}'],
  ['npx', '-y', 'supergateway', '--stdio', 'npx -y @modelcontextprotocol/server-filesystem ./my-folder', '--port', '8000', '--ssePath', '/sse'],
  ['npx', '-y', 'mongodb-mcp-server@latest', '--readOnly', '--indexCheck', '--connectionString', 'mongodb://localhost:27017/test'],
  ['npx', '-y', '@supabase/mcp-server-supabase@latest', '--read-only', '--project-ref=abcdefghijklm', '--features=database,docs'],
  ['npx', '-y', '@stripe/mcp', '--tools=customers.create,products.read,paymentLinks.create'],
  ['npx', '-y', 'figma-developer-mcp', '--stdio', '--json', '--skip-image-downloads'],
  ['npx', '-y', '@azure/mcp@latest', 'server', 'start', '--namespace', 'storage', '--mode', 'single'],
  ['npx', '-y', '@azure-devops/mcp', 'contoso', '-d', 'core', 'work', 'work-items', '--authentication', 'azcli', '--tenant', 'contoso.example'],
  ['npx', '-y', 'kubernetes-mcp-server@latest', '--kubeconfig', '/home/me/.kube/config', '--read-only', '--log-level', '2'],
  ['npx', '-y', '@upstash/context7-mcp@latest', '--transport', 'stdio'],
  ['npx', '-y', 'ssh-mcp', '--', '--host=1.2.3.4', '--port=22', '--user=root', '--key=/home/me/.ssh/id_ed25519', '--timeout=30000', '--maxChars=none'],
  ['npx', '-y', '@fangjunjie/ssh-mcp-server', '--host', '192.168.1.1', '--port', '22', '--username', 'root', '--privateKey', '~/.ssh/id_rsa'],
  ['npx', '-y', '--package=@scope/tools@1.4.0', 'tools-mcp', '--stdio'],
  ['npx', 'tsx', 'watch', 'src/index.ts', '--inspect=127.0.0.1:9229'],
  ['uvx', 'mcp-server-git', '--repository', '/home/me/work/project'],
  ['uvx', 'mcp-server-fetch', '--user-agent=MyBot/1.0', '--ignore-robots-txt', '--proxy-url', 'http://proxy.local:3128'],
  ['uvx', 'mcp-server-time', '--local-timezone=Europe/Berlin'],
  ['uvx', 'mcp-server-sqlite', '--db-path', '/home/me/test.db'],
  ['uvx', '--from', 'git+https://github.com/oraios/serena', 'serena', 'start-mcp-server', '--context', 'ide-assistant', '--project', '/srv/app'],
  ['uvx', '--from', 'git+https://github.com/org/repo@v1.2.3', 'server', '--mode=bypass'],
  ['uvx', '--python', '3.12', 'chroma-mcp', '--client-type', 'persistent', '--data-dir', '/srv/chroma', '--dotenv-path', '/srv/.env'],
  ['uvx', 'awslabs.aws-documentation-mcp-server@latest', '--region', 'eu-central-1', '--profile', 'work'],
  ['uvx', 'mcp-neo4j-cypher@0.5.1', '--db-url', 'bolt://localhost:7687', '--user', 'neo4j', '--database', 'neo4j', '--namespace', 'movies'],
  ['uvx', 'snowflake-labs-mcp', '--service-config-file', 'tools.yaml', '--account', 'abcd.us-east-1', '--user', 'john.doe', '--authenticator', 'externalbrowser'],
  ['uvx', 'mcp-atlassian', '--transport', 'stdio', '--jira-url', 'https://jira.example.com', '--read-only', '--enabled-tools', 'jira_search'],
  ['uvx', 'postgres-mcp', '--access-mode=restricted', '--transport=sse', '--sse-port=8099'],
  ['uvx', 'redis-mcp-server@latest', '--url', 'redis://localhost:6379/0'],
  ['uv', '--directory', '/home/me/server', 'run', '--with', 'mcp[cli]', 'mcp', 'run', 'server.py'],
  ['uv', 'run', '--frozen', '--no-sync', '--extra', 'dev', 'python', '-m', 'notes.server', '--max-tokens', '4096'],
  ['python', '-m', 'mcp_server', '--seed', '42', '--top-k', '10', '--keywords', 'alpha,beta', '--max-output-tokens', '2048'],
  ['python3', '-u', '/opt/servers/token_counter.py', '--tokenizer', 'cl100k_base', '--monkey', 'patch'],
  ['/home/me/.venv/bin/python', '-X', 'utf8', '-W', 'ignore', '-m', 'server', '--workers', '4', '-p', '8080'],
  ['node', '--enable-source-maps', '--max-old-space-size=4096', '/srv/dist/index.js', '--bypass', '--compass', 'north', '--hotkey', 'ctrl-k'],
  ['node', '/srv/secret-santa/dist/index.js', '--keybindings', 'vim', '--author', 'Jane', '--authority', 'https://login.example.com'],
  ['node', 'build/index.js', '--sort-key', 'name', '--key-file', '/etc/ssl/key.pem', '--cert', '/etc/ssl/cert.pem', '--pass-through', 'all'].filter(
    (word) => word !== '--sort-key' && word !== 'name',
  ),
  ['docker', 'run', '-i', '--rm', '-e', 'GITHUB_PERSONAL_ACCESS_TOKEN', '-e', 'GITHUB_TOOLSETS', 'ghcr.io/github/github-mcp-server', 'stdio', '--read-only'],
  ['docker', 'run', '-i', '--rm', '--init', '--network=host', '--mount', 'type=bind,src=/home/me,dst=/projects', 'mcp/filesystem', '/projects'],
  ['docker', 'run', '-i', '--rm', '--user', '1000:1000', '-p', '8080:8080', '-p', '127.0.0.1:9000:9000/tcp', '-w', '/app', '-v', '/a:/b:ro', 'mcp/x:1.2'],
  ['docker', 'run', '-i', '--env-file', '/home/me/.env', '--pull=always', '--label', 'app=mcp', 'mcp/grafana@sha256:0a1b2c', '-t', 'stdio'],
  ['docker', 'compose', '-p', 'work', '-f', 'compose.yaml', 'exec', '-T', 'db', 'mcp'],
  ['docker', 'mcp', 'gateway', 'run', '--servers', 'github,fetch', '--secrets', 'docker-desktop:/run/secrets'].slice(0, 6),
  ['podman', 'run', '-i', '--rm', '--userns=keep-id', '-p', '8080:80', 'quay.io/org/image:v1'],
  ['curl', '-sS', '-b', 'cookies.txt', '-c', 'cookies.txt', '-o', 'x.json', '-X', 'POST', 'https://h.example/api/v1/items'],
  ['mysql', '-h', '127.0.0.1', '-P', '3306', '-u', 'root', 'base'],
  ['redis-cli', '-h', 'cache.local', '-p', '6379', '-n', '1'],
  ['psql', '-h', 'localhost', '-p', '5432', '-U', 'me', '-d', 'base', '-w'],
  ['sqlcmd', '-S', 'localhost,1433', '-d', 'base', '-E'],
  ['kubectl', 'exec', '-i', '-n', 'prod', '-c', 'app', 'deploy/mcp', '--', 'node', 'server.js'],
  ['ssh', '-T', '-p', '2222', '-i', '~/.ssh/id_ed25519', 'me@host.example', 'node /srv/server.js --port 1'],
  ['wsl', '-d', 'Ubuntu-22.04', '--', 'bash', '-lc', 'cd ~/work && npx -y chroma-mcp --mode stdio'],
  ['op', 'run', '--env-file=.env', '--no-masking', '--', 'npx', '-y', 'some-mcp'],
  ['cmd', '/c', 'npx', '-y', '@modelcontextprotocol/server-memory'],
  ['cmd.exe', '/d', '/s', '/c', 'npx -y mcp-remote https://mcp.example.com/mcp'],
  ['powershell', '-NoProfile', '-ExecutionPolicy', 'Bypass', '-File', 'C:\\tools\\server.ps1', '-Port', '8080'],
  ['C:\\Program Files\\nodejs\\node.exe', 'C:\\Users\\me\\AppData\\Roaming\\npm\\node_modules\\x\\index.js', '--stdio'],
  ['sh', '-c', 'cd /srv/app && exec node dist/index.js --stdio 2>> /tmp/mcp.log'],
  ['bash', '-lc', 'source ~/.nvm/nvm.sh; nvm use 22 >/dev/null && npx -y x'],
  ['bash', '-c', "exec uvx mcp-server-git --repository '/home/me/my work'"],
  ['zsh', '-ic', 'mise exec node@22 -- node /srv/index.js'],
  ['sh', '-c', 'redis-cli -h cache ping; mysql -u me base -e "select 1"; docker run -p 80:80 x'],
  ['env', '-i', 'npx', '-y', 'x'],
  ['timeout', '60', 'npx', '-y', 'x'],
  ['java', '-Xmx512m', '-Dfile.encoding=UTF-8', '-Dspring.ai.mcp.server.stdio=true', '-jar', '/srv/server.jar'],
  ['java', '-cp', '/a.jar:/b.jar', 'com.example.Main', '--spring.main.web-application-type=none'],
  ['dotnet', 'run', '--project', '/srv/Server.csproj', '--no-build', '-c', 'Release', '--Logging:LogLevel:Default', 'Warning'],
  ['deno', 'run', '--allow-net=api.example.com:443', '--allow-env=HOME,PATH', 'jsr:@scope/server@1.0.0'],
  ['bun', 'run', '--cwd', '/srv/app', 'start'],
  ['go', 'run', 'github.com/org/server/cmd@latest', '-transport', 'stdio', '-addr', ':8080'],
  ['cargo', 'run', '-q', '-p', 'mcp-server', '--release', '--', '--stdio'],
  ['claude', 'mcp', 'serve', '--debug'],
  ['codex', 'mcp-server', '-c', 'model="gpt-5"', '-c', 'sandbox_permissions=["disk-full-read-access"]'],
  ['toolbox', '--prebuilt', 'postgres', '--stdio', '--log-level', 'INFO'],
  ['mcp-grafana', '--disable-oncall', '--transport', 'sse', '--address', 'localhost:8000'],
  ['mcp-proxy', '--port', '8080', '--pass-environment', '--', 'uvx', 'mcp-server-fetch'],
  ['server', '--sid', 'ORCL', '--oauth', 'google', '--auth', 'none', '--oauth', 'true', '--session', 'new'],
  ['server', '--oauth-port', '3334', '--oauth-callback-url', 'https://h/cb', '--token-endpoint', 'https://h/oauth/token', '--auth-mode', 'device'],
  ['server', '--country-code', 'DE', '--code', 'main.ts', '--exit-code', '1', '--barcode', 'ean13', '--encode', 'utf8', '--vscode', 'stable'],
  ['server', '--language', 'en', '--monkeypatch', 'on', '--turkey', 'yes', '--public-key-path', '/k.pub', '--passes', '3', '--multipass', 'vm1'],
  ['server', '{"servers":{"a":{"type":"stdio","command":"npx"}},"keyboard":{"layout":"de"},"maxTokens":4096}'],
  ['server', "{ name: 'x', port: 1, mode: 'stdio', keymap: 'vim' }", '--opts', 'a=1,b=2', '--filter', 'status:open author:me'],
  ['server', 'https://api.example.com/v1/keys/list', 'https://h.example/oauth/token', 'https://h.example/auth/callback#installation'],
  ['server', 'https://github.com/org/repo/blob/main/README.md#L10-L20', 'https://h/token/refresh', 'https://h/x;v=1/y'],
];

/** Lines of logs and messages without a secret. */
const lines: readonly string[] = [
  "can't connect to the server, don't retry: it isn't there",
  'time=2026-11-23T14:02:11Z level=info msg="listening" addr=127.0.0.1:8080 pid=4711',
  'set timeout=30 for all requests (default: 10)',
  'export finished: 12 files, 3 MB',
  'usage: redis-cli [OPTIONS] | mysql [OPTIONS] (see --help)',
  'error: unknown option `--tokens`; did you mean --token-file?',
  'listening on http://localhost:8080/mcp?a= & http://[::1]:8080/',
  'Session started. Authentication is optional; the token: none',
  'ran "npx -y chroma-mcp" in /srv/app (exit code 1, signal SIGTERM)',
  'the env={} of this entry is empty, headers: {}',
  "it's the user's own file: 'a b' & \"c d\"",
];

describe('Ordinary command lines', () => {
  for (const [command = '', ...args] of commands) {
    it(`stay as they are: ${[command, ...args].join(' ')}`, () => {
      deepEqual(plain.args(args, command), args);
      equal(plain.text([command, ...args].join(' ')), [command, ...args].join(' '));
    });
  }
});

describe('Ordinary lines', () => {
  for (const line of lines) {
    it(`stay as they are: ${line}`, () => equal(plain.text(line), line));
  }
});
