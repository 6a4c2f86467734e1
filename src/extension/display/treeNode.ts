import type { Definition } from '../../model/definition.ts';
import type { Finding, FindingKind } from '../../model/finding.ts';
import type { Instance } from '../../model/snapshot.ts';
import { worstFinding } from './attention.ts';

/** One row of the view "MCP Servers", as plain data. */
export interface TreeNode {
  /** Stays the same across refreshes, so that VS Code keeps expansion and selection. */
  readonly id: string;
  readonly kind: 'group' | 'client' | 'server' | 'instance' | 'problem';
  readonly label: string;
  readonly description?: string;
  /** Name of a codicon and of a theme colour. Label or description say the same in words. */
  readonly icon: { readonly id: string; readonly color?: string };
  readonly expanded: boolean;
  /** The `contextValue` for menus: see `contextFlags`. */
  readonly flags: string;
  /** For screen readers. */
  readonly spoken: string;
  /** The instance that an action on this row is for: the row's own, or the only one of a server. */
  readonly instanceId?: string;
  /** The definition whose entry the row opens. */
  readonly definitionId?: string;
  /** The place that a click on the row opens. */
  readonly open?: { readonly file: string; readonly line: number };
  readonly children: readonly TreeNode[];
}

/** The actions of a row, as flags; the manifest's `viewItem =~ /\bflag\b/` conditions test for these words. */
export interface RowAbilities {
  readonly kind: TreeNode['kind'];
  /** Stands for exactly one running instance. */
  readonly running?: boolean;
  /** A click on Restart restarts it. */
  readonly restartable?: boolean;
  readonly stale?: boolean;
  /** There is a newer version, and the command for it is known. */
  readonly upgradable?: boolean;
  /** Its entry is in a configuration file. */
  readonly configured?: boolean;
  /** Whether its entry can use the guard or already uses it. */
  readonly guard?: 'guardable' | 'guarded' | undefined;
  /** How its finding is fixed, where that is no restart: `stepwise` = the user, in its client; `surplus` = it stands for several idle copies. */
  readonly fix?: 'stoppable' | 'stepwise' | 'surplus';
  /** VS Code shows what it writes to standard error. */
  readonly output?: boolean;
  /** This window can start it. */
  readonly startable?: boolean;
  /** Whether its finding can be ignored, or is. */
  readonly ignorable?: boolean;
  readonly ignored?: boolean;
  /** No notifications about it. */
  readonly muted?: boolean;
}

/** The row's `contextValue`: words joined by `;`. `manual` marks a running server that only its client can restart. */
export function contextFlags(row: RowAbilities): string {
  return [
    row.kind,
    row.running && 'running',
    row.running && (row.restartable ? 'restartable' : 'manual'),
    row.stale && 'stale',
    row.upgradable && 'upgradable',
    row.configured && 'configured',
    row.guard,
    row.fix,
    row.output && 'output',
    row.startable && 'startable',
    row.ignorable && 'ignorable',
    row.ignored && 'ignored',
    row.muted && 'muted',
  ]
    .filter(Boolean)
    .join(';');
}

/** The given rows and all rows below them, by id. */
export function indexNodes(roots: readonly TreeNode[]): Map<string, TreeNode> {
  const index = new Map<string, TreeNode>();
  const visit = (node: TreeNode): void => {
    index.set(node.id, node);
    node.children.forEach(visit);
  };
  roots.forEach(visit);
  return index;
}

/**
 * Which rows to draw again: `all` when rows at the top came, went or moved, else the ids of the rows that changed or whose children
 * came, went or moved. Empty when nothing visible has changed.
 */
export function changedRows(before: readonly TreeNode[], after: readonly TreeNode[]): 'all' | readonly string[] {
  if (!sameIds(before, after)) {
    return 'all';
  }
  const known = indexNodes(before);
  const changed: string[] = [];
  const visit = (node: TreeNode): void => {
    const old = known.get(node.id);
    if (!old || !sameIds(old.children, node.children) || face(old) !== face(node)) {
      changed.push(node.id);
      if (!old) {
        return;
      }
    }
    node.children.forEach(visit);
  };
  after.forEach(visit);
  // New rows are drawn with their parent.
  return changed.filter((id) => known.has(id));
}

function sameIds(a: readonly TreeNode[], b: readonly TreeNode[]): boolean {
  return a.length === b.length && a.every((node, index) => node.id === b[index]?.id);
}

function face(node: TreeNode): string {
  const { children: _, ...own } = node;
  return JSON.stringify(own);
}

const warning = 'problemsWarningIcon.foreground';

/** Information (undefined) leaves the icon as it is. */
const troubleIcons: Readonly<Record<FindingKind, TreeNode['icon'] | undefined>> = {
  stale: { id: 'warning', color: warning },
  'files-gone': { id: 'error', color: 'problemsErrorIcon.foreground' },
  duplicate: { id: 'copy', color: warning },
  copies: { id: 'copy', color: warning },
  'respawn-storm': { id: 'sync', color: warning },
  runaway: { id: 'flame', color: warning },
  orphan: { id: 'debug-disconnect', color: warning },
  unresponsive: { id: 'circle-slash', color: warning },
  'lock-conflict': { id: 'lock', color: warning },
  'config-changed': undefined,
  'respawn-differs': undefined,
  'update-available': undefined,
  'port-taken': undefined,
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
