import { openssl } from '../../base/random.ts';
import { commandName } from './commandName.ts';
import { type LaunchReader, type LaunchSpec, packageLaunch, plainLaunch } from './launchSpec.ts';
import { type OptionScan, optionValues, scanOptions, wordSet } from './optionScan.ts';
import { specName } from './packageSpec.ts';

/** npm's commands that run a script of their own name, and their aliases. */
const scriptVerbs: ReadonlyMap<string, string> = new Map([
  ['start', 'start'],
  ['test', 'test'],
  ['t', 'test'],
]);
/** Options of npm and npx that take the next word. */
const npmValues = wordSet(
  '-p --package -c --call --registry --cache --prefix -C --loglevel -w --workspace --userconfig --globalconfig --node-options --script-shell --shell ' +
    '-n --node-arg --tag --before --fetch-timeout --fetch-retries --proxy --https-proxy --cafile --otp --scope --omit --include --min-release-age',
);
const pnpmValues = wordSet(
  '-C --dir -F --filter --package -p --reporter --loglevel --registry --config.registry --store-dir --allow-build --use-node-version',
);
const yarnValues = wordSet('-p --package --cwd --registry --cache-folder');
const bunValues = wordSet(
  '-p --package --cwd -c --config --env-file -r --preload --import --filter -F -d --define --port --tsconfig-override --registry --conditions',
);

/**
 * Name of the directory below `_npx` in which npm installs these package specs: the first 16 hex digits of the SHA-512 of the specs as written, sorted, joined by
 * newlines (npm's libnpmexec). Not for specs that are directories, which npm resolves first.
 */
export function npxHash(specs: readonly string[]): string {
  const text = [...specs].sort((a, b) => a.localeCompare(b, 'en')).join('\n');
  return openssl().createHash('sha512').update(text).digest('hex').slice(0, 16);
}

/** `npx -y pkg args`, `npx -p pkg bin args`, `npx -c 'bin args'`. Options of npx end at the first operand. */
export function readNpx(args: readonly string[], read: LaunchReader): LaunchSpec {
  const scan = scanOptions(args, 0, npmValues);
  return executed('npm-exec', scan, args.slice(scan.next), read, ['-p', '--package'], ['-c', '--call']);
}

/**
 * `npm exec …`, `npm run …`, with options anywhere before `--`.
 * @param title whether the words are npm's process title: npm removes its own options and the `--`, so all options in it are the server's
 */
export function readNpm(args: readonly string[], title: boolean, read: LaunchReader): LaunchSpec {
  const start = scanOptions(args, 0, title ? wordSet('') : npmValues);
  const verb = args[start.next] ?? '';
  const dir = optionValues(start, '--prefix', '-C')[0];
  const rest = args.slice(start.next + 1);
  if (verb === 'exec' || verb === 'x') {
    if (title) {
      return executed('npm-exec', start, rest, read, [], []);
    }
    const { scan, operands } = operandsOf(rest, npmValues);
    return withDirectory(
      executed('npm-exec', scan, operands, read, ['-p', '--package'], ['-c', '--call']),
      dir ?? optionValues(scan, '--prefix', '-C')[0],
    );
  }
  const script = scriptVerbs.get(verb);
  if (/^(run|run-script|rum|urn)$/.test(verb) || script !== undefined) {
    const { scan, operands } = title ? { scan: start, operands: rest } : operandsOf(rest, npmValues);
    const name = script ?? operands[0];
    return packageLaunch(
      'npm-run',
      [],
      name,
      script === undefined ? operands.slice(1) : operands,
      dir ?? optionValues(scan, '--prefix', '-C')[0],
    );
  }
  return plainLaunch('binary', args, { target: 'npm' });
}

/** `pnpm dlx pkg`, `pnpm exec bin`, `pnpm run x`, `pnpm x`; `pnpx` is `pnpm dlx`. */
export function readPnpm(args: readonly string[], read: LaunchReader): LaunchSpec {
  const before = scanOptions(args, 0, pnpmValues);
  const verb = args[before.next] ?? '';
  const scan = scanOptions(args, before.next + 1, pnpmValues);
  const dir = optionValues(before, '-C', '--dir')[0] ?? optionValues(scan, '-C', '--dir')[0];
  const rest = args.slice(scan.next);
  if (verb === 'dlx' || verb === 'dx') {
    return executed('pnpm-dlx', scan, rest, read, ['--package', '-p'], []);
  }
  if (verb === 'exec') {
    return packageLaunch('pnpm-exec', [], rest[0], rest.slice(1), dir);
  }
  return scriptRun(verb, args.slice(before.next + 1), scan, dir, 'pnpm', args);
}

/** `yarn dlx pkg`, `yarn exec bin`, `yarn run x`, `yarn x`. */
export function readYarn(args: readonly string[], read: LaunchReader): LaunchSpec {
  const before = scanOptions(args, 0, yarnValues);
  const verb = args[before.next] ?? '';
  const scan = scanOptions(args, before.next + 1, yarnValues);
  const rest = args.slice(scan.next);
  const dir = optionValues(before, '--cwd')[0];
  if (verb === 'dlx') {
    return executed('yarn-dlx', scan, rest, read, ['-p', '--package'], []);
  }
  if (verb === 'exec') {
    return packageLaunch('pnpm-exec', [], rest[0], rest.slice(1), dir);
  }
  if (verb === 'node') {
    return read('node', args.slice(before.next + 1));
  }
  return scriptRun(verb, args.slice(before.next + 1), scan, dir, 'yarn', args);
}

/** `bunx pkg`, also called `bun x`. */
export function readBunx(args: readonly string[], read: LaunchReader): LaunchSpec {
  const scan = scanOptions(args, 0, wordSet('-p --package'));
  return executed('bunx', scan, args.slice(scan.next), read, ['-p', '--package'], []);
}

/** `bun server.ts`, `bun run x`, `bun x pkg`. */
export function readBun(args: readonly string[], read: LaunchReader): LaunchSpec {
  const before = scanOptions(args, 0, bunValues);
  const verb = args[before.next] ?? '';
  const dir = optionValues(before, '--cwd')[0];
  if (verb === 'x') {
    return readBunx(args.slice(before.next + 1), read);
  }
  const scan = verb === 'run' ? scanOptions(args, before.next + 1, bunValues) : before;
  const target = args[scan.next];
  const rest = args.slice(scan.next + 1);
  if (verb === 'run' && target !== undefined && !/[./\\]/.test(target)) {
    return packageLaunch('npm-run', [], target, rest, dir ?? optionValues(scan, '--cwd')[0]);
  }
  return target === undefined ? plainLaunch('bun', args) : packageLaunch('bun', [], target, rest, dir ?? optionValues(scan, '--cwd')[0]);
}

/** `deno run -A npm:pkg`, `deno run server.ts`. Only a few options of Deno take the next word; the others use `=`. */
export function readDeno(args: readonly string[]): LaunchSpec {
  const values = wordSet('-c --config --import-map --cert --location -L --log-level --seed --v8-flags --reload-mode --preload --require');
  const verb = args[0] ?? '';
  if (verb !== 'run' && verb !== 'serve' && verb !== 'x') {
    const scan = scanOptions(args, 0, values);
    const script = args[scan.next];
    return script !== undefined && /[./:]/.test(script) ? denoLaunch(script, args.slice(scan.next + 1)) : plainLaunch('deno', args);
  }
  const scan = scanOptions(args, 1, values);
  const target = args[scan.next];
  return target === undefined ? plainLaunch('deno', args) : denoLaunch(target, args.slice(scan.next + 1));
}

function denoLaunch(target: string, args: readonly string[]): LaunchSpec {
  const spec = /^(?:npm|jsr):\/?(.+)$/.exec(target)?.[1];
  return packageLaunch('deno', spec === undefined ? [] : [spec], target, args);
}

/** A package runner: the package is in an option, and the first operand is the program; without the option the first operand is the package. */
function executed(
  launcher: 'npm-exec' | 'pnpm-dlx' | 'yarn-dlx' | 'bunx',
  scan: OptionScan,
  operands: readonly string[],
  read: LaunchReader,
  packageOptions: readonly string[],
  callOptions: readonly string[],
): LaunchSpec {
  const packages = optionValues(scan, ...packageOptions);
  const call = optionValues(scan, ...callOptions)[0];
  if (call !== undefined) {
    const inner = read('sh', ['-c', call]);
    const known = inner.launcher === 'binary' && inner.target !== undefined;
    return { ...packageLaunch(launcher, packages, known ? inner.target : undefined, inner.args), ...(known ? {} : { inner }) };
  }
  const first = operands[0];
  if (packages.length > 0) {
    return packageLaunch(launcher, packages, first, operands.slice(1));
  }
  const args = operands.slice(1);
  const launch = packageLaunch(launcher, first === undefined ? [] : [first], undefined, args);
  const name = first === undefined ? '' : specName(first);
  return runners.has(name) ? { ...launch, inner: read(name, args) } : launch;
}

/** Packages that start another program with their arguments, which becomes `inner`. */
const runners = wordSet('tsx ts-node nodemon mcp-shepherd dotenv-cli dotenvx @dotenvx/dotenvx');

/** Separates options from operands: npm accepts options anywhere before `--`; every word after it is an operand. */
function operandsOf(words: readonly string[], withValue: ReadonlySet<string>): { scan: OptionScan; operands: string[] } {
  const end = words.indexOf('--');
  const mine = end < 0 ? words : words.slice(0, end);
  const options: string[] = [];
  const operands: string[] = [];
  for (let index = 0; index < mine.length; index++) {
    const word = mine[index] ?? '';
    if (!word.startsWith('-')) {
      operands.push(word);
    } else {
      options.push(word);
      if (withValue.has(word)) {
        index++;
        options.push(mine[index] ?? '');
      }
    }
  }
  return { scan: scanOptions(options, 0, withValue), operands: [...operands, ...(end < 0 ? [] : words.slice(end + 1))] };
}

/** `pnpm run x`, `pnpm start`, `pnpm x`: a script of package.json, or a program of the project. */
function scriptRun(
  verb: string,
  rest: readonly string[],
  scan: OptionScan,
  dir: string | undefined,
  tool: string,
  all: readonly string[],
): LaunchSpec {
  if (verb === '' || /^(install|i|add|remove|rm|update|up|link|publish|why|list|ls|store|config|init|create|pack|audit)$/.test(verb)) {
    return plainLaunch('binary', all, { target: tool });
  }
  const run = verb === 'run' || verb === 'run-script';
  const words = run ? rest.slice(scanOptions(rest, 0, pnpmValues).next) : [verb, ...rest];
  const args = words[1] === '--' ? words.slice(2) : words.slice(1);
  return packageLaunch('npm-run', [], words[0], args, dir ?? optionValues(scan, '-C', '--dir', '--cwd')[0]);
}

function withDirectory(launch: LaunchSpec, cwd: string | undefined): LaunchSpec {
  return cwd === undefined ? launch : { ...launch, cwd };
}

/** The package manager that a Node script belongs to, by the file names that npm, pnpm, yarn and corepack install. */
export function packageManagerScript(script: string): 'npm' | 'npx' | 'pnpm' | 'pnpx' | 'yarn' | 'corepack' | undefined {
  const name = commandName(script).replace(/\.(c|m)?js$/, '');
  const known = {
    npm: 'npm',
    'npm-cli': 'npm',
    npx: 'npx',
    'npx-cli': 'npx',
    pnpm: 'pnpm',
    pnpx: 'pnpx',
    yarn: 'yarn',
    yarnpkg: 'yarn',
    corepack: 'corepack',
  } as const;
  const found = Object.entries(known).find(([key]) => key === name)?.[1];
  return found ?? (/^yarn-\d[\w.-]*$/.test(name) ? 'yarn' : undefined);
}
