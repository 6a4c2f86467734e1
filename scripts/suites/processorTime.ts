import { existsSync, readFileSync } from 'node:fs';
import type { SuiteOutcome } from './outcome.ts';

/**
 * Reads the output of the shell's `times`: user and system time of the shell and of all its ended children.
 *
 * @returns seconds; undefined when the file is missing or has another form
 * @see https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html#tag_19_28
 */
export function processorSeconds(file: string): number | undefined {
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const parts = [...text.matchAll(/(\d+)m([\d.]+)s/g)].map(([, minutes, seconds]) => Number(minutes) * 60 + Number(seconds));
  return parts.length === 4 ? parts.reduce((sum, part) => sum + part, 0) : undefined;
}

/** A line for each outcome with a known processor time, the largest first. */
export function processorLines(outcomes: readonly SuiteOutcome[]): string[] {
  return outcomes
    .map(({ name, seconds, processor = -1 }) => ({ name, seconds, processor }))
    .filter(({ processor }) => processor >= 0)
    .sort((one, other) => other.processor - one.processor)
    .map(
      ({ name, seconds, processor }) =>
        `   ${processor.toFixed(1).padStart(6)} s of processor in ${seconds.toFixed(1).padStart(5)} s: ${name}`,
    );
}
