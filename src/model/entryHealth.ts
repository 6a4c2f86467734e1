import type { ClientId } from './definition.ts';

/** What is wrong, or worth knowing, with one entry as its file has it, whether or not its server runs. */
export type HealthKind =
  | 'command-missing'
  | 'command-hidden'
  | 'file-missing'
  | 'unset-variable'
  | 'plain-secret'
  | 'needs-cmd'
  | 'shadowed'
  | 'shared-data'
  | 'unpinned';

/** A change of an entry's command that has one right result: another program in its place, or `cmd /c` before it. */
export type EntryFix = { readonly kind: 'program'; readonly path: string } | { readonly kind: 'cmd' };

/** One remark about one entry. Judged when the configuration is read, and only where it was asked for. */
export interface HealthNote {
  readonly kind: HealthKind;
  /** `warning`: the entry cannot work, or shows a secret to others. `information`: it works. */
  readonly level: 'warning' | 'information';
  /** Id of the definition. */
  readonly definition: string;
  readonly name: string;
  readonly client: ClientId;
  readonly file: string;
  /** 1-based line of the entry. */
  readonly line: number;
  /** What is wrong and what to do, in sentences. Redacted. */
  readonly message: string;
  /** What `doctor --fix` writes. */
  readonly fix?: EntryFix;
}
