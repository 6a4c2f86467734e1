import type { Definition } from '../types/definition.ts';
import type { Finding, FindingKind } from '../types/finding.ts';
import type { Instance } from '../types/snapshot.ts';
import { worstFinding } from './findingWords.ts';
import type { TreeNode } from './treeNode.ts';

const warning = 'problemsWarningIcon.foreground';

const troubleIcons: Partial<Record<FindingKind, TreeNode['icon']>> = {
  stale: { id: 'warning', color: warning },
  'files-gone': { id: 'error', color: 'problemsErrorIcon.foreground' },
  duplicate: { id: 'copy', color: warning },
  orphan: { id: 'debug-disconnect', color: warning },
  unresponsive: { id: 'circle-slash', color: warning },
  'lock-conflict': { id: 'lock', color: warning },
};

function troubleIcon(findings: readonly Finding[]): TreeNode['icon'] | undefined {
  const worst = worstFinding(findings);
  return worst && troubleIcons[worst.kind];
}

/** Icon of one running server. */
export function instanceIcon(instance: Instance, busy: boolean): TreeNode['icon'] {
  if (busy) {
    return { id: 'loading~spin' };
  }
  const known = instance.package !== null && instance.package.running !== null;
  return troubleIcon(instance.findings) ?? (known ? { id: 'pass', color: 'testing.iconPassed' } : { id: 'question' });
}

/** Icon of a configured server with the instances that run it. */
export function serverIcon(definition: Definition | undefined, instances: readonly Instance[]): TreeNode['icon'] {
  const findings = [...(definition?.findings ?? []), ...instances.flatMap((instance) => instance.findings)];
  const trouble = troubleIcon(findings);
  if (trouble) {
    return trouble;
  }
  if (definition && definition.transport !== 'stdio') {
    return { id: 'globe' };
  }
  return { id: instances.length > 0 ? 'server-process' : 'circle-outline' };
}
