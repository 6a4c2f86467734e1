// Settings of a project or an environment, and the credentials of the user: a proxy on loopback keeps every byte that it receives, inside of TLS too.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Instance } from '../../../src/model/snapshot.ts';
import { lookUp } from '../../../src/registry/lookUp.ts';
import { publicNpmRegistry } from '../../../src/registry/publicIndexes.ts';
import { type PythonPackagePlace, pythonRoute } from '../../../src/registry/python/pythonRoute.ts';
import { readBounded } from '../../../src/storage/boundedFile.ts';
import { findThisWindow, publishThisWindow } from '../../../src/survey/facts/thisWindow.ts';
import type { SurveyOptions } from '../../../src/survey/surveyor.ts';
import { assertNames } from '../../names.ts';
import { run } from '../package/command.ts';
import type { RunningServer } from '../package/observe.ts';
import { instanceOf, makeWorld, type World } from '../survey/world.ts';
import { type LocalIndex, startIndex } from './localIndex.ts';

const canary = 'tok3n-of-ada-4711';
/** As it is sent in Basic authorization. */
const basicCanary = Buffer.from(`ada:${canary}`).toString('base64');
const publicHost = new URL(publicNpmRegistry).host;
const ownHost = 'npm.ada.example';

/** A proxy that answers for every host itself, from a local index, and keeps the credentials and hosts that it sees. */
interface Stranger {
  readonly url: string;
  readonly received: string[];
  close(): Promise<void>;
}

async function startStranger(index: LocalIndex, key: string, cert: string): Promise<Stranger> {
  const received: string[] = [];
  const sockets = new Set<Socket>();
  const answer: Parameters<typeof createServer>[1] = (request, response) => {
    received.push(JSON.stringify([request.method, request.url, request.headers]));
    const url = request.url ?? '';
    request.url = url.startsWith('/') ? url : new URL(url).pathname;
    index.server.emit('request', request, response);
  };
  const secured = createSecureServer({ key: readFileSync(key), cert: readFileSync(cert) }, answer);
  const proxy = createServer(answer);
  proxy.on('connect', (request, socket: Socket) => {
    received.push(JSON.stringify(['CONNECT', request.url, request.headers]));
    const onward = connect((secured.address() as AddressInfo).port, '127.0.0.1', () => socket.write('HTTP/1.1 200 OK\r\n\r\n'));
    onward.pipe(socket).pipe(onward);
    onward.on('error', () => socket.destroy());
    socket.on('error', () => onward.destroy());
  });
  const listen = (server: Server) => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  for (const server of [proxy, secured]) {
    server.on('connection', (socket: Socket) => sockets.add(socket));
    await listen(server);
  }
  return {
    url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    received,
    async close() {
      for (const socket of sockets) {
        socket.destroy();
      }
      await Promise.all([proxy, secured].map((server) => new Promise((resolve) => server.close(resolve))));
    },
  };
}

/** A stdio server without dependencies. */
const program = `require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { id } = JSON.parse(line);
  if (id !== undefined) console.log(JSON.stringify({ jsonrpc: '2.0', id, result: { protocolVersion: '2025-06-18', capabilities: {}, serverInfo: { name: 'notes', version: '1' } } }));
});`;

describe('settings of a project and credentials of the user', function () {
  this.timeout(60_000);
  let folder: string;
  let key: string;
  let cert: string;
  let world: World;
  let index: LocalIndex;
  let stranger: Stranger;
  let project: string;
  let entry: string;
  const servers: RunningServer[] = [];

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'scope-'));
    [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    const names = [publicHost, ownHost, 'simple.ada.example'].map((name) => `DNS:${name}`).join(',');
    const words = `req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=stranger.example -addext subjectAltName=${names}`;
    await run('openssl', [...words.split(' '), '-keyout', key, '-out', cert], { cwd: folder, env: process.env });
  });
  beforeEach(async () => {
    world = makeWorld();
    index = await startIndex();
    index.npm.set('notes', { tags: { latest: '2.0.0' }, versions: { '1.0.0': {}, '2.0.0': {} } });
    index.python.set('notes', [{ filename: 'notes-2.0.0-py3-none-any.whl' }]);
    stranger = await startStranger(index, key, cert);
    project = join(world.root, 'project');
    entry = install(project);
    write(join(project, 'ca.pem'), readFileSync(cert, 'utf8'));
  });
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.stop()));
    await stranger.close();
    await index.close();
    await world.remove();
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  function write(path: string, text: string): string {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    return path;
  }

  /** @returns the program of the package `notes` in a project */
  function install(into: string, manifest: object = { dependencies: { notes: '^1.0.0' } }): string {
    write(join(into, 'package.json'), JSON.stringify(manifest));
    write(join(into, 'node_modules', 'notes', 'package.json'), JSON.stringify({ name: 'notes', version: '1.0.0', main: 'index.js' }));
    return write(join(into, 'node_modules', 'notes', 'index.js'), program);
  }

  interface Look {
    readonly cwd?: string;
    /** Of the server alone. */
    readonly env?: NodeJS.ProcessEnv;
    readonly entry?: string;
    /** False: the test has written one. */
    readonly entries?: false;
    readonly options?: Partial<Omit<SurveyOptions, 'registry'>>;
  }

  /** What is known of the server after its registry had time to answer. */
  async function look({ cwd = project, env = {}, entry: path = entry, entries, options = {} }: Look = {}): Promise<Instance> {
    if (entries !== false) {
      world.write('.claude.json', { mcpServers: { notes: { command: process.execPath, args: [path] } } });
    }
    const server = await world.start(process.execPath, [path], { cwd, env: { PATH: process.env.PATH, HOME: world.home, ...env } });
    servers.push(server);
    const surveyor = await world.observer({
      registry: 'ask',
      registryLimitMs: 20_000,
      runDir: mkdtempSync(join(world.root, 'run-')),
      env: { HOME: world.home, PATH: process.env.PATH },
      ...options,
    });
    await surveyor.survey();
    await surveyor.asking();
    const instance = instanceOf(await surveyor.survey(), server.pid);
    assert.equal(instance.package?.name, 'notes');
    return instance;
  }

  function nothingLeaked(): void {
    const all = stranger.received.join('\n');
    assert.ok(![canary, basicCanary].some((secret) => all.includes(secret)), all);
  }

  function leaked(): void {
    const all = stranger.received.join('\n');
    assert.ok(
      [canary, basicCanary].some((secret) => all.includes(secret)),
      `control: the proxy received nothing\n${all}`,
    );
  }

  const ofPublic = `//${publicHost}/:_authToken=${canary}`;
  const ofOwn = `registry=https://${ownHost}/\n//${ownHost}/:_authToken=${canary}`;
  const npmForms: [name: string, user: string, project: () => string][] = [
    ['registry=http and proxy', ofPublic, () => `registry=http://${publicHost}/\nproxy=${stranger.url}`],
    ['https-proxy and cafile', ofPublic, () => `https-proxy=${stranger.url}\ncafile=${join(project, 'ca.pem')}`],
    ['https-proxy and cafile, to a private registry', ofOwn, () => `https-proxy=${stranger.url}\ncafile=${join(project, 'ca.pem')}`],
    ['registry=http and proxy, to a private registry', ofOwn, () => `registry=http://${ownHost}/\nproxy=${stranger.url}`],
  ];
  for (const [name, user, ofProject] of npmForms) {
    it(`npm: ${name}: the token does not leave`, async () => {
      world.write('.npmrc', user);
      write(join(project, '.npmrc'), ofProject());
      const instance = await look();
      nothingLeaked();
      assert.equal(instance.package?.latest, undefined);
    });

    it(`npm: ${name}: control: it does by the user's own settings`, async () => {
      world.write('.npmrc', `${user}\n${ofProject()}`);
      const instance = await look();
      leaked();
      assert.equal(instance.package?.latest, '2.0.0');
    });

    it(`npm: ${name}: the user's npx server, started in that folder`, async () => {
      world.write('.npmrc', user);
      write(join(project, '.npmrc'), ofProject());
      const cache = join(world.home, '.npm', '_npx', '0123456789abcdef');
      const path = install(cache, { dependencies: { notes: '^1.0.0' }, _npx: { packages: ['notes'] } });
      await look({ entry: path, env: { npm_config_local_prefix: project } });
      nothingLeaked();
      // npm exports the settings of the project to what it starts.
      const exported = Object.fromEntries(
        ofProject()
          .split('\n')
          .map((line) => line.split('='))
          .map(([setting = '', value]) => [`npm_config_${setting.replaceAll('-', '_')}`, value]),
      );
      for (const env of [exported, { ...exported, npm_config_local_prefix: project }]) {
        await look({ entry: path, cwd: env === exported ? world.root : project, env });
        nothingLeaked();
      }
    });
  }

  it('npm: a token that npm has put into an exported address does not leave', async () => {
    for (const env of [
      { npm_config_registry: `http://stranger.example/${canary}/`, npm_config_proxy: stranger.url },
      { npm_config_proxy: stranger.url.replace('//', `//ada:${canary}@`), npm_config_registry: `http://${ownHost}/` },
    ]) {
      await look({ cwd: world.root, env: { ...env, TOKEN: canary } });
      nothingLeaked();
    }
  });

  it('npm: a server that an entry of a project gives other files or another home has no look-up', async () => {
    world.write('.npmrc', ofOwn);
    const evil = write(
      join(project, 'evil', '.npmrc'),
      `registry=http://${ownHost}/\nproxy=${stranger.url}\n//${ownHost}/:_authToken=\${TOKEN}`,
    );
    for (const env of [{ npm_config_userconfig: evil }, { HOME: dirname(evil) }, { npm_config_globalconfig: evil }]) {
      await look({ cwd: world.root, env: { ...env, TOKEN: canary }, options: { env: { HOME: world.home, TOKEN: canary } } });
      nothingLeaked();
    }
    // A file of the user that takes its proxy from a variable.
    world.write('.npmrc', `${ofOwn}\nhttps-proxy=\${CORP_PROXY}\ncafile=\${CORP_CA}`);
    await look({ cwd: world.root, env: { CORP_PROXY: stranger.url, CORP_CA: cert } });
    nothingLeaked();
  });

  it('npm: a prefix that the server brings along, and a link to the file of the user, add nothing', async () => {
    const file = world.write('.npmrc', ofOwn);
    const prefix = join(world.root, 'prefix');
    write(join(prefix, 'etc', 'npmrc'), `https-proxy=${stranger.url}\ncafile=${cert}`);
    const global = install(join(prefix, 'lib'));
    rmSync(join(prefix, 'lib', 'package.json'));
    await look({ entry: global, cwd: world.root });
    nothingLeaked();
    symlinkSync(file, join(project, '.npmrc'));
    await look({ env: { npm_config_https_proxy: stranger.url, npm_config_cafile: cert } });
    nothingLeaked();
  });

  it("npm: a project's own token goes over its own settings, and to no other registry", async () => {
    world.write('.npmrc', ofPublic);
    write(
      join(project, '.npmrc'),
      `registry=http://${ownHost}/\nproxy=${stranger.url}\n//${ownHost}/:_authToken=of-the-project\n//x/:_authToken=\${TOKEN}`,
    );
    const instance = await look({ env: { TOKEN: canary }, options: { env: { HOME: world.home, PATH: process.env.PATH, TOKEN: canary } } });
    nothingLeaked();
    assert.equal(instance.package?.latest, '2.0.0');
    assertNames(stranger.received.join('\n'), 'Bearer of-the-project');
  });

  it('npm: an answer that came through a proxy of a project is not the answer of the others', async () => {
    write(join(project, '.npmrc'), `registry=${index.registry}\nproxy=${stranger.url}`);
    const other = join(world.root, 'other');
    const otherEntry = install(other);
    write(join(other, '.npmrc'), `registry=${index.registry}`);
    const runDir = mkdtempSync(join(world.root, 'run-'));
    await look({ options: { runDir } });
    const through = index.asked.length;
    assert.equal(through, stranger.received.length);
    await look({ cwd: other, entry: otherEntry, options: { runDir } });
    assert.ok(index.asked.length > through, 'the registry itself was not asked');
    assert.equal(stranger.received.length, through);
  });

  it("npm: variables of the user's own entry count, those of an entry in a project do not", async () => {
    const env = { npm_config_registry: index.registry };
    const mcpServers = { notes: { command: process.execPath, args: [entry], env } };
    world.write('.claude.json', { mcpServers });
    assert.equal((await look({ env, entries: false })).package?.latest, '2.0.0');
    await servers.pop()?.stop();
    world.write('.claude.json', {});
    write(join(project, '.vscode', 'mcp.json'), JSON.stringify({ servers: mcpServers }));
    const before = index.asked.length;
    assert.equal((await look({ env, entries: false, options: { folders: [project] } })).package?.latest, undefined);
    assert.equal(index.asked.length, before);
  });

  it("npm: our own variables are not the user's where npm has started us in a folder", async () => {
    const env = { HOME: world.home, npm_config_registry: index.registry };
    assert.equal((await look({ env, options: { env } })).package?.latest, '2.0.0');
    const before = index.asked.length;
    const started = { ...env, npm_execpath: '/usr/lib/node_modules/npm/bin/npm-cli.js' };
    assert.equal((await look({ env, options: { env: started } })).package?.latest, undefined);
    assert.equal(index.asked.length, before);
  });

  it('Restricted Mode: no registry is asked for servers that run there or have settings from there', async () => {
    world.write('.npmrc', `registry=${index.registry}`);
    const link = join(world.root, 'link');
    symlinkSync(project, link);
    const elsewhere = install(join(world.root, 'elsewhere'));
    const trusted = { folders: [project] };
    assert.equal((await look({ options: trusted })).package?.latest, '2.0.0');
    await servers.pop()?.stop();
    const asked = index.asked.length;
    for (const folders of [[project], [link], [world.root]]) {
      await look({ options: { folders, restricted: true } });
      await servers.pop()?.stop();
    }
    // Its package is elsewhere, it runs there.
    await look({ entry: elsewhere, options: { ...trusted, restricted: true } });
    await servers.pop()?.stop();
    // As another window of the user says, for the command line and all other windows.
    const runDir = mkdtempSync(join(world.root, 'run-'));
    const window = publishThisWindow(runDir, await findThisWindow(process.platform), {
      folders: [project],
      workspaceFiles: [],
      userDirs: [],
      restricted: true,
    });
    await look({ options: { runDir } });
    await servers.pop()?.stop();
    assert.deepEqual(index.paths.slice(asked), []);
    window.dispose();
    assert.equal((await look({ options: { runDir } })).package?.latest, '2.0.0');
    // Servers of other folders are asked for as before.
    await servers.pop()?.stop();
    const options = { ...trusted, restricted: true };
    assert.equal((await look({ entry: elsewhere, cwd: join(world.root, 'elsewhere'), options })).package?.latest, '2.0.0');
  });

  const simple = 'simple.ada.example';
  const pipForms: [name: string, indexUrl: string, environment: () => string][] = [
    ['proxy', `http://ada:${canary}@${simple}/simple/`, () => `proxy = ${stranger.url}`],
    ['proxy and cert', `https://ada:${canary}@${simple}/simple/`, () => `proxy = ${stranger.url}\ncert = ${cert}`],
  ];
  /** Asks as a survey does, with real files. */
  async function ask(place: Partial<PythonPackagePlace>, env: Record<string, string> = {}): Promise<string> {
    const environment = join(world.root, 'venv');
    const route = pythonRoute(
      { environment, installer: 'pip', ...place },
      {
        platform: 'linux',
        home: world.home,
        env: { XDG_CONFIG_DIRS: world.root, ...env },
        read: (path) => {
          const read = readBounded(path, 100_000);
          return read.status === 'ok' ? read.text : undefined;
        },
      },
    );
    if ('never' in route) {
      return route.never;
    }
    const question = { ecosystem: 'python', name: 'notes', tag: 'latest', targets: route.ask } as const;
    return (await lookUp(question, undefined, AbortSignal.timeout(20_000))).status;
  }
  for (const [name, indexUrl, ofEnvironment] of pipForms) {
    const withUser = (more = ''): string => world.write('.config/pip/pip.conf', `[global]\nindex-url = ${indexUrl}\n${more}\n`);
    it(`pip: ${name}: the password does not leave by a pip.conf of the environment`, async () => {
      withUser();
      write(join(world.root, 'venv', 'pip.conf'), `[install]\n${ofEnvironment()}\n`);
      const said = await ask({});
      nothingLeaked();
      assertNames(said, 'credentials');
    });

    it(`pip: ${name}: nor by what pipx recorded in the environment`, async () => {
      withUser();
      const pipWords = ofEnvironment()
        .split('\n')
        .flatMap((line) => [`--${line.split(' = ')[0]}`, line.split(' = ')[1] ?? '']);
      const said = await ask({ pipWords });
      nothingLeaked();
      assertNames(said, 'credentials');
    });

    it(`pip: ${name}: control: it does by the user's own settings`, async () => {
      withUser(ofEnvironment());
      assert.equal(await ask({}), 'found');
      leaked();
    });
  }
});
