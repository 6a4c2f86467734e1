import type { ProcessDetail, ProcessRow } from '../types/process.ts';
import type { Attributed } from './attribution.ts';

/** The directories that servers and their clients run in: there, and above, are their projects' configuration files. */
export async function workingDirs(
  attributed: readonly Attributed[],
  detail: (row: ProcessRow) => Promise<ProcessDetail>,
): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  for (const one of attributed) {
    for (const { cwd } of one.client ? [one.detail, await detail(one.client.row)] : [one.detail]) {
      if (cwd !== undefined && cwd !== '/') {
        found.add(cwd);
      }
    }
  }
  return found;
}
