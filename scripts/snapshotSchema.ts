// The shape of the snapshot that `mcp-shepherd status --json` prints. `node scripts/snapshotSchema.ts` writes schema/snapshot.schema.json from it; the
// compiler holds it equal to the types in src/model, and a unit test holds the file equal to it.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { toJsonSchema } from '@valibot/to-json-schema';
import * as v from 'valibot';
import { listText } from '../src/base/singleLine.ts';
import { type FindingKind, isHeadline } from '../src/model/finding.ts';
import type { Snapshot } from '../src/model/snapshot.ts';
import { findingLabels } from '../src/presentation/findingLabels.ts';
import { projectRoot } from './system/projectPaths.ts';

export const snapshotSchemaFile = join(projectRoot, 'schema', 'snapshot.schema.json');

const text = (description: string) => v.pipe(v.string(), v.description(description));
const texts = (description: string) => v.pipe(v.array(v.string()), v.description(description));
const flag = (description: string) => v.pipe(v.boolean(), v.description(description));
const mark = (description: string) => v.pipe(v.literal(true), v.description(description));
const count = (description: string, least = 0) => v.pipe(v.number(), v.integer(), v.minValue(least), v.description(description));
const portNumber = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_535), v.description('The port.'));
const oneOf = <const Words extends readonly string[]>(words: Words, description: string) =>
  v.pipe(v.picklist(words), v.description(description));
/** ISO 8601, UTC. */
const time = (description: string) =>
  v.pipe(v.string(), v.regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z$/), v.description(`${description}: ISO 8601, UTC.`));
const described = <Schema extends v.GenericSchema>(schema: Schema, description: string) => v.pipe(schema, v.description(description));
const list = <Schema extends v.GenericSchema>(items: Schema, description: string) => v.pipe(v.array(items), v.description(description));
const orNull = <Schema extends v.GenericSchema>(schema: Schema, description: string) =>
  v.pipe(v.nullable(schema), v.description(description));
const optional = v.exactOptional;

const directions = ['upgrade', 'downgrade', 'changed', 'removed', 'content'] as const;
const confidences = ['proven', 'likely', 'unknown'] as const;

const client = described(
  v.strictObject({
    id: text('Id of the client.'),
    name: text('Its name for display.'),
    pid: count('Its PID.'),
    identity: text('As the `id` of an instance.'),
  }),
  'One running client process.',
);

const launcher = described(
  v.strictObject({
    pid: count('Its PID.'),
    kind: text('What it is: `npm exec`, `npx`, `sh`, `uv` …'),
    command: text('Command line, redacted.'),
  }),
  'A process between client and server.',
);

const packageSchema = described(
  v.strictObject({
    ecosystem: oneOf(['npm', 'python'], 'Where it comes from.'),
    name: text('Its name.'),
    root: text('Directory of the environment: the venv, or the directory whose node_modules holds it.'),
    running: orNull(v.string(), 'Version when the server started; null when unknown.'),
    installed: orNull(v.string(), 'Version on disk now; null when unknown or gone.'),
    direction: optional(
      oneOf(directions, 'How the installed package differs from the running one; absent when it is the same or that is not known.'),
    ),
    origin: optional(
      oneOf(
        ['recorded'],
        '`recorded`: the server or its guard recorded what was loaded; absent: concluded from the files on disk while it ran.',
      ),
    ),
    latest: optional(
      text('Newest version in its registry that fits this installation; absent when the registry was not asked or did not answer.'),
    ),
  }),
  'The package that a server’s code was loaded from.',
);

const record = described(
  v.strictObject({
    id: text('Id of this run of the server; `instances/<id>.json` in the folder of the lock protocol is its file.'),
    serverId: text('Its name in the lock protocol.'),
    state: oneOf(['starting', 'running', 'stopping', 'compromised'], '`compromised`: it found its lock file replaced.'),
    exclusion: oneOf(['flock', 'share0', 'none'], 'How the kernel keeps its locks; `none`: other processes are not kept away.'),
    locks: list(
      v.strictObject({
        key: text('Names the lock file.'),
        kind: oneOf(['path', 'port', 'name'], 'Kind of resource.'),
        resource: text('The path, `tcp:<port>` or name, redacted.'),
      }),
      'Resources for one server at a time that this one claims.',
    ),
    control: texts('Requests that it takes over its control endpoint; empty: it has none.'),
    guardPid: optional(count('PID of the guard between client and server.')),
    hostPid: optional(count('PID of the host that runs the session of this guard, which is a relay.')),
    idleSince: optional(text('Time of the last call, as recorded by the guard: ISO 8601, UTC.')),
    problem: optional(text('Why the guard has no server, or why its last restart failed.')),
    staleWrites: optional(
      described(
        v.strictObject({
          calls: count('How many; 0: none passed.'),
          from: optional(text('When the first passed: ISO 8601, UTC.')),
          to: optional(text('When the newest passed: ISO 8601, UTC.')),
          tools: list(
            v.strictObject({ name: text('Its name, redacted.'), calls: count('How many of its calls passed.', 1) }),
            'The tools, at most 16.',
          ),
        }),
        'Writing calls that passed the guard while the server ran other code than was installed, since the guard started; absent when no guard compares its code.',
      ),
    ),
    refused: optional(
      described(
        v.strictObject({
          calls: count('How many.', 1),
          last: text('Why the newest was refused, redacted.'),
          at: text('When that was: ISO 8601, UTC.'),
        }),
        'Calls that the guard answered itself instead of forwarding them.',
      ),
    ),
    ends: optional(
      described(
        v.strictObject({
          last: list(
            v.strictObject({
              at: text('When: ISO 8601, UTC.'),
              code: optional(v.pipe(v.number(), v.integer(), v.description('Exit code.'))),
              signal: optional(text('Signal, where one ended it.')),
            }),
            'When, and how.',
          ),
          errors: texts('The last lines of the last one on standard error, redacted; empty: none, or the guard did not read it.'),
        }),
        'Ends of the server that the guard did not ask for, the last ten, oldest first.',
      ),
    ),
    unshared: optional(text('Why this client has a server of its own, where several could share one.')),
    start: optional(
      described(
        v.strictObject({
          state: oneOf(
            ['not-started', 'on-demand', 'at-once', 'asleep'],
            '`not-started`: no call needed the server yet; `on-demand`: a call has started it; `at-once`: it was started with the session; `asleep`: it was ended because it was idle.',
          ),
          why: optional(text('What needed it, or why it was started with the session, redacted.')),
          since: optional(text('Since when it sleeps: ISO 8601, UTC.')),
          awake: optional(text('What keeps an idle server awake (--sleep-after), redacted.')),
          spared: count('Earlier sessions that ended without a start.'),
          memoryBytes: optional(
            v.pipe(v.number(), v.minValue(0), v.description('Resident memory of the server after an earlier start, bytes.')),
          ),
        }),
        'When a guard with --start lazy or --sleep-after starts its server.',
      ),
    ),
  }),
  'What a server, or its guard, published in the folder of the lock protocol (docs/instance-lock-protocol.md); absent when neither did. A hint: it is not taken as proof.',
);

const relayHost = described(
  v.strictObject({ pid: count('Its PID.'), startedAt: time('When it started'), memoryBytes: count('Resident memory, bytes; 0: unknown.') }),
  'A process that runs the guards of relays.',
);

const notStarted = described(
  v.strictObject({
    guardPid: count('PID of the guard.'),
    name: text('Name of the entry, else the name in the record.'),
    definitions: texts('Ids of the definitions that the guard was started from.'),
    client: orNull(client, 'Null when it is not known.'),
    record,
  }),
  'A guard that answers its client from earlier answers and has not started the server.',
);

const otherHolder = described(
  v.strictObject({
    pid: count('Its PID.'),
    program: text('The kernel’s short name of its program.'),
    record,
  }),
  'A program with a record that is not a known MCP server. It is never stopped.',
);

const change = described(
  v.strictObject({
    name: text('Name of the package.'),
    running: optional(text('Version at the start; absent when it was not there or cannot be read.')),
    installed: optional(text('Version now; absent when it is no longer installed or cannot be read.')),
    direction: oneOf(directions, '`content`: same version, other files.'),
    inPlace: optional(mark('Of `content`: files were edited or removed, and nothing was installed.')),
  }),
  'How one package changed between the server’s start and now.',
);

const action = described(
  v.variant('kind', [
    described(
      v.strictObject({ kind: described(v.literal('restart'), 'Restart by MCP Shepherd, through the client or the guard.') }),
      'Restart the server.',
    ),
    described(
      v.strictObject({
        kind: described(v.literal('manual'), 'A step in the client.'),
        step: text('The exact step.'),
        held: optional(mark('Present when the client itself starts the old version again until the user has taken this step.')),
      }),
      'The user has to do it.',
    ),
    described(v.strictObject({ kind: described(v.literal('end'), 'Stop it; no client uses it.') }), 'Stop the process.'),
    described(
      v.strictObject({
        kind: described(v.literal('upgrade'), 'Run the command.'),
        argv: v.pipe(v.array(v.string()), v.minLength(1), v.description('Program and arguments, to be run without a shell.')),
        cwd: optional(text('Directory to run it in; absent when it does not matter.')),
      }),
      'Install the newer version; a restart follows. Never done without the user’s consent.',
    ),
    described(
      v.strictObject({
        kind: described(v.literal('reveal'), 'Open the file.'),
        file: text('Absolute path.'),
        line: count('Line, from 1.', 1),
      }),
      'Look at the configuration.',
    ),
  ]),
  'One thing that fixes a finding.',
);

const kinds = Object.keys(findingLabels) as FindingKind[];
const information = kinds.filter((kind) => !isHeadline({ kind, confidence: 'proven' }));

const finding = described(
  v.strictObject({
    kind: oneOf(
      kinds,
      `What it is. ${listText(
        information.map((kind) => `\`${kind}\``),
        Number.POSITIVE_INFINITY,
      )} are information: they do not count for the badge and \`--check\`.`,
    ),
    subKind: optional(
      oneOf(
        ['package', 'dependency', 'content', 'source', 'interpreter', 'binary', 'replaced-beside'],
        'With `stale`: which part of the server is stale. `replaced-beside`: its command leads to another version, which was installed beside the one that runs.',
      ),
    ),
    confidence: oneOf(
      confidences,
      '`proven`: by recorded facts or the kernel. `likely`: one other explanation of the evidence is possible. `unknown`: cannot be told; does not count for the badge and `--check`.',
    ),
    message: text('One sentence for a person, redacted.'),
    evidence: texts('What is known and from where, redacted.'),
    since: time('Since when it is true, as far as known'),
    sinceAtMost: optional(described(v.literal(true), 'Nothing shows when it became true: `since` is the first scan that saw it.')),
    minor: optional(mark('Below the limit from which a finding of this kind counts for `--check`.')),
    actions: list(action, 'What fixes it, in the order in which it should be offered.'),
  }),
  'One thing wrong with one server or entry.',
);

const healthNote = described(
  v.strictObject({
    kind: oneOf(
      [
        'command-missing',
        'command-hidden',
        'file-missing',
        'unset-variable',
        'plain-secret',
        'needs-cmd',
        'shadowed',
        'shared-data',
        'unpinned',
      ],
      'What it is about.',
    ),
    level: oneOf(['warning', 'information'], '`warning`: the entry cannot work, or shows a secret to others. `information`: it works.'),
    definition: text('Id of the definition.'),
    name: text('Name of the entry.'),
    client: text('Id of the client whose file it is.'),
    file: text('Absolute path of the file.'),
    line: count('Line of the entry in the file.', 1),
    message: text('The fault and its cure. Redacted.'),
    fix: optional(
      described(
        v.variant('kind', [
          v.strictObject({
            kind: described(v.literal('program'), 'Another program in place of the command.'),
            path: text('The program that replaces the command.'),
          }),
          v.strictObject({ kind: described(v.literal('cmd'), '`cmd /c` before the command.') }),
        ]),
        'What `doctor --fix` writes.',
      ),
    ),
  }),
  'One remark about one entry.',
);

const problem = described(
  v.strictObject({
    source: oneOf(
      ['config', 'process', 'package', 'facts', 'watch', 'lock', 'verdict'],
      'What was read; `verdict`: verdicts contradict each other.',
    ),
    message: text('What happened and what to do, redacted.'),
    pid: optional(count('PID of the process concerned.')),
    client: optional(text('Id of the client whose configuration it is.')),
    file: optional(text('The file concerned, absolute.')),
    line: optional(count('Line in the file, from 1.', 1)),
    column: optional(count('Column in the line, from 1.', 1)),
  }),
  'Something that could not be read or understood.',
);

const match = described(
  v.strictObject({
    confidence: oneOf(confidences, 'How sure the entry is; `unknown` when there is none.'),
    why: texts('How it is known, a line each.'),
  }),
  'How the configuration entry of a server is known.',
);

const codeSource = described(
  v.strictObject({
    entry: text('Where the code begins: the script, or what `-m` loads.'),
    how: text('How the package was found.'),
    editable: flag('True when the source is used in place.'),
    metadata: orNull(v.string(), 'The file that names the own package’s version; null when it could not be read.'),
    packages: count('How many packages it requires, itself included, as far as read.'),
  }),
  'Where a server’s code was found.',
);

const baseline = described(
  v.strictObject({
    takenAt: time('When'),
    trust: oneOf(
      ['before-start', 'around-start', 'after-start', 'concluded'],
      '`before-start`: all packages were installed well before the start, so they are what runs. `around-start`: installed within two seconds of the start, or times cannot be compared. `after-start`: installed again after the start; what runs is older. `concluded`: a link leads to what was installed after the start; these are the packages in the older folders beside it.',
    ),
    packages: count('How many packages were recorded.'),
    written: optional(
      text(
        'A file of these packages that was written between the start and the record: whether the process runs what it holds is not known.',
      ),
    ),
    record: text('The file that holds it.'),
  }),
  'The packages of a server as recorded while it ran; the packages on disk are compared with them.',
);

const comparison = described(
  v.strictObject({ what: text('What, and by what it is compared.'), recordedAt: time('When') }),
  'One thing that was recorded while the server ran.',
);

const evidence = described(
  v.strictObject({
    firstSeenAt: time('First scan of any MCP Shepherd on this machine that saw it'),
    program: orNull(v.string(), 'The program’s file as the kernel names it; null when it cannot be read.'),
    unreadable: texts('Which parts of the process could not be read, each with the reason.'),
    match,
    source: orNull(codeSource, 'Where its code was found; null when no package was found.'),
    baseline: orNull(baseline, 'The packages as first seen while it ran; null as long as none could be recorded.'),
    compared: list(comparison, 'What else was recorded of the process and is compared with what is there now.'),
  }),
  'How the facts of a server are known, and from which file; what `explain` shows.',
);

const listening = described(
  v.strictObject({
    port: portNumber,
    health: optional(
      described(
        v.strictObject({
          status: text('As it says.'),
          version: optional(text('The version that it names.')),
          started: optional(text('The start time that it names.')),
          uptimeSeconds: optional(described(v.number(), 'The uptime that it names, seconds.')),
        }),
        'The answer of its /health, only where that names a PID of the server itself.',
      ),
    ),
  }),
  'HTTP servers whose port an entry names: where it is reached, and what it says of itself.',
);

const definition = described(
  v.strictObject({
    id: text('Stable over runs: made from client, file, scope and name.'),
    client: text('Id of the client whose file it is.'),
    readBy: texts('Ids of all clients known to read this file, `client` first.'),
    scope: oneOf(['user', 'profile', 'workspace', 'project', 'local', 'managed'], 'Where in its client’s configuration it is.'),
    file: text('Absolute path of the file.'),
    line: count('Line of the entry’s name in the file, from 1.', 1),
    name: text('Name of the entry.'),
    transport: oneOf(['stdio', 'http', 'sse', 'ws'], 'Transport between client and server.'),
    command: optional(text('The command as written; absent for remote servers.')),
    args: texts('Its arguments, redacted.'),
    envNames: texts('Names of the environment variables that the entry sets; never their values.'),
    cwd: optional(text('Working directory as written.')),
    url: optional(text('Address of a remote server, redacted.')),
    enabled: flag('False when the file itself switches the entry off.'),
    folder: optional(text('The workspace folder or project root it belongs to, absolute; absent for user scope.')),
    replacedBy: optional(
      described(
        v.array(
          v.strictObject({
            file: text('Absolute path of the other entry’s file.'),
            line: count('Its line, from 1.', 1),
            folder: optional(text('Only in this project.')),
            alone: optional(mark('The file of an administrator: the client uses its entries and no others.')),
          }),
        ),
        'What its client uses instead: entries of the same name in narrower scopes.',
      ),
    ),
    vscodeCollection: optional(
      oneOf(['user', 'folder', 'folder-dot-mcp', 'workspace-file'], 'VS Code only: which of its collections the entry belongs to.'),
    ),
    guarded: optional(mark('Present when the entry starts its server through the guard.')),
    port: optional(
      described(
        v.strictObject({
          number: portNumber,
          holder: oneOf(
            ['nobody', 'hidden', 'server', 'stranger', 'forwarder'],
            '`hidden`: a process that cannot be seen; `server`: an instance below; `stranger`: another program; `forwarder`: a program that passes connections on.',
          ),
          pid: optional(count('PID of the holder, where it is seen.')),
          holderReason: optional(text('`stranger`: why it is not the entry’s server.')),
          holderCommand: optional(text('`stranger`: its command line, redacted, at most 120 characters.')),
        }),
        'Servers at an address of this machine: which process holds the port that the URL names.',
      ),
    ),
    findings: list(finding, 'What is wrong with the entry.'),
  }),
  'One server entry in one client’s configuration file.',
);

const instance = described(
  v.strictObject({
    id: text('Boot id, PID namespace, PID and start of the process: never the same for two processes.'),
    pid: count('Its PID. Reused by the system, so not an identity.'),
    startedAt: time('When the process started (for reading, not for comparing)'),
    name: text('The entry’s name, else the package’s, else the program’s.'),
    definitions: texts('Ids of the definitions it was started from; empty: no configuration that was found names it.'),
    client: orNull(client, 'The client process that started it; null when that is gone or was never known.'),
    launchers: list(launcher, 'Processes between client and server (npx, sh, uv …), from the client downwards.'),
    command: text('Command line, redacted.'),
    cwd: orNull(v.string(), 'Working directory; null when it could not be read.'),
    transport: oneOf(['stdio', 'http', 'unknown'], 'Its transport.'),
    background: flag('Runs without a client on purpose: a listener, a service, a job with its input on the null device.'),
    guarded: optional(mark('Present when it runs behind the guard, or is the guard for HTTP.')),
    package: orNull(packageSchema, 'The package its code was loaded from; null when unknown.'),
    unknown: optional(text('Why the package or its versions are not known; absent when all is known.')),
    record: optional(record),
    changedDependencies: list(change, 'Packages it requires that changed on disk since it started.'),
    memoryBytes: count('Resident memory of its whole tree; 0: unknown.'),
    idleSince: optional(time('Since when it used no processor time worth counting; absent when that is less than an hour, or not known')),
    tree: list(v.pipe(v.number(), v.integer(), v.minValue(0)), 'PIDs of its whole tree (itself, launchers, children), itself first.'),
    treeMemory: optional(list(count('Bytes; 0: unknown.'), 'Resident memory of each process of tree, in its order.')),
    listens: optional(listening),
    usedBy: optional(
      list(
        client,
        'HTTP servers: the programs of this machine that are connected to the port now. A server that several clients share: these clients, each as often as it has it.',
      ),
    ),
    findings: list(finding, 'What is wrong with it.'),
    evidence: optional(evidence),
  }),
  'One running server: the topmost process that is not a launcher.',
);

const snapshot = v.strictObject({
  schema: described(
    v.literal(1),
    'Version of this shape. It changes when a field is removed or changes its meaning; readers should refuse versions they do not know.',
  ),
  at: time('When it was taken'),
  clients: list(
    described(
      v.strictObject({
        id: text('Short stable name, for example `vscode` or `claude-code`; `unknown` is a program that is not in the table of clients.'),
        name: text('Its name for display.'),
      }),
      'One client.',
    ),
    'The clients that appear below.',
  ),
  definitions: list(definition, 'Server entries found in the configuration files of the clients.'),
  instances: list(instance, 'Running servers.'),
  notStarted: optional(list(notStarted, 'Guards that have not started their server (--start lazy); absent when there is none.')),
  hosts: optional(list(relayHost, 'Processes that run the guards of relays (guard --relay); absent when there is none.')),
  otherHolders: optional(
    list(
      otherHolder,
      'Running programs with a record in the folder of the lock protocol that are not known MCP servers; absent when there is none.',
    ),
  ),
  health: optional(
    list(healthNote, 'Remarks about entries as their files have them; only `doctor` and windows of an editor ask for them.'),
  ),
  problems: list(problem, 'What could not be read or understood; never about a server itself.'),
});

type Writable<T> = T extends object ? { -readonly [Key in keyof T]: Writable<T[Key]> } : T;
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
/** Does not compile when the schema and the types of the model differ. */
export const isModel: Same<Writable<v.InferOutput<typeof snapshot>>, Writable<Snapshot>> = true;

/** The JSON schema as an object. */
export function snapshotJsonSchema(): object {
  const { $schema, ...rest } = toJsonSchema(snapshot, {
    target: 'draft-2020-12',
    definitions: {
      definition,
      instance,
      client,
      launcher,
      package: packageSchema,
      otherHolder,
      record,
      change,
      finding,
      action,
      problem,
      evidence,
      match,
      codeSource,
      baseline,
      listening,
      comparison,
    },
  });
  return {
    $schema,
    $id: 'urn:mcp-shepherd:snapshot:1',
    title: 'MCP Shepherd snapshot',
    description:
      'Everything known about the MCP servers of one machine at one moment, as `mcp-shepherd status --json` prints it. Secrets are redacted: environment values, headers and tokens never appear.',
    ...rest,
  };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  writeFileSync(snapshotSchemaFile, `${JSON.stringify(snapshotJsonSchema(), null, 2)}\n`);
}
