import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { IndexRoute } from '../../../../src/registry/indexRoute.ts';
import { type NpmPackagePlace, npmRoute } from '../../../../src/registry/npm/npmRoute.ts';
import { parseNpmrc, withVariables } from '../../../../src/registry/npm/npmrc.ts';
import { publicNpmRegistry } from '../../../../src/registry/publicIndexes.ts';
import type { SettingsSource } from '../../../../src/registry/settingsSource.ts';
import { assertNames } from '../../../names.ts';

const place: NpmPackagePlace = { name: '@acme/notes', project: '/srv/shop', prefixes: ['/opt/node'] };

function around(files: Record<string, string | null> = {}, env: Record<string, string> = {}): SettingsSource {
  return { platform: 'linux', home: '/home/ada', env, read: (path) => files[path] };
}

function asked(route: IndexRoute) {
  assert.ok('ask' in route, JSON.stringify(route));
  const [{ base, ...rest }] = route.ask;
  return { base: base.href, ...rest };
}

function never(route: IndexRoute): string {
  assert.ok('never' in route, JSON.stringify(route));
  return route.never;
}

describe('npmRoute', () => {
  it('asks the public registry when nothing is configured', () => {
    assert.deepEqual(asked(npmRoute(place, around())), { base: publicNpmRegistry, isPublic: true });
  });

  it('follows variables, project, user and machine in that order', () => {
    const files: Record<string, string> = {
      '/srv/shop/.npmrc': 'registry=https://project.example',
      '/home/ada/.npmrc': 'registry=https://user.example',
      '/opt/node/etc/npmrc': 'registry=https://machine.example',
    };
    const env = { NPM_CONFIG_REGISTRY: 'https://variable.example/npm' };
    assert.equal(asked(npmRoute(place, around(files, env))).base, 'https://variable.example/npm/');
    assert.equal(asked(npmRoute(place, around(files))).base, 'https://project.example/');
    const { project: _, ...global } = place;
    assert.equal(asked(npmRoute(global, around(files))).base, 'https://user.example/');
    delete files['/home/ada/.npmrc'];
    assert.equal(asked(npmRoute(global, around(files))).base, 'https://machine.example/');
  });

  it('reads the settings files that variables name', () => {
    const files = { '/etc/special': 'registry=https://special.example/', '/home/ada/.npmrc': 'registry=https://user.example' };
    assert.equal(asked(npmRoute(place, around(files, { npm_config_userconfig: '/etc/special' }))).base, 'https://special.example/');
    const machine = { '/etc/special': 'registry=https://special.example/', '/opt/node/etc/npmrc': 'registry=https://machine.example' };
    assert.equal(asked(npmRoute(place, around(machine, { npm_config_globalconfig: '/etc/special' }))).base, 'https://special.example/');
  });

  it('asks for a scope where the scope is, and nowhere else', () => {
    const files = { '/home/ada/.npmrc': '@acme:registry=https://acme.example/npm/\nregistry=https://general.example' };
    assert.equal(asked(npmRoute(place, around(files))).base, 'https://acme.example/npm/');
    assert.equal(asked(npmRoute({ ...place, name: '@other/x' }, around(files))).base, 'https://general.example/');
    assert.equal(asked(npmRoute({ ...place, name: 'notes' }, around(files))).base, 'https://general.example/');
  });

  it('tells the public registry nothing that is not from there', () => {
    const reasons = [
      { isPrivate: true },
      { publishedTo: 'https://acme.example/' },
      { resolved: 'https://acme.example/notes.tgz' },
      { resolved: 'git+ssh://git@example.com/acme/notes.git#0123' },
      { resolved: 'file:../notes.tgz' },
    ];
    for (const reason of reasons) {
      assert.ok(never(npmRoute({ ...place, ...reason }, around())), JSON.stringify(reason));
    }
    const from = `${publicNpmRegistry}@acme/notes/-/notes-1.0.0.tgz`;
    assert.equal(asked(npmRoute({ ...place, resolved: from }, around())).isPublic, true);
    // A mirror has other addresses in the lock file than the registry that it mirrors.
    const mirror = { '/home/ada/.npmrc': 'registry=https://mirror.example' };
    assert.equal(asked(npmRoute({ ...place, resolved: from }, around(mirror))).base, 'https://mirror.example/');
  });

  it('tells the public registry nothing that yarn, pnpm or bun have from elsewhere', () => {
    const held: NpmPackagePlace = { ...place, modules: '/srv/shop' };
    const settings: [path: string, text: string][] = [
      ['/srv/shop/.yarnrc.yml', 'nodeLinker: node-modules\nnpmScopes:\n  acme:\n    npmRegistryServer: "https://own.example"\n'],
      ['/srv/.yarnrc.yml', 'npmRegistryServer: https://own.example # all\n'],
      ['/home/ada/.yarnrc.yml', 'npmScopes: { acme: { npmRegistryServer: "https://own.example" } }\n'],
      ['/srv/shop/.yarnrc.yml', 'npmRegistryServer: "${COMPANY}"\n'],
      ['/srv/shop/.yarnrc.yml', 'npmRegistryServer:\n  https://own.example\n'],
      ['/srv/shop/.yarnrc.yml', 'npmScopes:\n  "acme":\n    npmRegistryServer:\n      "https://own.example"\n'],
      ['/srv/shop/.yarnrc.yml', '"npmRegistryServer": !!str https://own.example\n'],
      [
        '/srv/shop/.yarnrc.yml',
        `npmRegistryServer: ${publicNpmRegistry}\nnpmScopes:\n  ? acme\n  : npmRegistryServer: https://own.example\n`,
      ],
      ['/srv/shop/pnpm-workspace.yaml', "registries:\n  '@acme': >-\n    https://own.example/\n"],
      ['/srv/shop/pnpm-workspace.yaml', "x: &own https://own.example/\nregistries:\n  '@acme': *own\n"],
      ['/srv/shop/pnpm-workspace.yaml', "x: &all\n  '@acme': https://own.example/\nregistries:\n  <<: *all\n"],
      ['/srv/pnpm-workspace.yaml', 'registry:\n  ${COMPANY}\n'],
      ['/srv/shop/.yarnrc', '"@acme:registry" "https://own.example/"\n'],
      ['/home/ada/.yarnrc', 'registry "https://own.example/"\n'],
      ['/srv/shop/bunfig.toml', '[install.scopes]\nacme = { token = "x", url = "https://own.example" }\n'],
      ['/home/ada/.bunfig.toml', '[install]\nregistry = "https://own.example"\n'],
      ['/srv/shop/node_modules/.modules.yaml', `{"registries":{"default":"${publicNpmRegistry}","@acme":"https://own.example/"}}`],
      ['/srv/shop/node_modules/.modules.yaml', "registries:\n  '@acme': https://own.example/\n"],
      ['/home/ada/.config/pnpm/rc', '@acme:registry=https://own.example/\n'],
    ];
    for (const [path, text] of settings) {
      assertNames(never(npmRoute(held, around({ [path]: text }))), 'pnpm');
      // A registry that npm's own settings name is asked all the same.
      assert.equal(
        asked(npmRoute(held, around({ [path]: text, '/home/ada/.npmrc': 'registry=https://a.example' }))).base,
        'https://a.example/',
      );
    }
    assert.ok(never(npmRoute(held, around({}, { YARN_NPM_REGISTRY_SERVER: 'https://own.example' }))));
    const others: [path: string, text: string][] = [
      [
        '/srv/shop/.yarnrc.yml',
        'npmScopes:\n  other:\n    npmRegistryServer: "https://own.example"\nplugins:\n  - spec: https://p.example/x.cjs\n',
      ],
      ['/srv/shop/.yarnrc', '"@other:registry" "https://own.example/"\n# registry "https://own.example"\n'],
      ['/srv/shop/bunfig.toml', '[install.scopes]\nother = "https://own.example"\n'],
      ['/srv/shop/node_modules/.modules.yaml', `registries:\n  default: ${publicNpmRegistry}\n  '@other': https://own.example/\n`],
      ['/srv/shop/.yarnrc.yml', '# npmRegistryServer: https://own.example\nnote: |\n  npmRegistryServer: https://own.example\n'],
      ['/srv/shop/pnpm-workspace.yaml', 'packages:\n  - default: https://own.example/\n'],
      ['/srv/shop/pnpm-workspace.yaml', ''],
    ];
    for (const [path, text] of others) {
      assert.equal(asked(npmRoute(held, around({ [path]: text }))).isPublic, true, text);
    }
  });

  it('asks no public registry while the settings of yarn, pnpm or bun cannot be read', () => {
    const held: NpmPackagePlace = { ...place, modules: '/srv/shop' };
    for (const file of ['.yarnrc.yml', 'pnpm-workspace.yaml', 'node_modules/.modules.yaml', 'bunfig.toml']) {
      const path = `/srv/shop/${file}`;
      for (const text of ['a: [1\n', null]) {
        const reason = never(npmRoute(held, around({ [path]: text })));
        assert.ok(reason.includes(path), reason);
        const own = around({ [path]: text, '/home/ada/.npmrc': 'registry=https://a.example' });
        assert.equal(asked(npmRoute(held, own)).base, 'https://a.example/');
      }
    }
    for (const path of ['/srv/shop/.npmrc', '/home/ada/.npmrc']) {
      assert.ok(never(npmRoute(held, around({ [path]: null }))).includes(path));
    }
  });

  it('finds the credentials of exactly that registry', () => {
    const base = 'https://acme.example:8443/npm/team/';
    const of = (lines: string, env: Record<string, string> = {}) =>
      asked(npmRoute(place, around({ '/home/ada/.npmrc': `registry=${base}\n${lines}` }, env))).authorization;
    assert.equal(of('//acme.example:8443/npm/team/:_authToken=abc'), 'Bearer abc');
    assert.equal(of('//acme.example:8443/npm/:_authToken=${TOKEN}', { TOKEN: 'abc' }), 'Bearer abc');
    assert.equal(of('//acme.example:8443/:_auth=YTpi'), 'Basic YTpi');
    const password = Buffer.from('s3').toString('base64');
    assert.equal(
      of(`//acme.example:8443/:username=ada\n//acme.example:8443/:_password="${password}"`),
      `Basic ${Buffer.from('ada:s3').toString('base64')}`,
    );
    for (const elsewhere of [
      '//acme.example/:_authToken=abc',
      '//other.example/:_authToken=abc',
      '//acme.example:8443/npm/other/:_authToken=abc',
      '_authToken=abc',
      '//acme.example:8443/:_authToken=${UNSET}',
    ]) {
      assert.equal(of(elsewhere), undefined, elsewhere);
    }
  });

  it('gives a project no value of the environment', () => {
    const env = { TOKEN: 'abc', npm_config_registry: 'https://acme.example/' };
    const files = { '/srv/shop/.npmrc': '//acme.example/:_authToken=${TOKEN}' };
    assert.equal(asked(npmRoute(place, around(files, env))).authorization, undefined);
    const leading = { '/srv/shop/.npmrc': 'registry=https://evil.example/${TOKEN}/' };
    assert.ok(never(npmRoute(place, around(leading, { TOKEN: 'abc' }))));
  });

  it('sends no credentials where certificates are not checked', () => {
    const lines = 'registry=https://ada:pw@acme.example/\nstrict-ssl=false\n//acme.example/:_authToken=abc';
    assert.deepEqual(asked(npmRoute(place, around({ '/home/ada/.npmrc': lines }))), {
      base: 'https://acme.example/',
      isPublic: false,
      unverified: true,
    });
  });

  it('takes proxies and certificates as npm does', () => {
    const lines = 'https-proxy=http://proxy.example:3128\ncafile=/etc/ca.pem\nnoproxy=direct.example';
    const files = { '/home/ada/.npmrc': lines };
    const route = asked(npmRoute(place, around(files, { HTTPS_PROXY: 'http://weaker.example' })));
    assert.deepEqual([route.proxy?.host, route.caFile], ['proxy.example:3128', '/etc/ca.pem']);
    const direct = { '/home/ada/.npmrc': `${lines}\nregistry=https://npm.direct.example` };
    assert.equal(asked(npmRoute(place, around(direct))).proxy, undefined);
  });

  it('sends a credential only by the passage that its own file and the user decide', () => {
    const token = '//acme.example/:_authToken=abc';
    const of = (user: string, project: string, env: Record<string, string> = {}) =>
      npmRoute(place, around({ '/home/ada/.npmrc': user, '/srv/shop/.npmrc': project }, env));
    const base = 'registry=https://acme.example/\n';
    for (const line of [
      'https-proxy=http://p.example:1',
      'proxy=http://p.example:1',
      'http-proxy=http://p.example:1',
      'cafile=/srv/shop/ca.pem',
      'registry=http://acme.example/',
      '@acme:registry=http://acme.example/',
    ]) {
      assertNames(never(of(base + token, line)), 'credentials');
      if (!line.includes('registry')) {
        assertNames(never(of('registry=https://ada:pw@acme.example/', line)), 'credentials');
      }
      // Its own credential goes where the project says, and where the user says.
      assert.equal(asked(of(base, `${line}\n${token}`)).authorization, 'Bearer abc', line);
      assert.equal(asked(of(`${base}${line}`, token.replace('acme', 'other'))).authorization, undefined, line);
    }
    assertNames(never(of(`${base}${token}\nhttps-proxy=http://user.example:1`, 'noproxy=acme.example')), 'credentials');
    assertNames(never(of(`${base}${token}\ncafile=ca.pem`, '')), 'credentials');
    // The same value from both is the user's.
    const same = 'https-proxy=http://p.example:1';
    assert.equal(asked(of(`${base}${token}\n${same}`, same)).authorization, 'Bearer abc');
    // The address alone may be the project's.
    assert.equal(asked(of(token, base)).authorization, 'Bearer abc');
    // No certificates, no credential. Where the project decides that, the registry is not asked at all; where the user does, it is asked without.
    assertNames(never(of(base + token, 'strict-ssl=false\nhttps-proxy=http://p.example:1')), 'credentials');
    assert.equal(asked(of(`${base}${token}\nstrict-ssl=false`, '')).authorization, undefined);
    assertNames(never(of(`${base}${token}\nstrict-ssl=false`, 'strict-ssl=true')), 'credentials');
  });

  it('puts no credential together from two files, and trusts none but the user with both', () => {
    const password = `//acme.example/:_password=${Buffer.from('s3').toString('base64')}`;
    const user = { '/home/ada/.npmrc': `registry=https://acme.example/\n${password}` };
    const project = '//acme.example/:username=ada';
    assert.ok(asked(npmRoute(place, around({ ...user, '/srv/shop/.npmrc': project }))).authorization);
    const led = { ...user, '/srv/shop/.npmrc': `${project}\nhttps-proxy=http://p.example:1` };
    assertNames(never(npmRoute(place, around(led))), 'credentials');
  });

  it("sends the password of the user's proxy only inside of what the user trusts", () => {
    const user = { '/home/ada/.npmrc': 'https-proxy=https://ada:pw@proxy.example' };
    assert.equal(asked(npmRoute(place, around(user))).proxy?.username, 'ada');
    for (const line of ['cafile=/srv/shop/ca.pem', 'strict-ssl=false']) {
      assertNames(never(npmRoute(place, around({ ...user, '/srv/shop/.npmrc': line }))), 'credentials');
    }
  });

  it('takes the settings of a Node installation for those of the user only where it is the one of the user', () => {
    const files = {
      '/home/ada/.npmrc': 'registry=https://acme.example/\n//acme.example/:_authToken=abc',
      '/opt/node/etc/npmrc': 'https-proxy=http://${HOST}:1',
    };
    const env = { HOST: 'p.example' };
    assertNames(never(npmRoute(place, around(files, env))), 'credentials');
    const own = asked(npmRoute(place, { ...around(files, env), prefixes: ['/opt/node'] }));
    assert.deepEqual([own.proxy?.host, own.authorization], ['p.example:1', 'Bearer abc']);
  });

  it('takes no passage and no credential from the settings of yarn, pnpm and bun', () => {
    const held: NpmPackagePlace = { ...place, modules: '/srv/shop' };
    const user = { '/home/ada/.npmrc': 'registry=https://acme.example/\n//acme.example/:_authToken=abc' };
    const plain = asked(npmRoute(held, around(user)));
    for (const [path, text] of [
      ['/srv/shop/.yarnrc.yml', 'httpsProxy: http://p.example:1\nhttpsCaFilePath: ./ca.pem\nenableStrictSsl: false\nnpmAuthToken: x\n'],
      ['/srv/shop/.yarnrc.yml', 'npmRegistryServer: http://acme.example\nunsafeHttpWhitelist: ["*"]\n'],
      ['/srv/shop/.yarnrc', 'https-proxy "http://p.example:1"\ncafile "./ca.pem"\nregistry "http://acme.example"\n'],
      ['/srv/shop/pnpm-workspace.yaml', 'httpsProxy: http://p.example:1\nstrictSsl: false\nregistry: http://acme.example/\n'],
      ['/srv/shop/bunfig.toml', '[install]\nregistry = { url = "http://acme.example", token = "x" }\ncafile = "./ca.pem"\n'],
    ] as const) {
      assert.deepEqual(asked(npmRoute(held, around({ ...user, [path]: text }))), plain, text);
    }
  });

  it('asks no index offline, and says when new versions are held back', () => {
    assertNames(never(npmRoute(place, around({ '/home/ada/.npmrc': 'offline=true' }))), 'offline');
    assertNames(never(npmRoute(place, around({ '/home/ada/.npmrc': 'registry=${COMPANY}' }))), 'cannot be read');
    assertNames(never(npmRoute(place, around({ '/home/ada/.npmrc': 'registry=file:///srv/npm' }))), 'cannot be read');
    const route = npmRoute(place, around({ '/home/ada/.npmrc': 'min-release-age=7' }));
    assertNames('remarks' in route ? route.remarks.join() : '', 'min-release-age');
  });
});

describe('parseNpmrc', () => {
  it('reads what npm reads', () => {
    // Compared with npm 11.19.1.
    const cases: [lines: string, value: string | undefined][] = [
      ['; x=1\n  # x=1', undefined],
      ['x = 1 ', '1'],
      ['x=1\r\nx=2', '2'],
      ['x', 'true'],
      ['x=', ''],
      ['x="two words ; all"', 'two words ; all'],
      ["x='two words'", 'two words'],
      ['x=\'"both"\'', 'both'],
      ['x="open', '"open'],
      ['x="a" b', '"a" b'],
      ['x=value ; a comment', 'value'],
      ['x=value#comment', 'value'],
      ['x=a\\;b\\#c\\\\d\\e', 'a;b#c\\d\\e'],
      ['x=a\\\\;b', 'a\\'],
      ['x=a=b', 'a=b'],
      ["x='123'", '123'],
      ['"x"=1', '1'],
      ['x[]=1\nx[]=2', '1\n2'],
      ['x[]=1\nx=2', '1\n2'],
      ['[section]\nx=1', undefined],
      ['x=1\n[section]\nx=2', '1'],
      ['\ufeffx=1', '1'],
      ["x='{}'", undefined],
    ];
    for (const [lines, value] of cases) {
      assert.equal(parseNpmrc(lines)?.get('x'), value, lines);
    }
    // npm fails here.
    assert.equal(parseNpmrc("'null'=x"), undefined);
  });

  it('replaces variables as npm does', () => {
    const env = { A: '1', EMPTY: '' };
    for (const [text, value] of [
      ['x${A}y${EMPTY}z', 'x1yz'],
      ['${B}${B?}', '${B}'],
      ['${A-other}${B-other}', '${A-other}${B-other}'],
      ['$A', '$A'],
      ['\\${A}', '${A}'],
      ['\\\\${A}', '\\1'],
      ['\\\\\\${A}', '\\${A}'],
    ] as const) {
      assert.equal(withVariables(text, env), value, text);
    }
  });

  it('reads a variable in the name of a setting, in a project too', () => {
    const files = { '/srv/shop/.npmrc': '@${COMPANY}:registry=https://own.example/' };
    assert.equal(asked(npmRoute(place, around(files, { COMPANY: 'acme' }))).base, 'https://own.example/');
  });
});
