import { familyAt, isVscode } from '../../clients/vscodeFamily.ts';
import type { ClientId } from '../../model/definition.ts';
import type { Finding } from '../../model/finding.ts';
import type { Instance, Snapshot } from '../../model/snapshot.ts';
import { manualStep } from '../../survey/server/instanceParts.ts';

/** Who can restart an instance, and how (DESIGN: "Who restarts what"). */
export type RestartRoute =
  /** Its guard replaces it without the client noticing, or it replaces itself: asked over the control endpoint of the record. */
  | { readonly kind: 'control'; readonly record: string; readonly guardPid?: number }
  /** The VS Code window whose extension host has this PID, by VS Code's own commands. */
  | { readonly kind: 'vscode-window'; readonly windowPid: number }
  /** Its client has to be told by the user: the exact step. */
  | { readonly kind: 'manual'; readonly step: string }
  /** There is nobody who could restart it. */
  | { readonly kind: 'none'; readonly reason: string };

/** Whether a client is VS Code or a build of it whose windows obey VS Code's own commands for MCP servers. */
export function isWindowClient(id: ClientId): boolean {
  return isVscode(id);
}

/** The client that an editor window is, by the folder of the editor. */
export function windowClientAt(appRoot: string): ClientId {
  return familyAt(appRoot);
}

/**
 * Says who restarts (or stops) an instance. Pure: it looks at nothing and acts on nothing. To stop one is first its client's business, which would miss it.
 */
export function restartRoute(instance: Instance, snapshot: Snapshot, verb: 'restart' | 'stop' = 'restart'): RestartRoute {
  const { client, name, record } = instance;
  if (verb === 'restart' && record?.control.includes('restart') && !instance.findings.some(isOrphan)) {
    return { kind: 'control', record: record.id, ...(record.guardPid === undefined ? {} : { guardPid: record.guardPid }) };
  }
  if (!client) {
    return { kind: 'none', reason: withoutClient(instance) };
  }
  if (!isWindowClient(client.id)) {
    return { kind: 'manual', step: manualStep(client, name) };
  }
  const known = snapshot.definitions.some((definition) => instance.definitions.includes(definition.id) && definition.vscodeCollection);
  if (!known) {
    // Offered by an extension or found by discovery: VS Code's id for it cannot be computed from a file.
    return { kind: 'manual', step: manualStep(client, name) };
  }
  return { kind: 'vscode-window', windowPid: client.pid };
}

/** Whether a finding says that a server was left behind. */
export function isOrphan(finding: Finding): boolean {
  return finding.kind === 'orphan' && finding.confidence !== 'unknown';
}

function withoutClient(instance: Instance): string {
  if (instance.findings.some(isOrphan)) {
    return `${instance.name} (PID ${instance.pid}) was left behind: its client has ended and nobody can use it any more. It has to be ended, not restarted.`;
  }
  if (instance.background) {
    return `${instance.name} (PID ${instance.pid}) runs on its own, without a client. Restart it the way it was started (its service, its terminal, its container).`;
  }
  return `No client is known that runs ${instance.name} (PID ${instance.pid}).`;
}

/** How a server is restarted, in words: by `mcp-shepherd restart` where a window can be asked, else the person's own step. */
export function routeText(route: RestartRoute, instance: Instance): string {
  switch (route.kind) {
    case 'control':
      return `“mcp-shepherd restart ${instance.pid}” asks ${controlOwner(route)} to restart it, and its client keeps the session; so does “MCP Shepherd: Restart Server…” in any window.`;
    case 'vscode-window':
      return `“mcp-shepherd restart ${instance.pid}” asks the ${instance.client?.name ?? 'VS Code'} window whose extension host has PID ${route.windowPid} to restart it; so does “MCP Shepherd: Restart Server…” in any window.`;
    case 'manual':
      return route.step;
    case 'none':
      return route.reason;
  }
}

/** The step for a server that another window of the editor runs, which only that window can restart. */
export function otherWindowStep(instance: Instance): string {
  const window = instance.client ? ` (extension host PID ${instance.client.pid})` : '';
  return `Another window of ${instance.client?.name ?? 'the editor'}${window} runs ${instance.name}. In that window run “MCP Shepherd: Restart Server…” and choose ${instance.name}.`;
}

/** Who is asked over the control endpoint. */
export function controlOwner(route: RestartRoute & { readonly kind: 'control' }): string {
  return route.guardPid === undefined ? 'the server itself' : `its guard (PID ${route.guardPid})`;
}
