import { type Browser, chromium } from 'playwright-core';
import { type Progress, printProgress } from '../system/progress.ts';
import { findBrowser } from './findBrowser.ts';

/** For a machine without a desktop or GPU, also as root; the browser makes no requests of its own. */
const browserArguments = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Starts a headless Chromium with a temporary profile, which `close()` removes. */
export async function launchBrowser(env: NodeJS.ProcessEnv = process.env, progress: Progress = printProgress): Promise<Browser> {
  const given = Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined));
  return chromium.launch({ executablePath: await findBrowser(progress), args: browserArguments, env: given });
}
