import { otherWindowStep, type RestartRoute, restartRoute } from '../../action/plan/restartRoute.ts';
import { t } from '../../base/language/translate.ts';
import { isVscode } from '../../clients/clientTable.ts';
import type { ClientId } from '../../model/definition.ts';
import type { Instance, Snapshot } from '../../model/snapshot.ts';

/** The facts about their window that views use besides the snapshot. */
export interface WindowFacts {
  /** PID of this window's extension host. */
  readonly pid: number;
  /** Which client this window is (`vscode`, `code-server`, `cursor` …). */
  readonly clientId: ClientId;
  /** The workspace is trusted. */
  readonly trusted: boolean;
  /** VS Code's commands for its MCP servers exist here. */
  readonly controllable: boolean;
  /** Home folder, shortened to `~` where paths are shown. */
  readonly home: string;
  /** The actions in progress, by the id of the instance, or of the entry that is being started. */
  readonly busy: ReadonlyMap<string, Doing>;
  /** Ids of the entries whose servers were stopped from here and do not run. */
  readonly stopped: ReadonlySet<string>;
  readonly choices: UserChoices;
}

export type Doing = 'restarting' | 'stopping' | 'starting' | 'upgrading';

/** The word for an action in progress, in the display language. */
export function doingWord(doing: Doing): string {
  return { restarting: t('restarting'), stopping: t('stopping'), starting: t('starting'), upgrading: t('upgrading') }[doing];
}

export const groupings = ['client', 'server', 'package'] as const;
export type Grouping = (typeof groupings)[number];

/** The user's choices for all windows. */
export interface UserChoices {
  /** Keys of findings that are not counted. */
  readonly ignored: readonly string[];
  /** Keys of entries without notifications. */
  readonly muted: readonly string[];
  /** The view shows only what needs attention. */
  readonly onlyProblems: boolean;
  readonly groupBy: Grouping;
}

/** How this window can restart or stop one instance. */
type LocalRoute =
  | { readonly kind: 'here' }
  /** `route`: of the machine, for the plan. `step`: what the user has to do or know. `askable`: the window, guard or client that runs it takes a request. */
  | { readonly kind: 'elsewhere'; readonly route: RestartRoute; readonly step: string; readonly askable?: true };

/** Narrows the route of the machine to this window. */
export function localRoute(instance: Instance, snapshot: Snapshot, facts: WindowFacts, verb: 'restart' | 'stop' = 'restart'): LocalRoute {
  const route = restartRoute(instance, snapshot, verb);
  switch (route.kind) {
    case 'control':
      return {
        kind: 'elsewhere',
        route,
        step:
          route.guardPid === undefined
            ? t('Choose “Restart”: the server itself restarts it, and its client keeps the session.')
            : t('Choose “Restart”: its guard (PID {0}) restarts it, and its client keeps the session.', route.guardPid),
        askable: true,
      };
    case 'none':
      return { kind: 'elsewhere', route, step: route.reason };
    case 'manual':
      return { kind: 'elsewhere', route, step: route.step, ...(route.askable ? { askable: true } : {}) };
    case 'vscode-window':
      if (route.windowPid !== facts.pid) {
        return { kind: 'elsewhere', route, step: otherWindowStep(instance), askable: true };
      }
      if (!facts.trusted) {
        return { kind: 'elsewhere', route, step: t('This window is in Restricted Mode. Trust the workspace to restart its servers.') };
      }
      return facts.controllable ? { kind: 'here' } : { kind: 'elsewhere', route, step: noCommandStep(instance.name) };
  }
}

/** The step in an editor without VS Code's commands for MCP servers. */
export function noCommandStep(name: string): string {
  return t('This editor has no command to restart a server. Run “MCP: List Servers”, choose {0}, then “Restart Server”.', name);
}

/** Whether this window itself can restart the server. */
function isRestartableHere(instance: Instance, snapshot: Snapshot, facts: WindowFacts): boolean {
  return localRoute(instance, snapshot, facts).kind === 'here';
}

/** Whether a click on Restart restarts it: by this window, or by the window or guard that runs it. */
export function isRestartable(instance: Instance, snapshot: Snapshot, facts: WindowFacts): boolean {
  const route = localRoute(instance, snapshot, facts);
  return route.kind === 'here' || route.askable === true;
}

/** Whether `ensure` started the server, which keeps its output: no client's file names it. */
export function isEnsured(instance: Instance, { definitions }: Snapshot): boolean {
  return definitions.some(({ id, client }) => client === 'mcp-shepherd' && instance.definitions.includes(id));
}

/** Whether its output can be shown: VS Code has it of the servers of this window; `ensure` and guards keep it. */
export function hasOutput(instance: Instance, snapshot: Snapshot, { pid }: WindowFacts): boolean {
  const { definitions } = snapshot;
  return (
    isEnsured(instance, snapshot) ||
    instance.guarded === true ||
    (instance.client?.pid === pid &&
      definitions.some(({ id, vscodeCollection }) => vscodeCollection !== undefined && instance.definitions.includes(id)))
  );
}

/** The stale servers that this window can restart. */
export function staleHere(snapshot: Snapshot, facts: WindowFacts): Instance[] {
  return snapshot.instances.filter((instance) => isStale(instance) && isRestartableHere(instance, snapshot, facts));
}

/** Whether it provenly or probably runs code that differs from the installed code. */
export function isStale(instance: Instance): boolean {
  return instance.findings.some((finding) => finding.kind === 'stale' && finding.confidence !== 'unknown');
}

/** "this window", "VS Code, another window", "Claude Code", "no client": for lists of this window, whose client the reader knows. */
export function shortOwnerText(instance: Instance, facts: WindowFacts): string {
  return instance.client?.pid === facts.pid ? t('this window') : ownerText(instance, facts);
}

/** "VS Code, this window", "VS Code, another window", "Claude Code", "no client". */
export function ownerText(instance: Instance, facts: WindowFacts): string {
  const { client } = instance;
  if (!client) {
    return t('no client');
  }
  if (client.pid === facts.pid) {
    return t('{0}, this window', client.name);
  }
  return isVscode(client.id) ? t('{0}, another window', client.name) : client.name;
}
