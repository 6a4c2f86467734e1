import type { ClosureReading } from '../model/package.ts';

/** No server requires this many. Of a larger closure only the own package is compared. */
export const maxPackages = 2_000;

export type ClosureParts = Extract<ClosureReading, { status: 'ok' }>;

/** What the reader of one ecosystem returns. `readClosure` adds the directories to watch when the package is gone. */
export type PartsOrFailure = ClosureParts | { readonly status: 'gone' | 'unreadable'; readonly reason: string };
