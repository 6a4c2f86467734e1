import { duration } from '../../presentation/quantities.ts';
import type { SearchResult } from '../session/findInstance.ts';
import { displayName, terminalText } from './text.ts';

/** The same as plain data: nothing was found that could be restarted, and what it might have been. */
export function searchFailureJson(asked: string, result: Exclude<SearchResult, { kind: 'found' }>): Readonly<Record<string, unknown>> {
  return {
    instance: null,
    asked,
    reason: result.kind,
    ...(result.kind === 'ambiguous' ? { instances: result.instances.map(({ id, pid, name, client }) => ({ id, pid, name, client })) } : {}),
    ...(result.kind === 'not-running'
      ? { definitions: result.definitions.map(({ id, client, file, line, name }) => ({ id, client, file, line, name })) }
      : {}),
    ...(result.kind === 'none' && result.suggestion !== undefined ? { suggestion: result.suggestion } : {}),
  };
}

/** Why a search did not end with one server; for the error message. @param now epoch ms */
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
        message: `"${terminalText(asked)}" may be any of ${result.instances.length} servers`,
        hint: ['Say the PID:', ...lines].join('\n'),
      };
    }
    case 'not-running': {
      const places = result.definitions.map((definition) => terminalText(`  ${definition.file}:${definition.line}`));
      const remote = result.definitions.every((definition) => definition.transport !== 'stdio');
      const message = remote
        ? `"${terminalText(asked)}" is a remote server: nothing of it runs on this machine, as far as can be seen`
        : `"${terminalText(asked)}" is configured and does not run; its client starts it when it needs it`;
      return { message, hint: ['Configured in', ...places].join('\n') };
    }
    case 'none': {
      const meant = result.suggestion === undefined ? '' : `; did you mean "${terminalText(result.suggestion)}"?`;
      const kind = /^\d+$/.test(asked) ? `no MCP server has PID ${asked}` : `no MCP server is called "${terminalText(asked)}"`;
      return { message: `${kind}${meant}`, hint: '"mcp-shepherd status" lists them.' };
    }
  }
}
