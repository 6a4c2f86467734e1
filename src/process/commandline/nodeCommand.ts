import { commandName, lastPart } from './commandName.ts';
import { guardArguments, isGuardScript } from './guardCommand.ts';
import { type LaunchReader, type LaunchSpec, plainLaunch } from './launchSpec.ts';
import { packageManagerScript, readNpm, readNpx, readPnpm, readYarn } from './npmCommand.ts';
import { scanOptions, wordSet } from './optionScan.ts';

/** Options of Node that take the next word when they are written without `=`. Source: `node --help` of Node 20 to 24. */
export const nodeValues = wordSet(
  '-r --require --import --loader --experimental-loader -C --conditions --env-file --env-file-if-exists --title --inspect-port ' +
    '--debug-port --input-type --icu-data-dir --openssl-config --disable-warning --unhandled-rejections --dns-result-order ' +
    '--redirect-warnings --diagnostic-dir --watch-path --experimental-default-type --trace-event-categories --trace-event-file-pattern ' +
    '--heapsnapshot-signal --max-http-header-size --secure-heap --use-largepages --experimental-config-file --report-dir ' +
    '--report-directory --report-filename --report-signal --cpu-prof-dir --cpu-prof-name --cpu-prof-interval --heap-prof-dir ' +
    '--heap-prof-name --heap-prof-interval --disable-proto --trace-require-module --tls-cipher-list --tls-keylog --secure-heap-min ' +
    '--v8-pool-size --localstorage-file --allow-fs-read --allow-fs-write --snapshot-blob --build-snapshot-config ' +
    '--network-family-autoselection-attempt-timeout --es-module-specifier-resolution --experimental-sea-config',
);
const evaluating = wordSet('-e --eval -p --print -pe');

/** `node [options] script args`, including the package managers, which are Node scripts. */
export function readNode(interpreter: string, args: readonly string[], read: LaunchReader): LaunchSpec {
  const scan = scanOptions(args, 0, nodeValues);
  if ([...evaluating].some((flag) => scan.flags.has(flag))) {
    // Code instead of a script.
    return plainLaunch('node', args, { interpreter });
  }
  const script = args[scan.next];
  if (script === undefined) {
    return plainLaunch('node', args, { interpreter });
  }
  const rest = args.slice(scan.next + 1);
  const plain = plainLaunch('node', rest, {
    interpreter,
    target: script,
    ...(scan.flags.has('--watch') || scan.values.has('--watch-path') ? { supervises: 'node --watch' } : {}),
  });
  return readNodeScript(plain, script, rest, read) ?? plain;
}

/** Node scripts that start another program. */
function readNodeScript(plain: LaunchSpec, script: string, rest: readonly string[], read: LaunchReader): LaunchSpec | undefined {
  switch (packageManagerScript(script)) {
    case 'npx':
      return readNpx(rest, read);
    case 'npm':
      return readNpm(rest, false, read);
    case 'pnpm':
      return readPnpm(rest, read);
    case 'pnpx':
      return readPnpm(['dlx', ...rest], read);
    case 'yarn':
      return readYarn(rest, read);
    case 'corepack':
      return rest[0] === undefined ? undefined : read(rest[0].replace(/@.*$/, ''), rest.slice(1));
    default:
  }
  if (isSandboxScript(script)) {
    return read('srt', rest);
  }
  if (isGuardScript(script, rest)) {
    return read('mcp-shepherd', guardArguments(script, rest));
  }
  if (isTsx(script)) {
    const inner = readTsx(rest);
    return inner === undefined ? undefined : { ...plain, ...inner, supervises: 'tsx' };
  }
  return undefined;
}

/** Whether a script is the sandbox in which some clients run servers. VS Code starts it with its own program as Node. */
export function isSandboxScript(script: string): boolean {
  return commandName(script) === 'srt' || /sandbox-runtime[\\/].*cli\.[cm]?js$/.test(script);
}

function isTsx(script: string): boolean {
  return lastPart(script) === 'tsx' || /[\\/]tsx[\\/]dist[\\/]cli\.[cm]?js$/.test(script);
}

/** `tsx [watch] [options] script args`: the script and its arguments, as in the Node process that tsx starts. */
export function readTsx(args: readonly string[]): Pick<LaunchSpec, 'target' | 'args'> | undefined {
  const start = args[0] === 'watch' ? 1 : 0;
  const scan = scanOptions(args, start, new Set([...nodeValues, '--tsconfig', '--include', '--exclude', '--ignore']));
  const target = args[scan.next];
  return target === undefined ? undefined : { target, args: args.slice(scan.next + 1) };
}
