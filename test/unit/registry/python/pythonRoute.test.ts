import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { IndexRoute } from '../../../../src/registry/indexRoute.ts';
import { publicPythonIndex } from '../../../../src/registry/publicIndexes.ts';
import { type PythonPackagePlace, pythonRoute } from '../../../../src/registry/python/pythonRoute.ts';
import { parsePipConf } from '../../../../src/registry/python/pythonSettings.ts';
import type { SettingsSource } from '../../../../src/registry/settingsSource.ts';
import { assertNames } from '../../../names.ts';

const withPip: PythonPackagePlace = { environment: '/opt/venv', installer: 'pip', project: '/srv/shop/api' };
const withUv: PythonPackagePlace = { ...withPip, installer: 'uv' };

function around(files: Record<string, string | null> = {}, env: Record<string, string> = {}): SettingsSource {
  return { platform: 'linux', home: '/home/ada', env, read: (path) => files[path] };
}

function bases(route: IndexRoute): string[] {
  assert.ok('ask' in route, JSON.stringify(route));
  return route.ask.map((target) => target.base.href);
}

function never(route: IndexRoute): string {
  assert.ok('never' in route, JSON.stringify(route));
  return route.never;
}

describe('pythonRoute with pip', () => {
  it('asks the public index when nothing is configured', () => {
    assert.deepEqual(bases(pythonRoute(withPip, around())), [publicPythonIndex]);
  });

  it('follows variables, PIP_CONFIG_FILE, environment, user and machine in that order', () => {
    const conf = (host: string): string => `[global]\nindex-url = https://${host}.example/simple\n`;
    const files: Record<string, string> = {
      '/special.conf': conf('named'),
      '/opt/venv/pip.conf': conf('venv'),
      '/home/ada/.config/pip/pip.conf': conf('user'),
      '/home/ada/.pip/pip.conf': conf('legacy'),
      '/etc/pip.conf': conf('machine'),
    };
    const first = (env: Record<string, string>): string | undefined => bases(pythonRoute(withPip, around(files, env)))[0];
    assert.equal(
      first({ PIP_INDEX_URL: 'https://variable.example/simple', PIP_CONFIG_FILE: '/special.conf' }),
      'https://variable.example/simple/',
    );
    assert.equal(first({ PIP_CONFIG_FILE: '/special.conf' }), 'https://named.example/simple/');
    for (const [path, host] of [
      ['/opt/venv/pip.conf', 'venv'],
      ['/home/ada/.config/pip/pip.conf', 'user'],
      ['/home/ada/.pip/pip.conf', 'legacy'],
      ['/etc/pip.conf', 'machine'],
    ] as const) {
      assert.equal(first({}), `https://${host}.example/simple/`);
      delete files[path];
    }
    assert.equal(first({ PIP_CONFIG_FILE: '/dev/null' }), publicPythonIndex);
  });

  it('puts [install] above [global], in whatever file', () => {
    const files = {
      '/opt/venv/pip.conf': '[global]\nindex-url=https://global.example/simple',
      '/etc/pip.conf': '[install]\nindex_url: https://install.example/simple',
    };
    assert.deepEqual(bases(pythonRoute(withPip, around(files))), ['https://install.example/simple/']);
  });

  it('asks the private indexes alone where there are any', () => {
    const env = { PIP_EXTRA_INDEX_URL: 'https://ada:pw@private.example/simple https://second.example/simple' };
    const route = pythonRoute(withPip, around({}, env));
    assert.deepEqual(bases(route), ['https://private.example/simple/', 'https://second.example/simple/']);
    assert.equal('ask' in route && route.ask[0].authorization, `Basic ${Buffer.from('ada:pw').toString('base64')}`);
    // The public one written out is still the public one.
    const both = { PIP_INDEX_URL: publicPythonIndex, PIP_EXTRA_INDEX_URL: 'https://private.example/simple' };
    assert.deepEqual(bases(pythonRoute(withPip, around({}, both))), ['https://private.example/simple/']);
  });

  it('asks no index where the package may be from a folder', () => {
    const files = { '/etc/pip.conf': '[global]\nextra-index-url =\n    file:///srv/simple\n' };
    assertNames(never(pythonRoute(withPip, around(files))), 'folder');
  });

  it('asks no index about a package from elsewhere, offline, or of another installer', () => {
    assertNames(never(pythonRoute({ ...withPip, direct: true }, around())), 'index');
    assertNames(never(pythonRoute({ ...withPip, installer: 'other' }, around())), 'not known');
    assertNames(never(pythonRoute(withPip, around({}, { PIP_NO_INDEX: '1' }))), 'no index');
  });

  it('takes the words of the call above everything, as pipx keeps them', () => {
    const env = { PIP_INDEX_URL: 'https://variable.example/simple' };
    const of = (...pipWords: string[]) => bases(pythonRoute({ ...withPip, pipWords }, around({}, env)));
    assert.deepEqual(of('--no-cache-dir'), ['https://variable.example/simple/']);
    for (const words of [
      ['--index-url', 'https://own.example/s'],
      ['--index-url=https://own.example/s'],
      ['-i', 'https://own.example/s'],
    ]) {
      assert.deepEqual(of(...words), ['https://own.example/s/'], words.join(' '));
    }
    // The public index is not told what another one may have.
    const beside = ['--extra-index-url', 'https://one.example/s', '--extra-index-url=https://two.example/s'];
    assert.deepEqual(bases(pythonRoute({ ...withPip, pipWords: beside }, around())), ['https://one.example/s/', 'https://two.example/s/']);
    assertNames(never(pythonRoute({ ...withPip, pipWords: ['--no-index', '-f', '/srv/wheels'] }, around())), 'no index');
    assertNames(never(pythonRoute({ ...withPip, pipWords: ['-f', '/srv/wheels'] }, around())), 'folder');
  });

  it('asks the sources of a Pipfile alone', () => {
    const source = (url: string) => `[[source]]\nurl = "${url}"\nname = "x"\n`;
    const of = (pipfile: string) => pythonRoute({ ...withPip, pipfile }, around());
    assert.deepEqual(bases(of(source('https://private.example/simple'))), ['https://private.example/simple/']);
    assert.deepEqual(bases(of(source(publicPythonIndex) + source('https://private.example/simple'))), ['https://private.example/simple/']);
    assert.deepEqual(bases(of(source(publicPythonIndex))), [publicPythonIndex]);
    assert.deepEqual(bases(of('[packages]\nnotes = "*"\n')), [publicPythonIndex]);
    assert.ok(never(of(source('https://$USER:$WORD@private.example/simple'))));
    assert.ok(never(of('[[source')));
  });

  it('takes proxy, certificate and unchecked hosts as pip does', () => {
    const text = '[global]\nproxy = http://proxy.example:8080\ncert = /etc/ca.pem\ntrusted-host = odd.example\n';
    const route = pythonRoute(withPip, around({ '/etc/pip.conf': text }, { PIP_INDEX_URL: 'https://ada:pw@odd.example/simple' }));
    assert.ok('ask' in route);
    const [{ base: _, proxy, ...rest }] = route.ask;
    assert.equal(proxy?.host, 'proxy.example:8080');
    assert.deepEqual(rest, { isPublic: false, caFile: '/etc/ca.pem', unverified: true });
  });

  it('sends a password only by the passage that its own file and the user decide', () => {
    const user = { '/home/ada/.config/pip/pip.conf': '[global]\nindex-url = https://ada:pw@own.example/simple\n' };
    const led = ['proxy = http://p.example:1', 'cert = /opt/venv/ca.pem'];
    const credential = `Basic ${Buffer.from('ada:pw').toString('base64')}`;
    const first = (route: IndexRoute) => ('ask' in route ? route.ask[0] : undefined);
    for (const line of led) {
      const conf = { '/opt/venv/pip.conf': `[install]\n${line}\n` };
      assertNames(never(pythonRoute(withPip, around({ ...user, ...conf }))), 'credentials');
      // A second index does not make up for it.
      const second = { '/opt/venv/pip.conf': `[install]\n${line}\nextra-index-url = https://other.example/simple\n` };
      assertNames(never(pythonRoute(withPip, around({ ...user, ...second }))), 'credentials');
      const [option = '', value = ''] = line.split(' = ');
      assertNames(never(pythonRoute({ ...withPip, pipWords: [`--${option}`, value] }, around(user))), 'credentials');
      const pipfile = '[[source]]\nurl = "https://ada:pw@own.example/simple"\n';
      assertNames(never(pythonRoute({ ...withPip, pipfile }, around(conf))), 'credentials');
      // Its own password goes where the environment says; the user's where the user says.
      const own = { '/opt/venv/pip.conf': `[global]\nindex-url = https://ada:pw@own.example/simple\n${line}\n` };
      assert.equal(first(pythonRoute(withPip, around(own)))?.authorization, credential, line);
      const ofUser = { '/etc/pip.conf': `[global]\n${line}\n` };
      assert.equal(first(pythonRoute(withPip, around({ ...user, ...ofUser })))?.authorization, credential, line);
    }
    const unchecked = { '/opt/venv/pip.conf': '[install]\ntrusted-host = own.example\nproxy = http://p.example:1\n' };
    assert.equal(first(pythonRoute(withPip, around({ ...user, ...unchecked })))?.authorization, undefined);
  });

  it('reads lists that go on in indented lines', () => {
    const values = parsePipConf(
      '# c\n[global]\nextra-index-url =\n  https://a.example\n  ; said\n  https://b.example\ntimeout: 5\n[x]\ny=1',
    );
    assert.deepEqual(Object.fromEntries(values), {
      'global.extra-index-url': 'https://a.example https://b.example',
      'global.timeout': '5',
      'x.y': '1',
    });
  });
});

describe('pythonRoute with uv', () => {
  it('does not read what is set for pip alone', () => {
    const files = { '/etc/pip.conf': '[global]\nindex-url=https://pip.example/simple' };
    assert.deepEqual(bases(pythonRoute(withUv, around(files, { PIP_INDEX_URL: 'https://pip.example/simple' }))), [publicPythonIndex]);
  });

  it('follows variables, receipt, project, user and machine', () => {
    const files: Record<string, string> = {
      '/opt/venv/uv-receipt.toml': '[tool]\nrequirements = [{ name = "x" }]\n[tool.options]\nindex-url = "https://receipt.example/simple"',
      '/srv/shop/pyproject.toml': '[tool.uv]\nindex-url = "https://project.example/simple"',
      '/home/ada/.config/uv/uv.toml': 'index-url = "https://user.example/simple"',
      '/etc/uv/uv.toml': '[[index]]\nurl = "https://machine.example/simple"\ndefault = true',
    };
    const first = (env: Record<string, string> = {}): string | undefined => bases(pythonRoute(withUv, around(files, env)))[0];
    assert.equal(first({ UV_DEFAULT_INDEX: 'https://variable.example/simple' }), 'https://variable.example/simple/');
    assert.equal(first({ UV_INDEX_URL: 'https://old.example/simple' }), 'https://old.example/simple/');
    for (const [path, host] of [
      ['/opt/venv/uv-receipt.toml', 'receipt'],
      ['/srv/shop/pyproject.toml', 'project'],
      ['/home/ada/.config/uv/uv.toml', 'user'],
      ['/etc/uv/uv.toml', 'machine'],
    ] as const) {
      assert.equal(first(), `https://${host}.example/simple/`);
      delete files[path];
    }
    assert.equal(first(), publicPythonIndex);
  });

  it('asks the private indexes alone, and those for named packages not at all', () => {
    const text =
      '[[index]]\nname = "torch"\nurl = "https://torch.example/simple"\nexplicit = true\n[[index]]\nurl = "https://own.example/simple"';
    assert.deepEqual(bases(pythonRoute(withUv, around({ '/srv/shop/api/uv.toml': text }))), ['https://own.example/simple/']);
    assert.deepEqual(bases(pythonRoute(withUv, around({}, { UV_INDEX: 'own=https://own.example/simple' }))), [
      'https://own.example/simple/',
    ]);
  });

  it('takes no passage from a uv.toml: neither proxy, nor certificates, nor strictness', () => {
    const user = { '/home/ada/.config/uv/uv.toml': 'index-url = "https://ada:pw@own.example/simple"' };
    const plain = pythonRoute(withUv, around(user));
    assert.ok('ask' in plain && plain.ask[0].authorization);
    const text =
      'native-tls = true\nallow-insecure-host = ["own.example"]\nhttp-proxy = "http://p.example:1"\nhttps-proxy = "http://p.example:1"\n[pip]\nproxy = "http://p.example:1"\n';
    for (const path of ['/srv/shop/api/uv.toml', '/srv/shop/uv.toml', '/opt/venv/uv-receipt.toml']) {
      assert.deepEqual(pythonRoute(withUv, around({ ...user, [path]: text })), plain, path);
    }
    // An index of the project gets no password of the user, not even one on the same host.
    const http = { '/srv/shop/uv.toml': '[[index]]\nurl = "http://own.example/simple"\ndefault = true\n' };
    const led = pythonRoute(withUv, around({ ...user, ...http }));
    assert.ok('ask' in led && led.ask.every(({ base, authorization }) => base.protocol === 'https:' || authorization === undefined));
  });

  it('asks no index offline, and says when new versions are held back', () => {
    assertNames(never(pythonRoute(withUv, around({}, { UV_OFFLINE: 'true' }))), 'offline');
    const route = pythonRoute(withUv, around({ '/etc/uv/uv.toml': 'exclude-newer = "2026-01-01"' }));
    assertNames('remarks' in route ? route.remarks.join() : '', 'exclude-newer');
  });

  it('asks no index while a settings file cannot be read', () => {
    for (const [place, path, text] of [
      [withUv, '/etc/uv/uv.toml', 'not = [toml'],
      [withUv, '/srv/shop/pyproject.toml', null],
      [withPip, '/etc/pip.conf', null],
    ] as const) {
      assert.ok(never(pythonRoute(place, around({ [path]: text }))).includes(path));
    }
    assert.deepEqual(bases(pythonRoute(withUv, around({ '/srv/shop/pyproject.toml': '[tool.other]' }))), [publicPythonIndex]);
  });
});
