import * as v from 'valibot';

export const text = v.pipe(v.string(), v.maxLength(4096));
export const time = v.pipe(v.number(), v.finite());
export const identitySchema = v.object({ bootId: text, pidNamespace: text, pid: v.pipe(v.number(), v.integer()), start: text });

const base = { schema: v.literal(1), identity: identitySchema, takenAt: time };
const hash = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));

const startMark = v.variant('by', [
  v.object({ by: v.literal('git'), content: v.pipe(v.string(), v.regex(/^[0-9a-f]{40}([0-9a-f]{24})?$/)) }),
  v.object({ by: v.literal('compiled'), size: v.pipe(v.number(), v.integer()) }),
]);

/** Facts that are taken of a process once, at first sight, each in a file of its own. */
export const factSchemas = {
  /** The name by which its program was started, where that led to the running file when it was first seen. */
  program: v.object({ ...base, command: v.exactOptional(text) }),
  /** The source that it loads. `late`: written after the start already; `was`: what it held at the start, where that is known and differs. `linked`: none of it is the server's own entry. */
  source: v.object({
    ...base,
    files: v.pipe(v.array(v.object({ path: text, hash, late: v.exactOptional(time), was: v.exactOptional(startMark) })), v.maxLength(1000)),
    commit: v.exactOptional(text),
    linked: v.exactOptional(v.literal(true)),
  }),
  /** The entry that it was started from, as keyed hashes. */
  entry: v.object({
    ...base,
    definition: text,
    print: v.object({
      command: v.nullable(text),
      args: v.pipe(v.array(v.nullable(text)), v.maxLength(1000), v.readonly()),
      env: v.record(text, v.nullable(text)),
      cwd: v.exactOptional(v.nullable(text)),
    }),
  }),
} as const;

export type FactKind = keyof typeof factSchemas;
export type Fact<K extends FactKind> = v.InferOutput<(typeof factSchemas)[K]>;
/** What the caller gives; the rest is added. */
export type FactValue<K extends FactKind> = Omit<Fact<K>, 'schema' | 'identity'>;
