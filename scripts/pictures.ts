// `node scripts/pictures.ts`, after the screen suite: takes the pictures of README and walkthrough from the screenshots of the tests. Those of the walkthrough are in
// the package, so they become WebP, which is a third of the size.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { launchBrowser } from './editor/launchBrowser.ts';
import { outRoot, projectRoot } from './system/projectPaths.ts';

const inThemes = (names: readonly string[]): string[] => names.flatMap((name) => [`${name}-dark`, `${name}-light`]);
const screens = [...inThemes(['view-stale', 'status-tooltip', 'notification', 'welcome', 'details']), 'stop-orphans'];
const walkthrough = inThemes(['problem', 'guard']);

const shot = (name: string): string => join(outRoot, 'screens', `${name}.png`);
const media = (folder: string, name: string): string => join(projectRoot, 'media', folder, name);

async function webp(page: Page, png: Buffer): Promise<Buffer> {
  const url = await page.evaluate<string>(`(async () => {
    const picture = await createImageBitmap(await (await fetch('data:image/png;base64,${png.toString('base64')}')).blob());
    const canvas = Object.assign(document.createElement('canvas'), { width: picture.width, height: picture.height });
    canvas.getContext('2d').drawImage(picture, 0, 0);
    return canvas.toDataURL('image/webp', 0.75);
  })()`);
  return Buffer.from(url.slice(url.indexOf(',') + 1), 'base64');
}

for (const folder of ['screens', 'walkthrough']) {
  mkdirSync(media(folder, ''), { recursive: true });
}
for (const name of screens) {
  copyFileSync(shot(name), media('screens', `${name}.png`));
}
const browser = await launchBrowser();
try {
  const page = await browser.newPage();
  for (const name of walkthrough) {
    writeFileSync(media('walkthrough', `${name}.webp`), await webp(page, readFileSync(shot(`walkthrough-${name}`))));
  }
} finally {
  await browser.close();
}
console.log(`${screens.length} pictures in media/screens, ${walkthrough.length} in media/walkthrough`);
