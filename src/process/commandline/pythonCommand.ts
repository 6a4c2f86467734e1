import { commandName } from './commandName.ts';
import { guardArguments, isGuardScript } from './guardCommand.ts';
import { type LaunchReader, type LaunchSpec, packageLaunch, plainLaunch } from './launchSpec.ts';
import { optionValues, scanOptions, wordSet } from './optionScan.ts';
import { specName } from './packageSpec.ts';

const pythonValues = wordSet('-X -W --check-hash-based-pycs');
const uvValues = wordSet(
  '--from --with --with-editable --with-requirements -w -p --python --index --default-index -i --index-url --extra-index-url -f --find-links --refresh-package ' +
    '--resolution --prerelease -c --constraints --constraint --overrides --override --env-file --directory --project --cache-dir --link-mode --index-strategy ' +
    '--keyring-provider --config-file -P --upgrade-package --no-build-package --no-binary-package --reinstall-package --exclude-newer -C --config-setting ' +
    '--color --torch-backend -b --build-constraints --python-platform --extra --group --no-group --only-group --package --no-extra --python-preference ' +
    '--allow-insecure-host --no-build-isolation-package --fork-strategy --python-fetch --no-sources-package --exclude-newer-package',
);
const pipxValues = wordSet('--spec --python --pip-args --index-url -i --with --backend --fetch-missing-python-from');

/** `python [options] script args`, `python -m module args`, `py -3 …`. uv and pipx as modules or scripts are read as uv and pipx. */
export function readPython(interpreter: string, args: readonly string[], read: LaunchReader): LaunchSpec {
  for (let index = 0; index < args.length; index++) {
    const word = args[index] ?? '';
    const module = /^-[bBdEhiIOqsSuvVx]*m(.*)$/.exec(word);
    if (module && !word.startsWith('--')) {
      const attached = module[1] ?? '';
      const name = attached === '' ? args[index + 1] : attached;
      const rest = args.slice(attached === '' ? index + 2 : index + 1);
      return name === undefined
        ? plainLaunch('binary', args, { interpreter, target: interpreter })
        : readModule(interpreter, name, rest, read);
    }
    if (/^-[bBdEhiIOqsSuvVx]*c/.test(word) && !word.startsWith('--')) {
      return plainLaunch('python-script', args, { interpreter });
    }
    if (word === '-' || !word.startsWith('-')) {
      return readScript(interpreter, word, args.slice(index + 1), read);
    }
    index += pythonValues.has(word) ? 1 : 0;
  }
  return plainLaunch('python-script', args, { interpreter });
}

function readModule(interpreter: string, module: string, rest: readonly string[], read: LaunchReader): LaunchSpec {
  if (module === 'uv') {
    return readUv(rest, read);
  }
  if (module === 'pipx') {
    return readPipx(rest);
  }
  return plainLaunch('python-module', rest, { interpreter, target: module });
}

function readScript(interpreter: string, script: string, rest: readonly string[], read: LaunchReader): LaunchSpec {
  if (isGuardScript(script, rest)) {
    return read('mcp-shepherd', guardArguments(script, rest));
  }
  const name = commandName(script);
  if (name === 'pipx' && rest[0] === 'run') {
    return readPipx(rest);
  }
  if (name === 'uv' || name === 'uvx') {
    return name === 'uv' ? readUv(rest, read) : readUvx(rest);
  }
  return plainLaunch('python-script', rest, { interpreter, target: script });
}

/** `uvx [--from pkg] bin args`; without `--from`, the first operand names both the package and the program. */
export function readUvx(args: readonly string[]): LaunchSpec {
  const scan = scanOptions(args, 0, uvValues, 'p');
  const first = args[scan.next];
  const from = optionValues(scan, '--from')[0];
  const rest = args.slice(scan.next + 1);
  const cwd = optionValues(scan, '--directory')[0];
  if (first === undefined) {
    return packageLaunch('uvx', from === undefined ? [] : [from], undefined, rest, cwd);
  }
  const program = first.replace(/@.*$/, '') || first;
  return packageLaunch('uvx', [from ?? first], from === undefined ? specName(first) : program, rest, cwd);
}

/** `uv tool run`, `uv tool uvx`, `uv run …`. */
export function readUv(args: readonly string[], read: LaunchReader): LaunchSpec {
  const before = scanOptions(args, 0, uvValues);
  const verb = args[before.next];
  const directory = optionValues(before, '--directory')[0];
  const after = args.slice(before.next + 1);
  if (verb === 'tool' && (after[0] === 'run' || after[0] === 'uvx')) {
    const launch = readUvx(after.slice(1));
    return directory === undefined || launch.cwd !== undefined ? launch : { ...launch, cwd: directory };
  }
  if (verb === 'run') {
    return readUvRun(after, directory, read);
  }
  return plainLaunch('binary', args, { target: 'uv' });
}

function readUvRun(words: readonly string[], outer: string | undefined, read: LaunchReader): LaunchSpec {
  const moduleFlags = wordSet('-m --module');
  const scriptFlags = wordSet('-s --script --gui-script');
  const scan = scanOptions(words, 0, new Set([...uvValues, ...moduleFlags, ...scriptFlags]), 'p');
  const module = optionValues(scan, ...moduleFlags)[0];
  const script = optionValues(scan, ...scriptFlags)[0];
  const operands = words.slice(scan.next);
  const cwd = optionValues(scan, '--directory')[0] ?? outer;
  const target = module ?? script ?? operands[0];
  const args = module === undefined && script === undefined ? operands.slice(1) : operands;
  if (target === undefined) {
    return plainLaunch('binary', words, { target: 'uv' });
  }
  const bare =
    module !== undefined
      ? read('python', ['-m', module, ...args])
      : script !== undefined || /\.pyw?$/.test(target)
        ? read('python', [target, ...args])
        : read(target, args);
  const inner = cwd === undefined || bare.cwd !== undefined ? bare : { ...bare, cwd };
  return { ...packageLaunch('uv-run', optionValues(scan, '--with'), target, args, cwd), inner };
}

/** `pipx run [--spec pkg] app args`. */
export function readPipx(args: readonly string[]): LaunchSpec {
  if (args[0] !== 'run') {
    return plainLaunch('binary', args, { target: 'pipx' });
  }
  const scan = scanOptions(args, 1, pipxValues);
  const app = args[scan.next];
  const spec = optionValues(scan, '--spec')[0] ?? app;
  // pipx removes one `--` before the application's arguments.
  const rest = args.slice(scan.next + 1);
  const own = rest[0] === '--' ? rest.slice(1) : rest;
  return packageLaunch('pipx-run', spec === undefined ? [] : [spec], app === undefined ? undefined : specName(app), own);
}
