import type { StaleMode } from '../../model/staleMode.ts';
import type { CodeState, DriftedPackage } from './codeDrift.ts';
import type { ToolKind } from './knownTools.ts';

/** The decision on one call. */
export type Ruling =
  | { readonly ruling: 'pass' }
  /** It depends on whether the tool writes, which is not known yet. */
  | { readonly ruling: 'ask-tools' }
  | { readonly ruling: 'refuse'; readonly packages: readonly DriftedPackage[] }
  | { readonly ruling: 'restart'; readonly packages: readonly DriftedPackage[] }
  /** An installer is at work: a restart now would load a half-finished installation. */
  | { readonly ruling: 'wait'; readonly packages: readonly DriftedPackage[] };

const pass: Ruling = { ruling: 'pass' };

/** Which calls each mode checks, and what it does with a checked call while the server is stale. */
const modeRules: Readonly<
  Record<StaleMode, { readonly checks: 'nothing' | 'writes' | 'all'; readonly stale: 'pass' | 'refuse' | 'restart' | 'auto' }>
> = {
  auto: { checks: 'all', stale: 'auto' },
  'refuse-writes': { checks: 'writes', stale: 'refuse' },
  restart: { checks: 'all', stale: 'restart' },
  warn: { checks: 'writes', stale: 'pass' },
  refuse: { checks: 'all', stale: 'refuse' },
  off: { checks: 'nothing', stale: 'pass' },
};

/** Whether the server's files are compared before a call of this kind. A call of a tool that the server does not have is answered by the server. */
export function needsCheck(mode: StaleMode, kind: ToolKind): boolean {
  const { checks } = modeRules[mode];
  return kind !== 'absent' && (checks === 'all' || (checks === 'writes' && kind !== 'read'));
}

/** Whether tools that only read can be called while the server is stale. */
export function readsPass(mode: StaleMode): boolean {
  return mode === 'auto' || !needsCheck(mode, 'read');
}

/**
 * @param asked the server's tools were already read for this call: a tool that is still unknown counts as writing
 * @param patient false: the call cannot wait for a restart, or the server is not restarted; `auto` is then `refuse-writes`
 */
export function ruleCall(mode: StaleMode, kind: ToolKind, asked: boolean, state: CodeState, patient = true): Ruling {
  if (!needsCheck(mode, kind) || state.state !== 'changed') {
    return pass;
  }
  const { packages } = state;
  const { checks, stale } = modeRules[mode];
  if (stale === 'pass') {
    return pass;
  }
  if (stale === 'auto') {
    const restarts = patient && packages.every(({ how }) => how === 'upgrade') && !(state.replacing && kind === 'read');
    return restarts ? { ruling: state.replacing ? 'wait' : 'restart', packages } : ruleCall('refuse-writes', kind, asked, state);
  }
  if (checks === 'writes' && kind === 'unknown' && !asked) {
    return { ruling: 'ask-tools' };
  }
  if (stale !== 'restart' || !mayRestartByItself(packages)) {
    return { ruling: 'refuse', packages };
  }
  return { ruling: state.replacing ? 'wait' : 'restart', packages };
}

/** Whether an automatic restart is allowed. A person decides on a restart to an older version, of an editable install, or of a removed package. */
function mayRestartByItself(packages: readonly DriftedPackage[]): boolean {
  return packages.every(({ how }) => how === 'upgrade' || how === 'changed' || how === 'reinstalled' || how === 'edited');
}

/** Whether the user lets all calls pass. Only a clear yes does. */
export function allowsStale(env: Readonly<NodeJS.ProcessEnv>): boolean {
  return /^(1|true|yes|on)$/i.test(env[allowStaleVariable]?.trim() ?? '');
}

export const allowStaleVariable = 'MCP_SHEPHERD_ALLOW_STALE';
