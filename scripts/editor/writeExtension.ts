import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The part of a manifest in which small extensions of our own differ. */
export interface SmallExtension {
  readonly publisher: string;
  readonly name: string;
  /** Source of its CommonJS module, which VS Code loads once a window has started. */
  readonly main: string;
  readonly manifest?: object;
}

/** Writes an extension of one module into the folder of an editor's extensions. @returns its folder */
export function writeExtension(extensionsDir: string, { publisher, name, main, manifest }: SmallExtension): string {
  const folder = join(extensionsDir, `${publisher}.${name}-1.0.0`);
  mkdirSync(folder, { recursive: true });
  const base = { name, publisher, version: '1.0.0', engines: { vscode: '^1.103.0' }, main: './main.cjs' };
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ ...base, activationEvents: ['onStartupFinished'], ...manifest }));
  writeFileSync(join(folder, 'main.cjs'), main);
  return folder;
}
