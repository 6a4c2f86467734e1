import { win32 } from 'node:path';
import type { RunProgram } from './runProgram.ts';

/** The folder of Windows' own programs. They are run by full path, because Windows searches the working directory first. */
export function systemFolder(env: Readonly<Record<string, string | undefined>>): string {
  return win32.join(env.SystemRoot ?? env.windir ?? 'C:\\Windows', 'System32');
}

/** Runs a script in Windows PowerShell. @param system from `systemFolder` @returns standard output @throws what `run` throws */
export function runPowerShell(run: RunProgram, system: string, script: string): Promise<string> {
  const shell = win32.join(system, 'WindowsPowerShell', 'v1.0', 'powershell.exe');
  const encoded = Buffer.from(script, 'utf16le').toString('base64');
  return run(shell, ['-NoLogo', '-NoProfile', '-NonInteractive', '-EncodedCommand', encoded]);
}

/** Parses the output of `ConvertTo-Json`. @throws when it is not JSON */
export function powerShellJson(text: string): unknown {
  return JSON.parse(text.replace(/^\uFEFF/, ''));
}

/** The items of a list. Some versions write a list of one item as the item itself, and Windows PowerShell 5 may wrap a list as `{ value, Count }`. */
export function powerShellList(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) {
    return value;
  }
  if (typeof value !== 'object' || value === null) {
    return [];
  }
  return 'value' in value && Array.isArray(value.value) ? value.value : [value];
}
