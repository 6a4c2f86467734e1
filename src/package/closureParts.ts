import type { ClosureReading } from '../model/package.ts';

/** No server requires this many; a closure that does is not compared but for its own package. */
export const maxPackages = 2_000;

export type ClosureParts = Extract<ClosureReading, { status: 'ok' }>;

/** What a reader of one ecosystem gives; where to watch for the return of what is gone is added by `readClosure`. */
export type PartsOrFailure = ClosureParts | { readonly status: 'gone' | 'unreadable'; readonly reason: string };
