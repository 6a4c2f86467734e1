import { isRecord } from '../../base/json.ts';
import { singleLine } from '../../base/singleLine.ts';
import type { DriftedPackage } from './codeDrift.ts';

/** The answer to a refused call, without `jsonrpc` and id. */
export type ToolRefusal = { readonly result: Readonly<Record<string, unknown>> } | { readonly error: Readonly<Record<string, unknown>> };

/** The command that restarts this server, or what a person has to do where no command can. */
export type RestartHint = string | { readonly step: string; readonly endsSession?: true };

interface RefusalFacts {
  /** `params` of the call as they came; may be any value. */
  readonly params: unknown;
  readonly packages: readonly DriftedPackage[];
  readonly restartHint: RestartHint;
  /** Tools that only read still work. */
  readonly readsPass: boolean;
  /** Why a restart was tried and failed. */
  readonly notRestarted?: string | undefined;
}

/** JSON-RPC 2.0 leaves codes outside of -32768…-32000 to applications; MCP requires such codes since 2026-07-28. */
const refusalCode = -31_001;
const mostPackages = 8;

/**
 * The refusal of one `tools/call`: a result with `isError`, so that the model reads it, and without `structuredContent`, which clients would validate against
 * the tool's output schema. The part for programs is in `_meta`, which every revision has: `action_required`, and `mcp-shepherd/stale` with the packages.
 * Requests of 2026-07-28 get their `resultType`. A call that asked for a task cannot be answered with a result and gets an error with the same data.
 */
export function staleRefusal(facts: RefusalFacts): ToolRefusal {
  const text = refusalText(facts);
  const details = {
    tool: shownTool(facts.params),
    packages: facts.packages.map(({ name, serving, installed, how }) => ({ package: name, serving, installed, change: how })),
    cure: typeof facts.restartHint === 'string' ? facts.restartHint : facts.restartHint.step,
  };
  if (isRecord(facts.params) && isRecord(facts.params.task)) {
    return { error: { code: refusalCode, message: text, data: { action_required: actionRequired, ...details } } };
  }
  return {
    result: {
      content: [{ type: 'text', text }],
      isError: true,
      ...(isModern(facts.params) ? { resultType: 'complete' } : {}),
      _meta: { action_required: actionRequired, 'mcp-shepherd/stale': details },
    },
  };
}

const actionRequired = 'restart_mcp_server';

/** Requests since 2026-07-28 carry the protocol version in `_meta`. */
export function isModern(params: unknown): boolean {
  return isRecord(params) && isRecord(params._meta) && typeof params._meta['io.modelcontextprotocol/protocolVersion'] === 'string';
}

function refusalText({ params, packages, restartHint, readsPass, notRestarted }: RefusalFacts): string {
  const shown = packages.slice(0, mostPackages).map(driftText);
  const rest = packages.length > shown.length ? ` and ${packages.length - shown.length} more packages` : '';
  const endsSession = typeof restartHint === 'object' && restartHint.endsSession;
  const missing = packages.some(({ how }) => how === 'removed') ? 'install what is missing, then ' : '';
  return [
    `Not executed, nothing was written: this MCP server runs different code than is installed now: ${shown.join('; ')}${rest}.`,
    `The call of ${JSON.stringify(shownTool(params))} was stopped before it reached the server.`,
    ...(notRestarted === undefined ? [] : [`A restart was tried and failed: ${notRestarted}.`]),
    `To continue, restart the server: ${missing}${typeof restartHint === 'string' ? `run "${restartHint}"` : restartHint.step}. ${endsSession ? 'Repeat' : 'The session is kept; repeat'} the call afterwards.`,
    ...(readsPass ? ['Tools that only read still work.'] : []),
  ].join(' ');
}

/** One package as text. */
export function driftText({ name, serving, installed, how }: DriftedPackage): string {
  switch (how) {
    case 'removed':
      return `it runs ${name} ${serving}, which is no longer installed`;
    case 'edited':
      return `${name} ${installed} has files that were changed or removed in place`;
    case 'reinstalled':
      return `${name} ${installed} was reinstalled with other content`;
    case 'source':
      return `the source of ${name} changed (${serving} → ${installed})`;
    case 'downgrade':
      return `it runs ${name} ${serving}, installed is ${installed} (a downgrade)`;
    default:
      return `it runs ${name} ${serving}, installed is ${installed}`;
  }
}

/** The tool that a call names; '' when it names none. */
export function toolName(params: unknown): string {
  return isRecord(params) && typeof params.name === 'string' ? params.name : '';
}

function shownTool(params: unknown): string {
  return singleLine(toolName(params), 128);
}
