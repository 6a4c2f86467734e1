import type { RestartRoute } from '../../action/restart.ts';
import type { Instance, Snapshot } from '../../types/snapshot.ts';
import type { SearchResult } from '../instanceSearch.ts';
import { createPaint } from './paint.ts';
import { duration } from './quantities.ts';
import { instanceState } from './stateWords.ts';
import type { ViewOptions } from './statusView.ts';
import { plain, shownName, wrap } from './text.ts';

/** The step that has to be taken by the person, in plain sentences; the same text goes into the JSON. */
export function routeText(route: RestartRoute, instance: Instance): string {
  switch (route.kind) {
    case 'vscode-window':
      return (
        `Only the ${instance.client?.name ?? 'VS Code'} window whose extension host has PID ${route.windowPid} can restart it. ` +
        `In that window open the command palette, run "MCP Shepherd: Restart Server…" and choose ${instance.name}.`
      );
    case 'manual':
      return route.step;
    case 'none':
      return route.reason;
  }
}

/** Which server is meant, its state, and what has to be done. */
export function renderRoute(instance: Instance, snapshot: Snapshot, route: RestartRoute, options: ViewOptions): string {
  const paint = createPaint(options.color);
  const origin = snapshot.definitions.filter((definition) => instance.definitions.includes(definition.id));
  const state = instanceState(instance, origin);
  const whose = instance.client === null ? 'without a client' : `started by ${instance.client.name} (PID ${instance.client.pid})`;
  const head = `${shownName(instance.name)} (PID ${instance.pid}), ${whose}`;
  const step = `${route.kind === 'none' ? 'Not possible: ' : 'Not done yet, it is your turn: '}${routeText(route, instance)}`;
  const lines = [
    ...wrap(plain(head), options.width).map((line) => paint('strong', line)),
    ...wrap(plain(state.words), options.width - 2).map((line) => `  ${paint(state.tone, line)}`),
    ...state.notes.flatMap((note) => wrap(plain(note), options.width - 2).map((line) => `  ${paint('dim', line)}`)),
    '',
    ...wrap(plain(step), options.width),
  ];
  return `${lines.join('\n')}\n`;
}

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
        return plain(`  ${instance.pid}  ${shownName(instance.name)}, ${whose}, for ${duration(now - Date.parse(instance.startedAt))}`);
      });
      return { message: `"${plain(asked)}" may be any of ${result.instances.length} servers`, hint: ['Say the PID:', ...lines].join('\n') };
    }
    case 'not-running': {
      const places = result.definitions.map((definition) => plain(`  ${definition.file}:${definition.line}`));
      const remote = result.definitions.every((definition) => definition.transport !== 'stdio');
      const message = remote
        ? `"${plain(asked)}" is a remote server: nothing of it runs on this machine, as far as can be seen`
        : `"${plain(asked)}" is configured and does not run; its client starts it when it needs it`;
      return { message, hint: ['Configured in', ...places].join('\n') };
    }
    case 'none': {
      const meant = result.suggestion === undefined ? '' : `; did you mean "${plain(result.suggestion)}"?`;
      const kind = /^\d+$/.test(asked) ? `no MCP server has PID ${asked}` : `no MCP server is called "${plain(asked)}"`;
      return { message: `${kind}${meant}`, hint: '"mcp-shepherd status" lists them.' };
    }
  }
}
