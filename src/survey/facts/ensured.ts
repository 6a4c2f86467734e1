import { createHash } from 'node:crypto';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import type { RawDefinition } from '../../model/definition.ts';
import type { ProcessIdentity } from '../../model/process.ts';
import { readRecord, writeRecord } from '../../storage/jsonRecord.ts';
import { stateRefusal } from '../../storage/privateFolder.ts';
import { stateFolder } from '../../storage/stateFolder.ts';
import { identitySchema } from './factSchemas.ts';

const text = v.pipe(v.string(), v.maxLength(4096));
const schema = v.object({ schema: v.literal(1), identity: identitySchema, name: text, url: text, file: text });

/** An HTTP server that `ensure` started and that no client's file needs to name. */
type Ensured = Omit<v.InferOutput<typeof schema>, 'schema'>;

/** At most this many records are read. */
const mostRecords = 200;

/** The entry of a server that no client's file names. @param file the `mcp-shepherd.json` that names it */
export function ensuredDefinition(name: string, url: string, file = '(command line)'): RawDefinition {
  const id = createHash('sha256').update(['mcp-shepherd', file, name, url].join('\0')).digest('hex').slice(0, 16);
  return {
    id,
    client: 'mcp-shepherd',
    readBy: ['mcp-shepherd'],
    scope: 'project',
    file,
    line: 1,
    name,
    transport: 'http',
    args: [],
    env: {},
    url,
    secrets: [],
    enabled: true,
  };
}

/** Notes what `ensure` has started, so that every scan shows it while it runs. The address is stored without user, password and query. Never throws. */
export function noteEnsured(runDir: string, { url, ...ensured }: Ensured): void {
  try {
    const { origin, pathname, port } = new URL(url);
    const name = createHash('sha256').update(`${port}`).digest('hex').slice(0, 16);
    writeRecord(join(stateFolder(runDir, 'ensured'), `${name}.json`), { schema: 1, ...ensured, url: `${origin}${pathname}` });
  } catch {
    // The server runs nevertheless; it is shown where an entry names its port.
  }
}

/**
 * The entries of servers that `ensure` started and that still run: a record counts only for exactly that process. Removes the records of processes that have ended.
 * @param here boot and PID namespace of this process: records of another namespace of this boot are left alone
 */
export async function ensuredEntries(
  runDir: string,
  here: Pick<ProcessIdentity, 'bootId' | 'pidNamespace'>,
  isAlive: (identity: ProcessIdentity) => Promise<boolean>,
): Promise<RawDefinition[]> {
  const found: RawDefinition[] = [];
  for (const file of recordsIn(runDir)) {
    const record = readRecord(file, schema);
    if (record && (await isAlive(record.identity))) {
      found.push(ensuredDefinition(record.name, record.url, record.file));
    } else if (record && (record.identity.bootId !== here.bootId || record.identity.pidNamespace === here.pidNamespace)) {
      removeIfPossible(file);
    }
  }
  return found;
}

function removeIfPossible(file: string): void {
  try {
    rmSync(file, { force: true });
  } catch {
    // The run folder is not writable: the record stays and is skipped each time.
  }
}

function recordsIn(runDir: string): string[] {
  if (stateRefusal(runDir, 'ensured') !== undefined) {
    return [];
  }
  const folder = join(runDir, 'shepherd', 'ensured');
  try {
    return readdirSync(folder)
      .slice(0, mostRecords)
      .map((name) => join(folder, name));
  } catch {
    // Nothing was ever ensured.
    return [];
  }
}
