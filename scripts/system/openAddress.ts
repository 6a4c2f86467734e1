import { spawn } from 'node:child_process';
import { findOnPath } from '../editor/findBrowser.ts';

/**
 * Opens an address in the user's browser; does nothing without a desktop.
 *
 * @returns whether it was tried
 */
export function openAddress(url: string): boolean {
  const command = opener();
  if (!command) {
    return false;
  }
  const [program = '', ...rest] = command;
  const child = spawn(program, [...rest, url], { stdio: 'ignore', detached: true });
  child.once('error', () => {});
  child.unref();
  return true;
}

function opener(): string[] | undefined {
  switch (process.platform) {
    case 'darwin':
      return ['open'];
    case 'win32':
      return ['rundll32', 'url.dll,FileProtocolHandler'];
    default:
      return (process.env.DISPLAY || process.env.WAYLAND_DISPLAY) && findOnPath(['xdg-open']) ? ['xdg-open'] : undefined;
  }
}
