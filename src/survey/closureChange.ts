import type { Baseline } from '../diagnosis/baseline.ts';
import { look } from '../package/boundedFile.ts';
import { type ClosureDifference, diffReadings, isProvenRemoved } from '../package/diff.ts';
import type { ClosureReading } from '../types/package.ts';

type Reading = Extract<ClosureReading, { status: 'ok' }>;

/** The last comparison of each baseline: both sides are plain data that nobody changes. */
const compared = new WeakMap<Baseline, { readonly reading: Reading; readonly difference: ClosureDifference }>();

/** What changed in a closure since it was recorded. A dependency counts as removed only when nothing is left in its place now. */
export function closureChange(baseline: Baseline, reading: Reading): ClosureDifference {
  const { dependencies, ...own } = difference(baseline, reading);
  return {
    ...own,
    dependencies: dependencies.filter(
      (change) => change.direction !== 'removed' || isProvenRemoved(change, baseline.packages, (root) => look(root).status === 'absent'),
    ),
  };
}

function difference(baseline: Baseline, reading: Reading): ClosureDifference {
  const known = compared.get(baseline);
  if (known?.reading === reading) {
    return known.difference;
  }
  const fresh = diffReadings(baseline, reading);
  compared.set(baseline, { reading, difference: fresh });
  return fresh;
}
