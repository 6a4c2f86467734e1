import type { SearchResult } from '../../presentation/findInstance.ts';
import { notStartedText } from '../../presentation/lazyStart.ts';
import { duration } from '../../presentation/quantities.ts';
import { displayName, terminalText } from './text.ts';

/** Why a search did not find exactly one server, as plain data. */
export function searchFailureJson(asked: string, result: Exclude<SearchResult, { kind: 'found' }>): Readonly<Record<string, unknown>> {
  return {
    instance: null,
    asked,
    reason: result.kind,
    ...(result.kind === 'ambiguous' ? { instances: result.instances.map(({ id, pid, name, client }) => ({ id, pid, name, client })) } : {}),
    ...(result.kind === 'not-started' ? { guards: result.guards } : {}),
    ...(result.kind === 'not-running'
      ? { definitions: result.definitions.map(({ id, client, file, line, name }) => ({ id, client, file, line, name })) }
      : {}),
    ...(result.kind === 'none' && result.suggestion !== undefined ? { suggestion: result.suggestion } : {}),
  };
}

/** Why a search did not find exactly one server, as an error message. @param now epoch ms */
export function searchFailure(
  asked: string,
  result: Exclude<SearchResult, { kind: 'found' }>,
  now: number,
): { message: string; hint: string } {
  switch (result.kind) {
    case 'ambiguous': {
      const lines = result.instances.map((instance) => {
        const whose = instance.client === null ? 'without a client' : `${instance.client.name} (PID ${instance.client.pid})`;
        return terminalText(
          `  ${instance.pid}  ${displayName(instance.name)}, ${whose}, for ${duration(now - Date.parse(instance.startedAt))}`,
        );
      });
      return {
        message: `"${terminalText(asked)}" matches ${result.instances.length} servers`,
        hint: ['Use a PID:', ...lines].join('\n'),
      };
    }
    case 'not-started':
      return {
        message: `"${terminalText(asked)}" is not started: its next call starts what is installed then`,
        hint: result.guards.map((one) => terminalText(notStartedText(one))).join(' '),
      };
    case 'host':
      return {
        message: `PID ${result.host.pid} is the host, which runs the guards of relays: it is no server, and ends 10 seconds after its last session`,
        hint: 'List: mcp-shepherd status',
      };
    case 'not-running': {
      const places = result.definitions.map((definition) => terminalText(`  ${definition.file}:${definition.line}`));
      const remote = result.definitions.every((definition) => definition.transport !== 'stdio');
      const message = remote
        ? `"${terminalText(asked)}" is a remote server: it does not run on this machine`
        : `"${terminalText(asked)}" is configured but not running; its client starts it when needed`;
      return { message, hint: ['Configured in', ...places].join('\n') };
    }
    case 'none': {
      const meant = result.suggestion === undefined ? '' : `; did you mean "${terminalText(result.suggestion)}"?`;
      const kind = /^\d+$/.test(asked) ? `no MCP server has PID ${asked}` : `no MCP server is called "${terminalText(asked)}"`;
      return { message: `${kind}${meant}`, hint: 'List: mcp-shepherd status' };
    }
  }
}
