import { t } from '../../base/language/translate.ts';
import { clientById, manualStep } from '../../clients/clientTable.ts';
import { restartOwner } from '../../clients/restartOwner.ts';
import type { Finding } from '../../model/finding.ts';
import type { Instance, Snapshot } from '../../model/snapshot.ts';

/** Who can restart (or stop) an instance, and how. */
export type RestartRoute =
  /** Its guard replaces it without the client noticing, or it replaces itself: asked over the control endpoint of the record. */
  | { readonly kind: 'control'; readonly record: string; readonly guardPid?: number }
  /** The VS Code window whose extension host has this PID, by VS Code's own commands. */
  | { readonly kind: 'vscode-window'; readonly windowPid: number }
  /** The user, in the client: the exact step. `askable`: the client has an interface by which it may be asked instead. */
  | { readonly kind: 'manual'; readonly step: string; readonly askable?: true }
  /** It has no client. `orphan`: its client has exited, so that there is nothing to restart it for. */
  | { readonly kind: 'none'; readonly reason: string; readonly orphan?: true };

/**
 * Decides who restarts or stops an instance; pure. A guard is asked to restart only: a server that has a client is stopped by the client, which would
 * miss it otherwise.
 */
export function restartRoute(instance: Instance, snapshot: Snapshot, verb: 'restart' | 'stop' = 'restart'): RestartRoute {
  const { name, record } = instance;
  const orphan = instance.findings.some(isOrphan);
  const asked = verb === 'restart' && record?.control.includes('restart') && !orphan ? record : undefined;
  const held = verb === 'restart' && !orphan ? heldStep(instance) : undefined;
  if (held !== undefined) {
    return { kind: 'manual', step: held };
  }
  const owner = restartOwner(instance.client, asked);
  switch (owner.kind) {
    case 'control': {
      const { id, guardPid } = owner.control;
      return { kind: 'control', record: id, ...(guardPid === undefined ? {} : { guardPid }) };
    }
    case 'none':
      return orphan
        ? {
            kind: 'none',
            reason: t('It was left running after its client exited, and nothing can use it. Stop it instead of restarting it.'),
            orphan,
          }
        : { kind: 'none', reason: t('It runs without a client. {0}', manualStep(null, name)) };
    case 'user': {
      const askable = clientById(owner.client.id)?.controlledBy !== undefined;
      return { kind: 'manual', step: manualStep(owner.client, name), ...(askable ? { askable } : {}) };
    }
    case 'window':
      // VS Code's id of a server is computed from its file. A server from an extension or from discovery has none.
      return snapshot.definitions.some(({ id, vscodeCollection }) => instance.definitions.includes(id) && vscodeCollection)
        ? { kind: 'vscode-window', windowPid: owner.client.pid }
        : { kind: 'manual', step: manualStep(owner.client, name) };
  }
}

/** The step of a finding that needs more than a restart: the client itself would start the old version again. */
function heldStep({ findings }: Instance): string | undefined {
  const action = findings.flatMap(({ actions }) => actions).find((one) => one.kind === 'manual' && one.held);
  return action?.kind === 'manual' ? action.step : undefined;
}

/** Whether a finding says that a server's client has exited. */
export function isOrphan(finding: Finding): boolean {
  return finding.kind === 'orphan' && finding.confidence !== 'unknown';
}

/** How the user restarts a server: by `mcp-shepherd restart` where a guard or window can be asked, else by a step of their own. */
export function routeText(route: RestartRoute, instance: Instance): string {
  const command = `“mcp-shepherd restart ${instance.pid}”`;
  switch (route.kind) {
    case 'control':
      return t(
        '{0} asks {1} to restart it, and its client keeps the session; so does “MCP Shepherd: Restart Server…” in any window.',
        command,
        controlOwner(route),
      );
    case 'vscode-window':
      return t(
        '{0} asks the {1} window whose extension host has PID {2} to restart it; so does “MCP Shepherd: Restart Server…” in any window.',
        command,
        instance.client?.name ?? 'VS Code',
        route.windowPid,
      );
    case 'manual':
      return route.step;
    case 'none':
      return route.reason;
  }
}

/** The step for a server of another window of the editor, which only that window can restart. */
export function otherWindowStep(instance: Instance): string {
  const { client, name } = instance;
  return client
    ? t(
        'Another window of {0} (extension host PID {1}) runs {2}. In that window run “MCP Shepherd: Restart Server…” and choose {2}.',
        client.name,
        client.pid,
        name,
      )
    : t('Another window of the editor runs {0}. In that window run “MCP Shepherd: Restart Server…” and choose {0}.', name);
}

/** Who is asked over the control endpoint. */
export function controlOwner(route: RestartRoute & { readonly kind: 'control' }): string {
  return route.guardPid === undefined ? t('the server itself') : t('its guard (PID {0})', route.guardPid);
}
