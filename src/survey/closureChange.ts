import type { Baseline } from '../diagnosis/baseline.ts';
import { look } from '../package/boundedFile.ts';
import { type ClosureDifference, diffClosures } from '../package/diff.ts';
import type { ClosureReading, InstalledPackage, PackageChange } from '../types/package.ts';

type Reading = Extract<ClosureReading, { status: 'ok' }>;

/** The last comparison of each baseline: both sides are plain data that nobody changes. */
const compared = new WeakMap<Baseline, { readonly reading: Reading; readonly difference: ClosureDifference }>();

/**
 * What changed in a closure since it was recorded. Where one side knows the own package only, the dependencies are not compared: unread is not removed. For the
 * same reason a dependency counts as removed only when nothing is left in its place: metadata that cannot be read, or were cut short, name no dependencies.
 */
export function closureChange(baseline: Baseline, reading: Reading): ClosureDifference {
  const known = compared.get(baseline);
  if (known?.reading === reading) {
    return known.difference;
  }
  const partly = baseline.ownOnly !== undefined || reading.ownOnly !== undefined;
  const { dependencies, ...own } = diffClosures(baseline.packages, reading.packages, partly ? 'own' : 'all');
  const difference = {
    ...own,
    dependencies: dependencies.filter((change) => change.direction !== 'removed' || isRemoved(change, baseline.packages)),
  };
  compared.set(baseline, { reading, difference });
  return difference;
}

function isRemoved({ name, running }: PackageChange, before: readonly InstalledPackage[]): boolean {
  return before.every((item) => item.name !== name || item.version !== running || look(item.root).status === 'absent');
}
