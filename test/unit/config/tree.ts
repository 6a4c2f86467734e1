import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ConfigReading, type ConfigRoots, discoverDefinitions } from '../../../src/config/discovery/discoverDefinitions.ts';
import { formatNamed } from '../../../src/config/formats/formats.ts';
import type { Format } from '../../../src/config/formats/serverFile.ts';
import type { RawDefinition } from '../../../src/model/definition.ts';

/** A home directory and a project of their own, away from the machine's. */
export class Tree {
  readonly root = realpathSync(mkdtempSync(join(tmpdir(), 'shepherd-config-')));
  readonly home = join(this.root, 'home');
  readonly project = join(this.root, 'home', 'work', 'project');

  constructor() {
    mkdirSync(this.project, { recursive: true });
  }

  /** Copies a fixture; `@PROJECT@` and `@HOME@` in its files become the paths of this tree. */
  copy(fixture: string, to: string): void {
    cpSync(fileURLToPath(new URL(`../../fixtures/config/${fixture}`, import.meta.url)), to, { recursive: true });
    for (const name of readdirSync(to, { recursive: true, encoding: 'utf8' })) {
      const path = join(to, name);
      if (statSync(path).isFile()) {
        const text = readFileSync(path, 'utf8');
        if (/@(?:PROJECT|HOME)@/.test(text)) {
          writeFileSync(path, text.replaceAll('@PROJECT@', this.project).replaceAll('@HOME@', this.home));
        }
      }
    }
  }

  write(path: string, content: string | object): string {
    const full = join(this.root, path);
    mkdirSync(dirname(full), { recursive: true });
    writeFileSync(full, typeof content === 'string' ? content : JSON.stringify(content, undefined, 2));
    return full;
  }

  discover(changes: Partial<ConfigRoots> = {}): Promise<ConfigReading> {
    return discoverDefinitions({ home: this.home, platform: 'linux', env: {}, folders: [this.project], vscodeUserDirs: [], ...changes });
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

export function named(reading: ConfigReading, name: string): RawDefinition {
  const found = reading.definitions.filter((definition) => definition.name === name);
  if (found.length !== 1 || !found[0]) {
    throw new Error(`${found.length} definitions are named ${name}, of ${reading.definitions.map((item) => item.name).join(', ')}`);
  }
  return found[0];
}

export function names(reading: ConfigReading): string[] {
  return reading.definitions.map(({ name }) => name).sort();
}

/** A format of a JSON or TOML file. */
export function writableFormat(id: string): Format {
  const format = formatNamed(id);
  if (!format) {
    throw new Error(`no format ${id}`);
  }
  return format;
}
