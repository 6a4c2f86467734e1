import { type LaunchSpec, packageLaunch, plainLaunch } from './launchSpec.ts';
import { scanOptions, wordSet } from './optionScan.ts';

const globalValues = wordSet('-H --host -c --context --config -l --log-level --tlscacert --tlscert --tlskey');
/** Options of `docker run` without a value; all others take one. */
const switches = wordSet(
  '-i -t -d -it -ti -dit -itd -id -di -P -q --interactive --tty --rm --init --privileged --read-only --detach --publish-all --no-healthcheck --oom-kill-disable ' +
    '--sig-proxy --disable-content-trust --quiet --help --no-hosts --replace --rmi --tls-verify --no-TTY -T --no-deps --service-ports --use-aliases --build',
);

/**
 * `docker run [options] image args`, also of podman and nerdctl, `container run`, and `exec`. The client process counts as the server, because the container
 * belongs to the daemon.
 */
export function readDocker(tool: string, args: readonly string[]): LaunchSpec {
  const before = scanOptions(args, 0, globalValues);
  const verb = args[before.next] === 'container' ? before.next + 1 : before.next;
  if (args[verb] !== 'run' && args[verb] !== 'exec') {
    return plainLaunch('binary', args, { target: tool });
  }
  let index = verb + 1;
  for (; index < args.length; index++) {
    const word = args[index] ?? '';
    if (word === '--') {
      index++;
      break;
    }
    if (!word.startsWith('-')) {
      break;
    }
    const attached = word.includes('=') || switches.has(word) || /^-[evpumlhwac][^-]./.test(word) || /^-[itdPq]+$/.test(word);
    index += attached ? 0 : 1;
  }
  return packageLaunch('docker', [], args[index], args.slice(index + 1));
}
