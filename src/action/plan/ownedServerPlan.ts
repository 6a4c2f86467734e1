import { isHeadline } from '../../model/finding.ts';
import type { Instance, Snapshot } from '../../model/snapshot.ts';
import type { PlanContext, PlanPart, Verb } from './plan.ts';
import { endedCheckText, listServersStep, replacedText, stopStep } from './planSteps.ts';
import { isWindowClient, restartRoute } from './restartRoute.ts';
import { isCopyOf } from './sameServer.ts';

type Client = NonNullable<Instance['client']>;

/** What is done to a server whose client lives: by the client where it can be asked, by a person in the client, and only then behind its back. */
export function planOwnedServer(verb: Verb, instance: Instance, client: Client, snapshot: Snapshot, around: PlanContext): PlanPart {
  const newer = newerCopies(instance, snapshot);
  if (verb !== 'restart' && newer.length > 0) {
    // The client itself knows one of its copies at most: asked to stop the server, it would stop that one.
    return endUnderClient(instance, client, newer);
  }
  const wish = verb === 'restart' ? 'restart' : 'stop';
  const route = restartRoute(instance, snapshot, wish);
  const verify = wish === 'restart' ? replacedText(instance) : endedCheckText(instance.tree);
  const confirm = verb === 'end' ? 'twice' : 'no';
  if (route.kind === 'vscode-window' && around.windows.has(route.windowPid)) {
    const text = `ask the ${client.name} window (extension host PID ${route.windowPid}) to ${wish} ${instance.name} by its own commands`;
    return {
      reason: `${client.name} (extension host PID ${client.pid}) runs it, and the extension in that window can ${wish} it.`,
      steps: [{ kind: 'ask-window', windowPid: route.windowPid, text }],
      risks: [],
      verify,
      confirm,
    };
  }
  const address = around.opencodes?.get(client.pid);
  if (address !== undefined && instance.cwd !== null && instance.definitions.length > 0) {
    const text = `let opencode (PID ${client.pid}) ${wish === 'restart' ? 'disconnect and connect' : 'disconnect'} ${instance.name} in ${instance.cwd}`;
    return {
      reason: `opencode (PID ${client.pid}) runs it, and ${wish === 'restart' ? 'restarts' : 'stops'} it when it is asked.`,
      steps: [{ kind: 'ask-opencode', address, directory: instance.cwd, text }],
      risks: [],
      verify,
      confirm,
    };
  }
  if (verb === 'restart' || isWindowClient(client.id)) {
    const text = verb === 'restart' && route.kind === 'manual' ? route.step : listServersStep(instance, around, wish);
    return {
      reason: `${client.name} (PID ${client.pid}) runs it; no other program can ${wish} it there.`,
      steps: [{ kind: 'manual', text }],
      risks: [],
      verify,
      confirm: 'no',
    };
  }
  return endUnderClient(instance, client, newer);
}

/** Copies under the same client process that make this one surplus. */
function newerCopies(instance: Instance, snapshot: Snapshot): Instance[] {
  const surplus = instance.findings.some((finding) => finding.kind === 'duplicate' && isHeadline(finding));
  const copies = snapshot.instances.filter((other) => isCopyOf(other, instance) && other.client?.identity === instance.client?.identity);
  return surplus ? copies : [];
}

function endUnderClient(instance: Instance, client: Client, newer: readonly Instance[]): PlanPart {
  const surplus = newer.length > 0;
  const lives = `${client.name} (PID ${client.pid}) lives and may still use it: it sees the connection break, and calls under way are lost.`;
  return {
    reason: surplus
      ? `${client.name} (PID ${client.pid}) runs a newer copy (PID ${newer.map((copy) => copy.pid).join(', ')}).`
      : `Only its client could stop it gently, and ${client.name} takes no such request.`,
    steps: [stopStep(instance)],
    risks: [...(surplus ? [lives] : [lives, `It is the only ${instance.name} that this client has.`]), ...gentler(instance, client)],
    verify: `${endedCheckText(instance.tree)}, and ${client.name} has not started it again`,
    confirm: surplus ? 'once' : 'twice',
  };
}

/** What a person can do instead in a client that no program can ask. */
function gentler({ name }: Instance, { id }: Client): string[] {
  return id === 'vscode-agent-host'
    ? [
        `Gentler: open the agent session, run “MCP: List Servers”, pick ${name} and choose “Stop Server”. Its session knows then that it is stopped.`,
      ]
    : [];
}
