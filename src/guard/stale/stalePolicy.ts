import type { OnStale } from '../options/guardOptions.ts';
import { type CodeState, type DriftedPackage, refusingPackages } from './codeDrift.ts';
import type { ToolKind } from './knownTools.ts';

/** What the policy makes of one call. */
export type Ruling =
  | { readonly ruling: 'pass' }
  /** Whether the tool writes decides, and nobody knows yet. */
  | { readonly ruling: 'ask-tools' }
  | { readonly ruling: 'refuse'; readonly packages: readonly DriftedPackage[] }
  | { readonly ruling: 'restart'; readonly packages: readonly DriftedPackage[] }
  /** An installer is at work: to restart now would load half of an install. */
  | { readonly ruling: 'wait'; readonly packages: readonly DriftedPackage[] };

const pass: Ruling = { ruling: 'pass' };

/** Whether files have to be looked at for a call at all: reads touch nothing where they are never refused. A tool that the server does not have is the server's to answer. */
export function needsCheck(policy: OnStale, kind: ToolKind): boolean {
  if (policy === 'off' || kind === 'absent') {
    return false;
  }
  return policy === 'refuse' || policy === 'restart' || kind !== 'read';
}

/** @param asked whether the server was asked about its tools for this call already: what is still unknown then writes */
export function ruleCall(policy: OnStale, kind: ToolKind, asked: boolean, state: CodeState): Ruling {
  if (!needsCheck(policy, kind) || state.state !== 'changed') {
    return pass;
  }
  const packages = refusingPackages(state.packages);
  if (packages.length === 0 || policy === 'warn') {
    return pass;
  }
  if (policy === 'refuse-writes' && kind === 'unknown' && !asked) {
    return { ruling: 'ask-tools' };
  }
  if (policy !== 'restart' || !mayRestartByItself(state.packages)) {
    return { ruling: 'refuse', packages };
  }
  return { ruling: state.replacing ? 'wait' : 'restart', packages };
}

/** Never to an older version, never an editable install, never into nothing: these are for a person to decide. */
export function mayRestartByItself(packages: readonly DriftedPackage[]): boolean {
  return packages.every(({ how }) => how === 'upgrade' || how === 'changed' || how === 'reinstalled');
}

/** The way out for a person who knows better. Only what plainly means yes opens it. */
export function allowsStale(env: Readonly<NodeJS.ProcessEnv>): boolean {
  return /^(1|true|yes|on)$/i.test(env[allowStaleVariable]?.trim() ?? '');
}

export const allowStaleVariable = 'MCP_SHEPHERD_ALLOW_STALE';
