import type { Outcome } from '../action/deed.ts';
import type { EnsureWay } from '../action/plan.ts';
import { endpointOf } from '../survey/endpoint.ts';
import { createRedactor } from '../types/redaction.ts';
import type { CommandContext } from './command.ts';
import { runEnsure, settingFolders } from './ensureCommand.ts';
import { ensureNames, readEnsureSetting } from './ensureSetting.ts';

/** Servers of this machine whose start `mcp-shepherd.json` says, by port. @throws UsageError when the file is there and cannot be used */
export function ensureWays(context: CommandContext): ReadonlyMap<number, EnsureWay> {
  const folders = settingFolders(context);
  const ways = new Map<number, EnsureWay>();
  for (const name of ensureNames(folders)) {
    const { file, url, command, args, env } = readEnsureSetting(folders, name) ?? {};
    const port = url === undefined ? undefined : endpointOf({ transport: 'http', url })?.port;
    if (file !== undefined && command !== undefined && port !== undefined && !ways.has(port)) {
      const words = createRedactor(Object.values(env ?? {})).args(args ?? [], command);
      ways.set(port, { file, name, command: [command, ...words].join(' ') });
    }
  }
  return ways;
}

/** `mcp-shepherd ensure NAME --replace PID`, as a step of a restart. */
export async function replaceByEnsure(name: string, pid: number, context: CommandContext): Promise<Outcome> {
  const { values } = context;
  const { result } = await runEnsure({
    ...context,
    positionals: [name],
    values: {
      flag: () => false,
      text: (option) => (option === 'replace' ? String(pid) : option === 'run-dir' ? values.text(option) : undefined),
      texts: (option) => values.texts(option),
    },
  });
  const { server_status: status, log_tail: tail = [] } = result;
  const message = [result.message, ...(tail.length === 0 ? [] : [`The end of ${result.log ?? 'its log'}:`, ...tail])].join('\n');
  switch (status) {
    case 'replaced':
    case 'started':
      return {
        status: 'done',
        message,
        steps: [],
        ...(result.pid === null ? {} : { after: { pid: result.pid, runs: result.version } }),
      };
    case 'reused':
      return { status: 'already', message };
    default:
      return { status: 'failed', message, steps: [] };
  }
}
