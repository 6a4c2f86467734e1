import type { Outcome } from '../action/execute/exclusiveAction.ts';
import type { Plan, Step } from '../action/plan/plan.ts';
import { restartRoute, routeText } from '../action/plan/restartRoute.ts';
import { isRecord } from '../base/json.ts';
import { t } from '../base/language/translate.ts';
import { quotedText } from '../base/singleLine.ts';
import type { Finding } from '../model/finding.ts';
import { isHeadline } from '../model/finding.ts';
import type { Instance, Snapshot } from '../model/snapshot.ts';
import { findInstance } from '../presentation/findInstance.ts';
import { compareFindings, countFindings, isUndecided } from '../presentation/findingLabels.ts';
import { counted } from '../presentation/quantities.ts';
import type { RestartTarget } from './agentTools.ts';

/** An answer of a tool: plain JSON. Texts of other programs in it have at most 64 characters, escaped; all sentences are ours. */
export type AgentAnswer = Readonly<Record<string, unknown>>;

const mostServers = 100;
const mostDependencies = 20;
const megabyte = 1024 ** 2;

/** The answer of `mcpShepherd_status`: servers that need attention first, then by name. At most 100. */
export function agentStatus(snapshot: Snapshot): AgentAnswer {
  const servers = snapshot.instances.map((instance) => ({ instance, findings: findingsOf(instance, snapshot) })).sort(byAttention);
  const kinds = servers.flatMap(({ findings }) => [...new Set(findings.filter(isHeadline).map(({ kind }) => kind))]);
  const running = new Set(snapshot.instances.flatMap(({ definitions }) => definitions));
  const total = counted(servers.length, 'server');
  const unknown = snapshot.instances.filter(isUndecided).length;
  return {
    at: snapshot.at,
    summary:
      kinds.length > 0 ? `${total}: ${countFindings(kinds)}` : unknown === 0 ? `${total}, nothing wrong` : `${total}, ${unknown} unknown`,
    servers: servers.slice(0, mostServers).map(({ instance, findings }) => agentServer(instance, snapshot, findings)),
    notListed: Math.max(0, servers.length - mostServers),
    notRunning: snapshot.definitions.filter(({ id }) => !running.has(id)).length,
    unreadable: snapshot.problems.length,
  };
}

/** The answer of `mcpShepherd_explain`. @param asked as the model gave it; any value */
export function agentExplanation(asked: unknown, snapshot: Snapshot): AgentAnswer {
  const result = findInstance(snapshot, typeof asked === 'string' ? asked : '');
  switch (result.kind) {
    case 'ambiguous':
      return { found: 'several', pids: result.instances.slice(0, mostServers).map(({ pid }) => pid) };
    case 'found': {
      const { instance } = result;
      const { staleWrites } = instance.record ?? {};
      return {
        found: 'one',
        server: {
          ...agentServer(instance, snapshot, findingsOf(instance, snapshot)),
          howToRestart: restartText(instance, snapshot),
          changedDependencies: instance.changedDependencies.slice(0, mostDependencies).map(({ name, running, installed }) => ({
            name: escapedText(name),
            running: textOrNull(running),
            installed: textOrNull(installed),
          })),
          staleWrites: staleWrites
            ? { ...staleWrites, tools: staleWrites.tools.map(({ name, calls }) => ({ name: escapedText(name), calls })) }
            : null,
        },
      };
    }
    default:
      return { found: result.kind };
  }
}

/** The arguments of `mcpShepherd_restart`; undefined when they are not as its schema says. */
export function restartTargetOf(value: unknown): RestartTarget | undefined {
  return isRecord(value) && Number.isSafeInteger(value.pid) && typeof value.startedAt === 'string'
    ? { pid: Number(value.pid), startedAt: value.startedAt }
    : undefined;
}

/** The running server that an agent names by PID and start; undefined when that process has ended. */
export function restartedInstance({ pid, startedAt }: RestartTarget, snapshot: Snapshot): Instance | undefined {
  return snapshot.instances.find((instance) => instance.pid === pid && instance.startedAt === startedAt);
}

/** Whether a plan only asks a guard, a window or a client. An agent never makes MCP Shepherd signal a process or start a command. */
export function agentMayExecute({ refused, steps }: Plan): boolean {
  return refused === undefined && steps.length > 0 && steps.every(({ kind }) => asks.includes(kind));
}

const asks: readonly Step['kind'][] = ['ask-control', 'ask-window', 'ask-opencode'];

/** The question before a restart: names of other programs are escaped. */
export function restartQuestion({ name, pid, client }: Instance): string {
  const question = client
    ? t('Restart the MCP server “{0}” (PID {1}) of {2} (PID {3})?', escapedText(name), pid, escapedText(client.name), client.pid)
    : t('Restart the MCP server “{0}” (PID {1})?', escapedText(name), pid);
  return [question, t('Calls that it is answering now may fail, and what it holds in memory is lost.')].join(' ');
}

/** The answer of `mcpShepherd_restart` where nothing was done. @param outcome a value of its schema */
export function unchangedAnswer(outcome: 'user-must-act' | 'declined' | 'not-found', message: string): AgentAnswer {
  return { outcome, message };
}

export const noSuchServer: AgentAnswer = unchangedAnswer(
  'not-found',
  'No MCP server runs with this PID and this start. Call mcpShepherd_status again.',
);

/** The answer of `mcpShepherd_restart` after it was tried. Reasons of failures may quote other programs: the user reads them in the history. */
export function restartAnswer(outcome: Outcome, instance: Instance, snapshot: Snapshot): AgentAnswer {
  const { pid } = instance;
  switch (outcome.status) {
    case 'done': {
      const { after } = outcome;
      const message = after ? `PID ${pid} was replaced by PID ${after.pid}.` : `PID ${pid} was restarted.`;
      const result = after && { pid: after.pid, runs: textOrNull(after.runs), stillOld: after.stillOld === true };
      return { outcome: 'restarted', message, ...result };
    }
    case 'already':
      return { outcome: 'already', message: `PID ${pid} has ended, or another program has restarted it.` };
    case 'busy':
      return { outcome: 'busy', message: `Another program is restarting PID ${pid}.` };
    case 'manual':
      return unchangedAnswer('user-must-act', restartText(instance, snapshot));
    default:
      return { outcome: 'failed', message: `PID ${pid} was not restarted. The user sees the reason with: mcp-shepherd history ${pid} -v` };
  }
}

/** How the user restarts a server, with its name and its client's name escaped. */
export function restartText(instance: Instance, snapshot: Snapshot): string {
  const { client } = instance;
  const route = restartRoute(instance, snapshot);
  // Steps of findings name paths.
  const shown: Instance = {
    ...instance,
    name: escapedText(instance.name),
    client: client && { ...client, name: escapedText(client.name) },
    findings: instance.findings.map((finding) => ({ ...finding, actions: [] })),
  };
  const plain = restartRoute({ ...shown, name: instance.name, client }, snapshot);
  if (route.kind === 'manual' && (plain.kind !== 'manual' || plain.step !== route.step)) {
    return `The user has to do it: mcp-shepherd explain ${instance.pid} shows the step.`;
  }
  return routeText(restartRoute(shown, snapshot), shown);
}

function findingsOf(instance: Instance, snapshot: Snapshot): Finding[] {
  const entries = snapshot.definitions.filter(({ id }) => instance.definitions.includes(id));
  return [...instance.findings, ...entries.flatMap(({ findings }) => findings)].sort(compareFindings);
}

interface Judged {
  readonly instance: Instance;
  readonly findings: readonly Finding[];
}

function byAttention(a: Judged, b: Judged): number {
  const [first] = a.findings;
  const [second] = b.findings;
  return first && second
    ? compareFindings(first, second)
    : Number(!first) - Number(!second) || a.instance.name.localeCompare(b.instance.name);
}

function agentServer(instance: Instance, snapshot: Snapshot, findings: readonly Finding[]): AgentAnswer {
  const { pid, startedAt, name, client, package: own, memoryBytes, guarded } = instance;
  const route = restartRoute(instance, snapshot).kind;
  return {
    pid,
    startedAt,
    name: escapedText(name),
    client: textOrNull(client?.name),
    needsAttention: findings.some(isHeadline),
    findings: findings.map(({ kind, confidence, since }) => ({ kind, confidence, since })),
    package: textOrNull(own?.name),
    running: textOrNull(own?.running),
    installed: textOrNull(own?.installed),
    latest: textOrNull(own?.latest),
    memoryMb: Math.round(memoryBytes / megabyte),
    guarded: guarded === true,
    restartBy: route === 'none' ? 'none' : route === 'manual' ? 'user' : 'mcp-shepherd',
  };
}

/** Text of another program as a value of a JSON structure: one line, escaped, at most 64 characters. */
function escapedText(text: string): string {
  return quotedText(text).slice(1, -1);
}

function textOrNull(text: string | null | undefined): string | null {
  return text == null ? null : escapedText(text);
}
