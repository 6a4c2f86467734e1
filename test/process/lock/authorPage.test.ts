// The examples of docs/for-server-authors.md, run as they are written there.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { waitFor } from '../../../scripts/system/waitFor.ts';
import { assertNames } from '../../names.ts';
import { run } from '../package/command.ts';
import { ended } from './lockHome.ts';
import { examples } from './notesServer.ts';

const [freshness = '', freshnessJs = '', lock = '', health = ''] = [
  ...readFileSync(new URL('../../../docs/for-server-authors.md', import.meta.url), 'utf8').matchAll(/^```(?:python|js)\n([\s\S]*?)^```/gm),
].map(([, code]) => code);

describe('The page for authors of servers', function () {
  this.timeout(60_000);
  let folder = '';
  let child: ChildProcess | undefined;

  before(function () {
    if (process.platform !== 'linux') {
      this.skip();
    }
    folder = mkdtempSync(join(tmpdir(), 'authors-'));
  });
  after(async () => {
    await (child && ended(child));
    rmSync(folder, { recursive: true, force: true });
  });

  const python = (code: string): Promise<string> =>
    run('/usr/bin/python3', ['-B', '-c', code], {
      cwd: folder,
      env: { ...process.env, PYTHONPATH: folder, MCP_RUN_DIR: join(folder, 'run') },
    });
  /** What a program does with the answer. */
  const check = (text: string): void => {
    const [before, result] = text.trim().split('\n');
    assert.match(before ?? '', /^(null|undefined)$/);
    const { content, isError, _meta } = JSON.parse(result ?? '');
    assertNames(content[0].text, '1.0.0', '1.1.0');
    assert.deepEqual([isError, _meta], [true, { action_required: 'restart_mcp_server' }]);
  };

  it('Python: refuses a write once another version is installed, and not before', async () => {
    writeFileSync(join(folder, 'freshness.py'), freshness);
    mkdirSync(join(folder, 'notes_mcp-1.0.0.dist-info'));
    const metadata = join(folder, 'notes_mcp-1.0.0.dist-info', 'METADATA');
    writeFileSync(metadata, 'Metadata-Version: 2.1\nName: notes-mcp\nVersion: 1.0.0\n');
    check(
      await python(
        `import freshness, json\nprint(json.dumps(freshness.refusal()))\nopen(${JSON.stringify(metadata)}, "w").write("Metadata-Version: 2.1\\nName: notes-mcp\\nVersion: 1.1.0\\n")\nprint(json.dumps(freshness.refusal()))`,
      ),
    );
  });

  it('Node: the same', async () => {
    writeFileSync(join(folder, 'freshness.mjs'), freshnessJs);
    writeFileSync(join(folder, 'package.json'), '{"name":"notes-mcp","version":"1.0.0"}');
    const code = `import { writeFileSync } from 'node:fs'; import { refusal } from './freshness.mjs'; console.log(refusal());
      writeFileSync('package.json', '{'); if (refusal()) throw new Error('half written');
      writeFileSync('package.json', '{"name":"notes-mcp","version":"1.1.0"}'); console.log(JSON.stringify(refusal()));`;
    check(await run(process.execPath, ['--input-type=module', '-e', code], { cwd: folder, env: process.env }));
  });

  it('the lock is held with a record, and a second holder ends with 75 and names the first', async () => {
    cpSync(join(examples, 'python', 'instance_lock.py'), join(folder, 'instance_lock.py'));
    const second = `import subprocess, sys\n${lock.replace('"name": "pip", "version": metadata.version("pip")', '"name": "x", "version": "1"')}
again = subprocess.run([sys.executable, "-c", ${JSON.stringify(lock.replace('metadata.version("pip")', '"1"'))}], capture_output=True, text=True)
print(again.returncode, again.stderr)`;
    const text = await python(second);
    assert.match(text, /^75 .* is held by PID \d+/);
    assert.deepEqual(readdirSync(join(folder, 'run', 'v1', 'instances')), [], 'removed at the end');
  });

  it('/health names version and process, and /shutdown ends it, but not for a web page', async () => {
    const free = createServer();
    await new Promise<void>((resolve) => free.listen(0, '127.0.0.1', resolve));
    const { port } = free.address() as AddressInfo;
    await new Promise((resolve) => free.close(resolve));
    writeFileSync(join(folder, 'health.py'), health);
    child = spawn('/usr/bin/python3', [join(folder, 'health.py')], { env: { ...process.env, PORT: String(port) }, stdio: 'ignore' });
    const gone = new Promise((resolve) => child?.once('exit', resolve));
    const at = (path: string, init?: RequestInit): Promise<Response> => fetch(`http://127.0.0.1:${port}${path}`, init);
    await waitFor('the server', async () => (await at('/health').catch(() => undefined))?.ok === true);
    const { status, version, pid } = (await (await at('/health')).json()) as Record<string, unknown>;
    assert.deepEqual([status, version, pid], ['ok', '1.4.0', child.pid]);
    assert.equal((await at('/shutdown', { method: 'POST', headers: { Origin: 'https://example.org' } })).status, 404);
    assert.equal((await at('/shutdown', { method: 'POST' })).status, 200);
    await gone;
  });
});
