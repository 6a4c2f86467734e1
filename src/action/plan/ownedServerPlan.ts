import { clientById } from '../../clients/clientTable.ts';
import { isVscode } from '../../clients/vscodeFamily.ts';
import { isHeadline } from '../../model/finding.ts';
import type { Instance, Snapshot } from '../../model/snapshot.ts';
import type { PlanPart, PlanRequest } from './plan.ts';
import { endedCheckText, listServersStep, replacedText, stopStep } from './planSteps.ts';
import { isCopyOf } from './sameServer.ts';

type Client = NonNullable<Instance['client']>;

/** The plan for a server whose client runs: the client is asked where it takes requests, else the user acts in it; only then are processes stopped. */
export function planOwnedServer({ verb, wanted, instance, snapshot, context, route }: PlanRequest, client: Client): PlanPart {
  const copies = copiesUnder(client, instance, snapshot);
  if (verb !== 'restart' && isSurplus(instance) && copies.length > 0) {
    // The client knows at most one of its copies: asked to stop the server, it would stop that one.
    return stopUnderClient(instance, client, copies);
  }
  const verify = wanted === 'restart' ? replacedText(instance) : endedCheckText(instance.tree);
  const confirm = verb === 'end' ? 'twice' : 'no';
  if (route.kind === 'vscode-window' && context.windows.has(route.windowPid)) {
    const text = `ask the ${client.name} window (extension host PID ${route.windowPid}) to ${wanted} ${instance.name} by its own commands`;
    return {
      reason: `${client.name} (extension host PID ${client.pid}) runs it, and the extension in that window can ${wanted} it.`,
      steps: [{ kind: 'ask-window', windowPid: route.windowPid, text }],
      risks: [],
      verify,
      confirm,
    };
  }
  const address = context.opencodes?.get(client.pid);
  if (address !== undefined && instance.cwd !== null && instance.definitions.length > 0) {
    const how = wanted === 'restart' ? 'disconnect and connect' : 'disconnect';
    return {
      reason: `opencode (PID ${client.pid}) runs it, and ${wanted}s it when it is asked.`,
      steps: [
        {
          kind: 'ask-opencode',
          address,
          directory: instance.cwd,
          text: `let opencode (PID ${client.pid}) ${how} ${instance.name} in ${instance.cwd}`,
        },
      ],
      risks: [],
      verify,
      confirm,
    };
  }
  if (wanted === 'restart' || isVscode(client.id)) {
    const text = wanted === 'restart' && route.kind === 'manual' ? route.step : listServersStep(instance, context, wanted);
    return {
      reason: `${client.name} (PID ${client.pid}) runs it; no other program can ${wanted} it there.`,
      steps: [{ kind: 'manual', text }],
      risks: [],
      verify,
      confirm: 'no',
    };
  }
  return stopUnderClient(instance, client, copies);
}

/** The other copies of a server under the same client process. */
function copiesUnder(client: Client, instance: Instance, snapshot: Snapshot): Instance[] {
  return snapshot.instances.filter((other) => isCopyOf(other, instance) && other.client?.identity === client.identity);
}

/** Whether a newer copy under the same client process replaces this one. */
function isSurplus(instance: Instance): boolean {
  return instance.findings.some((finding) => finding.kind === 'duplicate' && isHeadline(finding));
}

function stopUnderClient(instance: Instance, client: Client, copies: readonly Instance[]): PlanPart {
  const newer = isSurplus(instance) ? copies : [];
  const surplus = newer.length > 0;
  const step = clientById(client.id)?.stopStep?.replaceAll('NAME', () => instance.name);
  return {
    reason: surplus
      ? `${client.name} (PID ${client.pid}) runs a newer copy (PID ${newer.map((copy) => copy.pid).join(', ')}).`
      : `${client.name} offers no way to stop one server, so its process is stopped directly.`,
    steps: [stopStep(instance)],
    risks: [
      `${client.name} (PID ${client.pid}) may be using it. It will lose the connection and any running call.`,
      ...(copies.length > 0 ? [] : [`${client.name} (PID ${client.pid}) has no other copy of ${instance.name}.`]),
      ...(step === undefined ? [] : [`To stop it in the client instead: ${step}`]),
    ],
    verify: `${endedCheckText(instance.tree)}, and ${client.name} has not started it again`,
    confirm: surplus ? 'once' : 'twice',
  };
}
