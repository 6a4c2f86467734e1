import * as v from 'valibot';

const text = v.pipe(v.string(), v.maxLength(4096));
/** Far more than any time, and with all that is added to it still a date: others would end the judgement of a server. */
const farthest = 1e14;
export const factTime = v.pipe(v.number(), v.minValue(-farthest), v.maxValue(farthest));
const time = factTime;
export const identitySchema = v.object({ bootId: text, pidNamespace: text, pid: v.pipe(v.number(), v.integer()), start: text });

const base = { schema: v.literal(1), identity: identitySchema, takenAt: time };
const hash = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));

const startMark = v.variant('by', [
  v.object({ by: v.literal('git'), content: v.pipe(v.string(), v.regex(/^[0-9a-f]{40}([0-9a-f]{24})?$/)) }),
  v.object({ by: v.literal('compiled'), size: v.pipe(v.number(), v.integer()) }),
]);

/** Facts that are recorded of a process once, when it is first seen, each in a file of its own. */
export const factSchemas = {
  /** The name that its program was started by, if that led to the running file when it was first seen. */
  program: v.object({ ...base, command: v.exactOptional(text) }),
  /**
   * The source that it loads. `late`: when a file was written after the start and before this record, epoch ms; `was`: what that file held at the start, where that
   * is known and differs. `linked`: none of the files is the server's own entry.
   */
  source: v.object({
    ...base,
    files: v.pipe(v.array(v.object({ path: text, hash, late: v.exactOptional(time), was: v.exactOptional(startMark) })), v.maxLength(1000)),
    commit: v.exactOptional(text),
    linked: v.exactOptional(v.literal(true)),
  }),
  /** The scripts of package.json files by which it was started, outermost first. */
  script: v.object({ ...base, scripts: v.pipe(v.array(v.object({ file: text, name: text, line: text })), v.maxLength(8)) }),
  /** How much processor time (`ms`) it and everything below it (`processes`) had used at `beganAt`, ms since boot: replaced when it has worked since. */
  processor: v.object({ ...base, processes: v.pipe(v.number(), v.integer()), beganAt: time, ms: time }),
  /** Since when (`beganAt`) it uses a core, as read last at `readAt`, both ms since boot; processor time `used` since then and in `total`. */
  busy: v.object({ ...base, beganAt: time, readAt: time, used: time, total: time }),
  /** Its memory in its tenth minute, or when it was first seen after that. */
  memory: v.object({ ...base, bytes: time }),
  /** Of a client: the servers that it started and that ended. Times in ms since boot; the entry is a hash. */
  lives: v.object({
    ...base,
    lives: v.pipe(
      v.array(
        v.object({
          entry: text,
          startedAt: time,
          seenAt: time,
          endedAt: v.exactOptional(time),
          endedWithOthers: v.exactOptional(v.literal(true)),
        }),
      ),
      v.maxLength(200),
    ),
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
/** The part of a fact that the caller of `recordFact` passes; the store adds the rest. */
export type FactValue<K extends FactKind> = Omit<Fact<K>, 'schema' | 'identity'>;

/** A process that an action ends, by the text of its identity. */
export const askedSchema = v.object({ schema: v.literal(1), instance: text });

export const firstSeenSchema = v.object({
  schema: v.literal(1),
  identity: identitySchema,
  firstSeenAt: time,
  client: v.optional(v.object({ id: text, name: text, identity: identitySchema })),
});

export const baselineSchema = v.object({
  schema: v.literal(1),
  identity: identitySchema,
  takenAt: time,
  trust: v.picklist(['before-start', 'around-start', 'after-start', 'concluded']),
  packages: v.pipe(
    v.array(
      v.object({
        ecosystem: v.picklist(['npm', 'python']),
        name: text,
        version: v.exactOptional(text),
        root: text,
        content: v.exactOptional(text),
        code: v.exactOptional(text),
        installedAt: v.exactOptional(time),
      }),
    ),
    v.maxLength(5000),
  ),
  ownOnly: v.exactOptional(text),
  written: v.exactOptional(v.object({ name: text, path: text, at: time })),
  ref: v.exactOptional(
    v.object({
      ecosystem: v.picklist(['npm', 'python']),
      entry: text,
      environment: text,
      name: text,
      extras: v.exactOptional(v.array(text)),
      paths: v.exactOptional(v.array(text)),
      editable: v.exactOptional(v.boolean()),
    }),
  ),
});

/** When a finding of one kind was first seen as it is (`of`: a hash). */
export const findingSeenSchema = v.object({ schema: v.literal(1), identity: identitySchema, of: v.string(), at: time });
export type FindingSeen = Pick<v.InferOutput<typeof findingSeenSchema>, 'of' | 'at'>;

/** When a process was first seen, and under which client: that proves later that it is an orphan. */
export type FirstSeen = v.InferOutput<typeof firstSeenSchema>;
