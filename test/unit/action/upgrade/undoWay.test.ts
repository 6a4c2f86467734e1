import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { UpgradePlan } from '../../../../src/action/plan/upgradePlan.ts';
import { type UndoWay, undoCommands, undoWay, versionChanges } from '../../../../src/action/upgrade/undoWay.ts';
import { type InstallFacts, upgradeCommand } from '../../../../src/diagnosis/upgradeCommand.ts';

const npm: InstallFacts = {
  ecosystem: 'npm',
  name: '@acme/notes',
  platform: 'linux',
  environment: '/srv/shop',
  project: '/srv/shop',
  files: new Set(['package.json']),
  direct: true,
};
const venv: InstallFacts = {
  ...npm,
  ecosystem: 'python',
  name: 'notes',
  environment: '/srv/app/.venv',
  project: '/srv/app/.venv',
  files: new Set(['pyvenv.cfg']),
  installer: 'pip',
  hasPip: true,
};
const at = (path: string): Partial<InstallFacts> => ({ environment: path, project: path });
const marks = (...names: string[]): Partial<InstallFacts> => ({ files: new Set(names) });

/** The way back from the real command for an installation. @param there names of the files that exist */
function wayOf(facts: InstallFacts, there: readonly string[] = []): UndoWay | undefined {
  const upgrade = upgradeCommand(facts, '1.1.0');
  const [program, ...rest] = 'argv' in upgrade ? upgrade.argv : [];
  assert.ok('argv' in upgrade && program !== undefined);
  const { cwd } = upgrade;
  const plan: UpgradePlan = {
    argv: [program, ...rest],
    command: '',
    ...(cwd === undefined ? {} : { cwd }),
    packageName: facts.name,
    from: '1.0.0',
    to: '1.1.0',
    instances: [],
    order: 'upgrade-first',
  };
  return undoWay(plan, facts.environment, (path) => there.some((name) => path.endsWith(`/${name}`)));
}

/** The commands in words, and "files:" with their names. */
function told(way: UndoWay | undefined): string {
  const before = new Map([
    ['notes', '1.0.0'],
    ['lib', '2.0'],
    ['same', '1'],
  ]);
  const now = new Map([
    ['notes', '1.1.0'],
    ['lib', '3.0'],
    ['same', '1'],
    ['new', '1'],
  ]);
  const commands = way
    ? undoCommands(way, before, now).map(({ argv, cwd }) => `${cwd === undefined ? '' : `(${cwd}) `}${argv.join(' ')}`)
    : [];
  return [way?.exact ? 'exact' : 'own package', ...(way?.files ?? []).map((file) => file.split('/').at(-1)), '|', commands.join('; ')].join(
    ' ',
  );
}

describe('undoWay', () => {
  const rows: [string, InstallFacts, readonly string[], string][] = [
    [
      'npm project',
      npm,
      ['package-lock.json'],
      'exact package.json package-lock.json npm-shrinkwrap.json | npm install --prefix /srv/shop',
    ],
    [
      'npm project without lock file',
      npm,
      [],
      'own package package.json package-lock.json npm-shrinkwrap.json | npm install --prefix /srv/shop --no-save --no-package-lock @acme/notes@1.0.0',
    ],
    [
      'npm global',
      { ...npm, ...at('/usr/local/lib'), ...marks(), direct: false },
      [],
      'own package | npm install -g --prefix /usr/local @acme/notes@1.0.0',
    ],
    ['pnpm global', { ...npm, ...at('/home/ada/.local/share/pnpm/global/5') }, [], 'own package | pnpm add -g @acme/notes@1.0.0'],
    ['yarn global', { ...npm, ...at('/home/ada/.config/yarn/global') }, [], 'own package | yarn global add @acme/notes@1.0.0'],
    ['bun global', { ...npm, ...at('/home/ada/.bun/install/global') }, [], 'own package | bun add -g @acme/notes@1.0.0'],
    [
      'pnpm project',
      { ...npm, ...marks('package.json', 'pnpm-lock.yaml') },
      [],
      'exact package.json pnpm-lock.yaml | pnpm --dir /srv/shop install --frozen-lockfile',
    ],
    [
      'yarn 1',
      { ...npm, ...marks('package.json', 'yarn.lock') },
      [],
      'exact package.json yarn.lock | yarn --cwd /srv/shop install --frozen-lockfile',
    ],
    [
      'yarn',
      { ...npm, ...marks('package.json', 'yarn.lock', '.yarnrc.yml') },
      [],
      'exact package.json yarn.lock | yarn --cwd /srv/shop install --immutable',
    ],
    [
      'bun',
      { ...npm, ...marks('package.json', 'bun.lock') },
      [],
      'exact package.json bun.lock bun.lockb | bun install --cwd /srv/shop --frozen-lockfile',
    ],
    [
      'venv',
      venv,
      [],
      'exact | /srv/app/.venv/bin/python3 -m pip install --no-deps notes==1.0.0 lib==2.0; /srv/app/.venv/bin/python3 -m pip uninstall -y new',
    ],
    [
      'venv of uv',
      { ...venv, installer: 'uv' },
      [],
      'exact | uv pip install --python /srv/app/.venv/bin/python3 --no-deps notes==1.0.0 lib==2.0; uv pip uninstall --python /srv/app/.venv/bin/python3 new',
    ],
    [
      'a pip from outside',
      { ...venv, hasPip: false },
      [],
      'exact | python3 -m pip --python /srv/app/.venv/bin/python3 install --no-deps notes==1.0.0 lib==2.0; python3 -m pip --python /srv/app/.venv/bin/python3 uninstall -y new',
    ],
    [
      '--user on Debian',
      { ...venv, ...at('/home/ada/.local'), ...marks(), addedSite: { python: '3.11', managed: true, ofUser: true } },
      [],
      'exact | python3.11 -m pip install --user --break-system-packages --no-deps notes==1.0.0 lib==2.0; python3.11 -m pip uninstall -y --break-system-packages new',
    ],
    [
      'pipx',
      { ...venv, ...at('/home/ada/venvs/notes'), ...marks('pipx_metadata.json') },
      [],
      'exact pipx_metadata.json | pipx runpip notes install --no-deps notes==1.0.0 lib==2.0; pipx runpip notes uninstall -y new',
    ],
    [
      'uv tool',
      { ...venv, ...at('/home/ada/uv/tools/notes'), ...marks('uv-receipt.toml') },
      [],
      'exact uv-receipt.toml | uv pip install --python /home/ada/uv/tools/notes/bin/python3 --no-deps notes==1.0.0 lib==2.0; uv pip uninstall --python /home/ada/uv/tools/notes/bin/python3 new',
    ],
    ['uv project', { ...venv, ...marks('pyvenv.cfg', '../uv.lock') }, [], 'exact uv.lock | uv sync --project /srv/app --frozen'],
    ['poetry', { ...venv, ...marks('pyvenv.cfg', '../poetry.lock') }, [], 'exact poetry.lock | poetry --directory /srv/app install'],
    ['pdm', { ...venv, ...marks('pyvenv.cfg', '../pdm.lock') }, [], 'exact pdm.lock | pdm sync --project /srv/app'],
    ['pipenv', { ...venv, ...marks('pyvenv.cfg', '../Pipfile.lock') }, [], 'exact Pipfile Pipfile.lock | (/srv/app) pipenv sync'],
  ];
  for (const [name, facts, there, expected] of rows) {
    it(`${name}: ${expected}`, () => assert.equal(told(wayOf(facts, there)), expected));
  }

  it('knows no way back from a command that fills a download cache', () => {
    assert.equal(wayOf({ ...venv, ...at('/home/ada/.cache/uv/archive-v0/abc'), ...marks(), asked: 'notes' }), undefined);
  });

  it('names the packages that differ', () => {
    const before = new Map([
      ['a', '1'],
      ['b', '1'],
      ['c', '1'],
    ]);
    const now = new Map([
      ['a', '1'],
      ['b', '2'],
      ['d', '1'],
    ]);
    assert.deepEqual(versionChanges(before, now), ['b 1 -> 2', 'c 1 -> (absent)', 'd (absent) -> 1']);
  });
});
