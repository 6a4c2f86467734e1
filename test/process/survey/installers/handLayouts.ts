import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { events, type Layout, type Place, writeProgram } from './layoutRow.ts';
import { tiny, unrelated, writeTiny } from './localPackages.ts';
import { moveLink } from './nodeLayouts.ts';

const { versions, name, bin } = tiny;

/** What `npm install -g` makes below a prefix. */
function prefix(folder: string, version: string): void {
  writeTiny(join(folder, 'lib', 'node_modules', name), version);
  moveLink(`../lib/node_modules/${name}/server.js`, join(folder, 'bin', bin));
}

const base = { made: 'by hand', how: 'link', versions } as const;

/** A keg for each version; `opt` and `bin` have links to the linked one. An upgrade removes the old keg at once, or later by `brew cleanup`. */
const brew: Layout = {
  ...base,
  name: 'Homebrew',
  quick: events,
  // The keg that it runs from is still there.
  seenAfterwards: { 'same version again': '-' },
  install: (place, version) => linkKeg(place, version, version),
  again: (place, version) => linkKeg(place, version, `${version}_1`),
  unrelated: (place) => {
    prefix(join(place.folder, 'Cellar', unrelated.name, unrelated.version, 'libexec'), unrelated.version);
    moveLink(`../Cellar/${unrelated.name}/${unrelated.version}`, join(place.folder, 'opt', unrelated.name));
  },
  prune: (place, old) => rmSync(join(place.folder, 'Cellar', bin, old), { recursive: true }),
  command: (place) => ({ words: [join(place.folder, 'bin', bin)] }),
};

function linkKeg(place: Place, version: string, keg: string): void {
  const folder = join(place.folder, 'Cellar', bin, keg);
  if (!existsSync(folder)) {
    prefix(join(folder, 'libexec'), version);
    moveLink(`../libexec/bin/${bin}`, join(folder, 'bin', bin));
  }
  moveLink(`../Cellar/${bin}/${keg}`, join(place.folder, 'opt', bin));
  moveLink(`../Cellar/${bin}/${keg}/bin/${bin}`, join(place.folder, 'bin', bin));
}

/** A store path for each build, a user environment of links for each generation, and a link to the generation of the profile. */
const nix: Layout = {
  ...base,
  // Its wrapper names the store path, which stays on the command line of the process: nothing is lost afterwards but a version that was removed.
  how: 'beside',
  seenAfterwards: { 'prune of the old version': 'stale/replaced-beside/likely' },
  name: 'Nix profile',
  install: (place, version) => switchGeneration(place, version, hashOf('a', version)),
  again: (place, version) => switchGeneration(place, version, hashOf('b', version)),
  unrelated: (place) => {
    writeProgram(join(place.folder, 'store', 'other-unrelated', 'bin', unrelated.name), '#!/bin/sh\n');
    generation(place, 'environment-both', {
      [bin]: `${hashOf('a', versions[0])}-${bin}-${versions[0]}`,
      [unrelated.name]: 'other-unrelated',
    });
  },
  prune: (place, old) => rmSync(join(place.folder, 'store', `${hashOf('a', old)}-${bin}-${old}`), { recursive: true }),
  command: (place) => ({ words: [join(place.folder, 'profile', 'bin', bin)] }),
};

/** As long as the hash of a build in Nix's store. */
const hashOf = (build: string, version: string): string => `${build}${version.replaceAll('.', '')}`.padEnd(32, '0q');

function switchGeneration(place: Place, version: string, hash: string): void {
  const build = `${hash}-${bin}-${version}`;
  const folder = join(place.folder, 'store', build);
  const code = join(folder, 'lib', 'node_modules', name);
  if (!existsSync(folder)) {
    writeTiny(code, version);
    writeProgram(join(folder, 'bin', bin), `#!/bin/sh\nexec "${process.execPath}" ${join(code, 'server.js')} "$@"\n`);
  }
  generation(place, `environment-${hash}`, { [bin]: build });
}

function generation(place: Place, environment: string, programs: Readonly<Record<string, string>>): void {
  for (const [program, build] of Object.entries(programs)) {
    moveLink(join(place.folder, 'store', build, 'bin', program), join(place.folder, 'store', environment, 'bin', program));
  }
  moveLink(join(place.folder, 'store', environment), join(place.folder, `profile-${environment}-link`));
  moveLink(`profile-${environment}-link`, join(place.folder, 'profile'));
}

/** A directory for each version of a tool, with links for the newest one (`latest`, `1`). */
const mise: Layout = {
  ...base,
  name: 'mise installs, by the link `latest`',
  install: (place, version) => chooseInstall(place, version),
  again(place, version) {
    rmSync(join(installs(place), version), { recursive: true });
    chooseInstall(place, version);
  },
  unrelated: (place) => prefix(join(place.folder, 'mise', 'installs', 'npm-unrelated', unrelated.version), unrelated.version),
  prune: (place, old) => rmSync(join(installs(place), old), { recursive: true }),
  command: (place) => ({ words: [join(installs(place), 'latest', 'bin', bin)] }),
};

const installs = (place: Place): string => join(place.folder, 'mise', 'installs', 'npm-acme-tiny-mcp');

function chooseInstall(place: Place, version: string): void {
  if (!existsSync(join(installs(place), version))) {
    prefix(join(installs(place), version), version);
  }
  moveLink(`./${version}`, join(installs(place), 'latest'));
}

/** A folder for each version of Node, shims that start asdf, and the file that chooses. asdf becomes the program, with its folder first on PATH; a script stands in for it. */
const asdf: Layout = {
  ...base,
  how: 'beside',
  name: 'asdf shims',
  quick: ['upgrade'],
  // The version stays on the command line of the process.
  seenAfterwards: { 'same version again': 'stale/package/likely', 'prune of the old version': 'stale/replaced-beside/likely' },
  install: (place, version) => chooseNode(place, version),
  again(place, version) {
    rmSync(asdfInstall(place, version), { recursive: true });
    chooseNode(place, version);
  },
  unrelated: (place) => writeFileSync(join(place.folder, '.tool-versions'), `nodejs ${nodeFor(versions[0])}\nruby 3.4.1\n`),
  prune: (place, old) => rmSync(asdfInstall(place, old), { recursive: true }),
  command: ({ folder, env }) => ({ words: [bin], env: { PATH: `${join(folder, '.asdf', 'shims')}:${join(folder, 'bin')}:${env.PATH}` } }),
};

const nodeFor = (version: string): string => (version === versions[0] ? '20.1.0' : '22.1.0');
const asdfInstall = (place: Place, version: string): string => join(place.folder, '.asdf', 'installs', 'nodejs', nodeFor(version));

function chooseNode(place: Place, version: string): void {
  const installs = join(place.folder, '.asdf', 'installs', 'nodejs');
  if (!existsSync(asdfInstall(place, version))) {
    prefix(asdfInstall(place, version), version);
  }
  const installed = versions.map(nodeFor).filter((one) => existsSync(join(installs, one)));
  const plugins = installed.map((one) => `# asdf-plugin: nodejs ${one}\n`).join('');
  writeProgram(join(place.folder, '.asdf', 'shims', bin), `#!/usr/bin/env bash\n${plugins}exec asdf exec "${bin}" "$@"\n`);
  const own = `${installs}/$(sed -n 's/^nodejs //p' ${join(place.folder, '.tool-versions')})/bin`;
  writeProgram(join(place.folder, 'bin', 'asdf'), `#!/bin/sh\nname=$2\nshift 2\nPATH="${own}:$PATH"\nexec "${own}/$name" "$@"\n`);
  writeFileSync(join(place.folder, '.tool-versions'), `nodejs ${nodeFor(version)}\n`);
}

/** Packages are kept by name: an upgrade replaces the directory. The shim is a program that waits for its child; a small one of that name stands in for it. */
const volta: Layout = {
  ...base,
  name: 'Volta',
  quick: ['upgrade'],
  how: 'in place',
  install: (place, version) => replaceImage(place, name, version),
  again: (place, version) => replaceImage(place, name, version),
  unrelated: (place) => replaceImage(place, unrelated.name, unrelated.version),
  prune: () => undefined,
  command: (place) => ({ words: [join(place.folder, '.volta', 'bin', bin)], env: { VOLTA_HOME: join(place.folder, '.volta') } }),
};

function replaceImage(place: Place, owner: string, version: string): void {
  const root = join(place.folder, '.volta');
  const image = join(root, 'tools', 'image', 'packages', owner);
  prefix(join(root, 'tmp', 'image'), version);
  rmSync(image, { recursive: true, force: true });
  mkdirSync(dirname(image), { recursive: true });
  renameSync(join(root, 'tmp', 'image'), image);
  if (owner === name) {
    const shim = join(root, 'program', 'volta-shim');
    if (!existsSync(shim)) {
      waitingShim(shim, join(image, 'bin', bin));
    }
    moveLink('../program/volta-shim', join(root, 'bin', bin));
    mkdirSync(join(root, 'tools', 'user', 'bins'), { recursive: true });
    writeFileSync(join(root, 'tools', 'user', 'bins', `${bin}.json`), JSON.stringify({ name: bin, package: name, version }));
  }
}

/** A program that starts a script as its child and waits for its end. */
function waitingShim(file: string, script: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(
    `${file}.c`,
    `#include <sys/wait.h>
#include <unistd.h>
int main(int count, char **words) {
  pid_t child = fork();
  if (child == 0) {
    words[0] = "${script}";
    execv(words[0], words);
    return 1;
  }
  waitpid(child, 0, 0);
  return 0;
}
`,
  );
  execFileSync('gcc', ['-w', '-o', file, `${file}.c`]);
}

/** A folder for each revision, a link to the current one, and a program that starts from there what the revision names, by the revision's own path. */
const snap: Layout = {
  ...base,
  // The revision stays on the command line of the process.
  how: 'beside',
  seenAfterwards: { 'same version again': 'stale/package/likely', 'prune of the old version': 'stale/replaced-beside/likely' },
  name: 'snap',
  quick: ['downgrade'],
  install: (place, version) => chooseRevision(place, version),
  again(place, version) {
    rmSync(revision(place, version), { recursive: true });
    chooseRevision(place, version);
  },
  unrelated: (place) => prefix(join(place.folder, 'snap', unrelated.name, '7'), unrelated.version),
  prune: (place, old) => rmSync(revision(place, old), { recursive: true }),
  command: (place) => ({ words: [bin], env: { PATH: `${join(place.folder, 'snap', 'bin')}:${place.env.PATH}` } }),
};

const revision = (place: Place, version: string): string => join(place.folder, 'snap', bin, `x${version.replaceAll('.', '')}`);

function chooseRevision(place: Place, version: string): void {
  const folder = revision(place, version);
  if (!existsSync(folder)) {
    prefix(folder, version);
    mkdirSync(join(folder, 'meta'));
    writeFileSync(join(folder, 'meta', 'snap.yaml'), `name: ${bin}\napps:\n  ${bin}:\n    command: bin/${bin}\n`);
  }
  const current = join(place.folder, 'snap', bin, 'current');
  moveLink(basename(folder), current);
  // As a classic snap: its own folders come first on PATH.
  const run = `export SNAP="$(readlink -f ${current})"\nPATH="$SNAP/bin:$PATH" exec node "$SNAP/bin/${bin}" "$@"`;
  writeProgram(join(place.folder, 'snapd'), `#!/bin/sh\n${run}\n`);
  moveLink('../../snapd', join(place.folder, 'snap', 'bin', bin));
}

/** A folder for each release, and a wrapper that starts the newest one: what it starts is told by reading the folder. It became the server by `exec`. */
const newest: Layout = {
  ...base,
  name: 'a wrapper that starts the newest release',
  how: 'beside',
  quick: ['upgrade', 'unrelated install'],
  // The entry is concluded from where the wrapper leads now.
  seenAfterwards: {
    upgrade: 'stale/replaced-beside/likely',
    downgrade: 'stale/replaced-beside/likely',
    'prune of the old version': 'stale/replaced-beside/likely',
  },
  install(place, version) {
    const releases = join(place.folder, 'releases');
    for (const other of versions.filter((one) => one > version)) {
      rmSync(join(releases, other), { recursive: true, force: true });
    }
    if (!existsSync(join(releases, version))) {
      prefix(join(releases, version), version);
    }
    const line = `exec node "$(ls -d ${releases}/* | sort -V | tail -1)/bin/${bin}" "$@"`;
    if (!existsSync(join(place.folder, 'bin', bin))) {
      writeProgram(join(place.folder, 'bin', bin), `#!/bin/bash\nset -euo pipefail\n${line}\n`);
    }
  },
  again(place, version) {
    rmSync(join(place.folder, 'releases', version), { recursive: true });
    prefix(join(place.folder, 'releases', version), version);
  },
  unrelated: (place) => prefix(join(place.folder, 'others', unrelated.version), unrelated.version),
  prune: (place, old) => rmSync(join(place.folder, 'releases', old), { recursive: true }),
  command: (place) => ({ words: [join(place.folder, 'bin', bin)] }),
};

/** Layouts of tools that are not run here; each is what the tool writes. */
export const handLayouts: readonly Layout[] = [brew, nix, snap, mise, asdf, volta, newest];
