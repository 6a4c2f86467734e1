import { recogniseClient } from '../../clients/recogniseClient.ts';
import type { ClientId, RawDefinition } from '../../model/definition.ts';
import type { HealthNote } from '../../model/entryHealth.ts';
import { identityKey, type ProcessDetail, type ProcessRow } from '../../model/process.ts';
import { redactorOf } from '../../redaction/definitionRedactor.ts';
import { statPath } from '../../storage/boundedFile.ts';
import type { HealthFacts, PathContent } from './healthFacts.ts';
import { judgeHealth } from './judgeHealth.ts';

/** Judges entries anew only when the configuration was read again, or other clients run. */
export class HealthReader {
  readonly #machine: Omit<HealthFacts, 'running' | 'look'>;
  #definitions: readonly RawDefinition[] | undefined;
  #clients = '';
  #notes: readonly HealthNote[] = [];

  constructor(machine: Omit<HealthFacts, 'running' | 'look'>) {
    this.#machine = machine;
  }

  async read(
    definitions: readonly RawDefinition[],
    rows: readonly ProcessRow[],
    detail: (row: ProcessRow) => Promise<ProcessDetail>,
  ): Promise<readonly HealthNote[]> {
    const owners = new Set(definitions.flatMap(({ readBy }) => readBy));
    const clients = rows.flatMap((row) => {
      const id = recogniseClient(row);
      return id !== undefined && owners.has(id) ? [{ id, row }] : [];
    });
    const key = clients.map(({ row }) => identityKey(row.identity)).join(' ');
    if (definitions !== this.#definitions || key !== this.#clients) {
      const running = new Map<ClientId, ReadonlyMap<string, string>[]>();
      for (const { id, row } of clients) {
        const { environment, elsewhere } = await detail(row);
        if (environment !== undefined && elsewhere === undefined) {
          running.set(id, [...(running.get(id) ?? []), environment]);
        }
      }
      this.#notes = judgeHealth(
        definitions,
        { ...this.#machine, running, look: contentOf(this.#machine.platform) },
        redactorOf(definitions),
      );
      this.#definitions = definitions;
      this.#clients = key;
    }
    return this.#notes;
  }
}

/** Asks the file system once for each path. */
function contentOf(platform: NodeJS.Platform): HealthFacts['look'] {
  const known = new Map<string, PathContent>();
  return (path) => {
    const content = known.get(path) ?? statContent(path, platform);
    known.set(path, content);
    return content;
  };
}

function statContent(path: string, platform: NodeJS.Platform): PathContent {
  const seen = statPath(path);
  if (seen.status !== 'ok') {
    return seen.status === 'absent' ? 'absent' : 'unknown';
  }
  const { stat } = seen;
  return stat.isDirectory()
    ? 'folder'
    : !stat.isFile()
      ? 'unknown'
      : platform === 'win32' || (stat.mode & 0o111) !== 0
        ? 'program'
        : 'file';
}
