import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { type InstallFacts, shownCommandLine, type Upgrade, upgradeCommand } from '../../../src/diagnosis/upgradeCommand.ts';

const npm: InstallFacts = {
  ecosystem: 'npm',
  name: '@acme/notes',
  platform: 'linux',
  environment: '/srv/shop',
  project: '/srv/shop',
  files: new Set(['package.json', 'package-lock.json']),
  direct: true,
};
const python: InstallFacts = {
  ecosystem: 'python',
  name: 'mcp-server-git',
  platform: 'linux',
  environment: '/opt/venv',
  project: '/opt/venv',
  files: new Set(['pyvenv.cfg']),
  direct: true,
  installer: 'pip',
  hasPip: true,
};

function text(upgrade: Upgrade): string {
  return 'argv' in upgrade
    ? `${upgrade.cwd === undefined ? '' : `(${upgrade.cwd}) `}${shownCommandLine(upgrade.argv)}`
    : `words: ${upgrade.words}`;
}

const at = (path: string): Partial<InstallFacts> => ({ environment: path, project: path });
const none: ReadonlySet<string> = new Set();

describe('upgradeCommand', () => {
  it('never makes an option of the name of an environment folder, or of what was asked for', () => {
    for (const folder of ['--all', '--pip-args=-e.', '-e', 'a b', 'x;y']) {
      for (const mark of ['pipx_metadata.json', 'uv-receipt.toml']) {
        const upgrade = upgradeCommand({ ...python, ...at(`/home/ada/tools/${folder}`), files: new Set([mark]) }, '1.2.3');
        assert.ok('words' in upgrade, `${folder} with ${mark}: ${text(upgrade)}`);
      }
    }
    const cached = upgradeCommand({ ...python, ...at('/home/ada/.cache/uv/archive-v0/abc'), files: none, asked: '--all' }, '1.2.3');
    assert.ok('words' in cached, text(cached));
  });

  const npmRows: [string, Partial<InstallFacts>, string | RegExp][] = [
    ['npm project', {}, 'npm install --prefix /srv/shop @acme/notes@1.2.3'],
    ['npm project without lock file', { files: new Set(['package.json']) }, 'npm install --prefix /srv/shop @acme/notes@1.2.3'],
    ['npm global', { ...at('/usr/local/lib'), files: none, direct: false }, 'npm install -g --prefix /usr/local @acme/notes@1.2.3'],
    [
      'npm global on Windows',
      { ...at('C:\\Users\\Ada L\\AppData\\Roaming\\npm'), platform: 'win32', files: none, direct: false },
      'npm install -g --prefix "C:\\Users\\Ada L\\AppData\\Roaming\\npm" @acme/notes@1.2.3',
    ],
    [
      'npx, bare name',
      { ...at('/home/ada/.npm/_npx/15b07286cbcc3329'), asked: '@acme/notes' },
      'npm install --prefix /home/ada/.npm/_npx/15b07286cbcc3329 @acme/notes@1.2.3',
    ],
    [
      'npx, a tag',
      { ...at('/home/ada/.npm/_npx/15b0'), asked: '@acme/notes@latest' },
      'npm install --prefix /home/ada/.npm/_npx/15b0 @acme/notes@1.2.3',
    ],
    [
      'npx, pinned',
      { ...at('/home/ada/.npm/_npx/15b0'), asked: '@acme/notes@1.0.0' },
      /^words: .*@acme\/notes@1\.0\.0: write @acme\/notes@1\.2\.3/,
    ],
    ['npx, a range', { ...at('/home/ada/.npm/_npx/15b0'), asked: '@acme/notes@^1' }, /^words: .*write @acme\/notes@1\.2\.3/],
    [
      'pnpm project',
      { environment: '/srv/shop/node_modules/.pnpm/@acme+notes@1.0.0', files: new Set(['package.json', 'pnpm-lock.yaml']) },
      'pnpm --dir /srv/shop update @acme/notes@1.2.3',
    ],
    [
      'pnpm global',
      { ...at('/home/ada/.local/share/pnpm/global/5'), files: new Set(['package.json', 'pnpm-lock.yaml']) },
      'pnpm add -g @acme/notes@1.2.3',
    ],
    [
      'pnpm dlx',
      { ...at('/home/ada/.cache/pnpm/dlx/abc/def'), files: new Set(['package.json', 'pnpm-lock.yaml']) },
      /^words: .*download cache/,
    ],
    ['yarn 1', { files: new Set(['package.json', 'yarn.lock']) }, 'yarn --cwd /srv/shop upgrade @acme/notes@1.2.3'],
    ['yarn 2 and later', { files: new Set(['package.json', 'yarn.lock', '.yarnrc.yml']) }, 'yarn --cwd /srv/shop up @acme/notes@1.2.3'],
    [
      'yarn global',
      { ...at('/home/ada/.config/yarn/global'), files: new Set(['package.json', 'yarn.lock']) },
      'yarn global add @acme/notes@1.2.3',
    ],
    ['bun project', { files: new Set(['package.json', 'bun.lock']) }, 'bun add --cwd /srv/shop @acme/notes@1.2.3'],
    [
      'bun global',
      { ...at('/home/ada/.bun/install/global'), files: new Set(['package.json', 'bun.lock']) },
      'bun add -g @acme/notes@1.2.3',
    ],
    ['bunx', { ...at('/tmp/bunx-1000-@acme/notes@latest'), files: new Set(['package.json']) }, /^words: .*download cache/],
    ['required by another package', { direct: false }, /^words: /],
    ['a folder that is no project', { ...at('/srv/servers'), files: none, direct: false }, /^words: .*not known/],
  ];
  for (const [name, facts, expected] of npmRows) {
    it(name, () => {
      const found = text(upgradeCommand({ ...npm, ...facts }, '1.2.3'));
      assert.ok(typeof expected === 'string' ? found === expected : expected.test(found), found);
    });
  }

  const receipt = (name: string): ReadonlySet<string> => new Set(['pyvenv.cfg', name]);
  const pythonRows: [string, Partial<InstallFacts>, string | RegExp][] = [
    ['venv', {}, '/opt/venv/bin/python3 -m pip install mcp-server-git==1.2.3'],
    ['venv without pip', { hasPip: false }, 'python3 -m pip --python /opt/venv/bin/python3 install mcp-server-git==1.2.3'],
    ['venv on Windows', { ...at('C:\\venv'), platform: 'win32' }, 'C:\\venv\\Scripts\\python.exe -m pip install mcp-server-git==1.2.3'],
    ['uv pip', { installer: 'uv' }, 'uv pip install --python /opt/venv/bin/python3 mcp-server-git==1.2.3'],
    [
      'pipx',
      { ...at('/home/ada/.local/share/pipx/venvs/mcp-server-git'), files: receipt('pipx_metadata.json'), asked: 'mcp-server-git' },
      'pipx upgrade mcp-server-git',
    ],
    [
      'pipx, pinned',
      { ...at('/p/venvs/mcp-server-git'), files: receipt('pipx_metadata.json'), asked: 'mcp-server-git==1.0' },
      'pipx install --force mcp-server-git==1.2.3',
    ],
    [
      'uv tool',
      { ...at('/home/ada/.local/share/uv/tools/mcp-server-git'), files: receipt('uv-receipt.toml') },
      'uv tool upgrade mcp-server-git',
    ],
    [
      'uvx',
      { ...at('/home/ada/.cache/uv/archive-v0/Xy12'), installer: 'uv', asked: 'mcp-server-git' },
      'uvx --refresh --from mcp-server-git python -c pass',
    ],
    [
      'uvx, pinned',
      { ...at('/home/ada/.cache/uv/archive-v0/Xy12'), installer: 'uv', asked: 'mcp-server-git==1.0' },
      /^words: .*write mcp-server-git==1\.2\.3/,
    ],
    ['conda', { files: new Set(['conda-meta']), installer: 'conda' }, /^words: .*conda/],
    ['pip in conda', { files: new Set(['conda-meta']), installer: 'pip' }, '/opt/venv/bin/python3 -m pip install mcp-server-git==1.2.3'],
    [
      'uv project',
      { ...at('/srv/api/.venv'), installer: 'uv', files: new Set(['pyvenv.cfg', '../uv.lock']) },
      'uv sync --project /srv/api --upgrade-package mcp-server-git',
    ],
    [
      'poetry project',
      { ...at('/srv/api/.venv'), installer: 'poetry 2.1', files: new Set(['pyvenv.cfg', '../poetry.lock']) },
      'poetry --directory /srv/api update mcp-server-git',
    ],
    [
      'pdm project',
      { ...at('/srv/api/.venv'), files: new Set(['pyvenv.cfg', '../pdm.lock']) },
      'pdm update --project /srv/api mcp-server-git',
    ],
    [
      'pipenv project',
      { ...at('/srv/api/.venv'), files: new Set(['pyvenv.cfg', '../Pipfile.lock']) },
      '(/srv/api) pipenv update mcp-server-git',
    ],
    ["the system's Python", { ...at('/usr'), files: none, externallyManaged: true }, /^words: .*package manager/],
    ['a package of the distribution', { ...at('/usr'), files: none, installer: 'debian' }, /^words: .*package manager/],
    [
      "a user's own, with pip among them, where the system forbids pip",
      { ...at('/home/ada/.local'), files: none, hasPip: true, addedSite: { python: '3.11', managed: true, ofUser: true } },
      'python3.11 -m pip install --user --break-system-packages mcp-server-git==1.2.3',
    ],
    [
      "a user's own, elsewhere",
      { ...at('/home/ada/.local'), files: none, hasPip: true, addedSite: { python: '3.11', managed: false, ofUser: true } },
      'python3.11 -m pip install --user mcp-server-git==1.2.3',
    ],
    [
      "Debian's own place for what pip installs",
      { ...at('/usr/local'), files: none, hasPip: false, addedSite: { python: '3.11', managed: true, ofUser: false } },
      'python3.11 -m pip install --break-system-packages mcp-server-git==1.2.3',
    ],
    ["a user's own", { ...at('/home/ada/.local'), files: none, hasPip: false }, 'python3 -m pip install --user mcp-server-git==1.2.3'],
  ];
  for (const [name, facts, expected] of pythonRows) {
    it(name, () => {
      const found = text(upgradeCommand({ ...python, ...facts }, '1.2.3'));
      assert.ok(typeof expected === 'string' ? found === expected : expected.test(found), found);
    });
  }

  it('makes no command of what is no name and no version', () => {
    for (const name of ['--registry=https://evil.example', '../x', 'a b', 'x;rm -rf /', '$(id)', '', '@acme', 'a'.repeat(300)]) {
      assert.ok('words' in upgradeCommand({ ...npm, name }, '1.2.3'), name);
      assert.ok('words' in upgradeCommand({ ...python, name }, '1.2.3'), name);
    }
    for (const version of ['--global', '1.0 && id', 'latest', '', '$(id)', 'git+https://evil.example']) {
      assert.ok('words' in upgradeCommand(npm, version), version);
    }
  });
});
