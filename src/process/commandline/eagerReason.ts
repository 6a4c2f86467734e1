import { commandName } from './commandName.ts';
import type { LaunchSpec } from './launchSpec.ts';
import { specName } from './packageSpec.ts';
import { parseLaunch } from './parseLaunch.ts';

/** Programs and packages that pass on the answers of a server elsewhere. */
const bridges: ReadonlySet<string> = new Set([
  ...['mcp-remote', 'mcp-proxy', 'supergateway', 'mcp-remote-client', '@smithery/cli'],
  ...['docker', 'podman', 'nerdctl', 'kubectl', 'ssh', 'plink', 'wsl'],
]);

/** Whether a program or a package passes on the answers of a server elsewhere. @param name as a command line or a package names it */
export function isBridge(name: string): boolean {
  return bridges.has(commandName(name)) || bridges.has(specName(name));
}

/** Launchers of code that files on this machine may show before it runs; npx and uvx where no registry decides (`package/resolve/launcherProgram`). */
const readable: ReadonlySet<string> = new Set(['node', 'bun', 'python-script', 'python-module', 'binary', 'npm-exec', 'uvx']);

/**
 * Why a server is never started lazily, by its command alone; undefined where the files of its code decide. The code of what other package runners choose is known
 * only when it runs, and the answers of a bridge come from elsewhere.
 */
export function eagerReason(command: string, args: readonly string[]): string | undefined {
  const chain = chainOf(parseLaunch(command, args));
  const names = chain.flatMap(({ target, specs, wrappers }) => [...(target === undefined ? [] : [target]), ...specs, ...wrappers]);
  const bridge = [command, ...names].find(isBridge) ?? (chain.some(({ launcher }) => launcher === 'docker') ? 'docker' : undefined);
  if (bridge !== undefined) {
    return `its answers come from elsewhere (${commandName(bridge).slice(0, 64)})`;
  }
  const last = chain.at(-1);
  return last && readable.has(last.launcher) ? undefined : `what ${commandName(command).slice(0, 64)} starts is known only when it runs`;
}

function chainOf(launch: LaunchSpec): LaunchSpec[] {
  return launch.inner ? [launch, ...chainOf(launch.inner)] : [launch];
}
