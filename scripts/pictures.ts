// `node scripts/pictures.ts`, after the screen suite: takes the pictures of README and walkthrough from the screenshots of the tests. Those of the walkthrough are in
// the package, so they become WebP, which is a third of the size. The recording of a restart becomes one animated WebP, of what changes from picture to picture.
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { launchBrowser } from './editor/launchBrowser.ts';
import { type AnimationFrame, animatedWebp } from './system/animatedWebp.ts';
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
    const context = canvas.getContext('2d', { alpha: false });
    context.drawImage(picture, 0, 0);
    // Without loss, in its 16 most frequent colours: a quarter of the size of a lossy one, and letters have sharp edges.
    const pixels = context.getImageData(0, 0, picture.width, picture.height);
    const colours = new Uint32Array(pixels.data.buffer);
    const counts = new Map();
    colours.forEach((colour) => counts.set(colour, (counts.get(colour) ?? 0) + 1));
    const kept = [...counts].sort((one, other) => other[1] - one[1]).slice(0, 16).map(([colour]) => colour);
    const distance = (one, other) => [0, 8, 16].reduce((sum, bit) => sum + ((one >> bit & 255) - (other >> bit & 255)) ** 2, 0);
    const nearest = new Map([...counts.keys()].map((colour) =>
      [colour, kept.reduce((best, one) => (distance(one, colour) < distance(best, colour) ? one : best))]));
    colours.forEach((colour, index) => { colours[index] = nearest.get(colour); });
    context.putImageData(pixels, 0, 0);
    return canvas.toDataURL('image/webp', 1);
  })()`);
  return Buffer.from(url.slice(url.indexOf(',') + 1), 'base64');
}

/** The recording is shown at this rate at most, frames per second; the last picture stays so long, ms. */
const [rate, lastMs] = [10, 2_000];

/** @param folder holds the pictures of a recording, each named by its time in ms */
async function recording(page: Page, folder: string): Promise<Buffer> {
  const all = readdirSync(folder)
    .sort()
    .map((name) => ({ at: Number.parseInt(name, 10), file: join(folder, name) }));
  // The last picture of each moment.
  const chosen = all.filter(
    ({ at }, index) => Math.floor(at / (1_000 / rate)) !== Math.floor((all[index + 1]?.at ?? Infinity) / (1_000 / rate)),
  );
  const frames: AnimationFrame[] = [];
  let size = { width: 0, height: 0 };
  for (const [index, { at, file }] of chosen.entries()) {
    const ms = (chosen[index + 1]?.at ?? at + lastMs) - at;
    const changed = await page.evaluate<null | {
      x: number;
      y: number;
      width: number;
      height: number;
      whole: typeof size;
      url: string;
    }>(`(async () => {
      const picture = await createImageBitmap(await (await fetch('data:image/png;base64,${readFileSync(file).toString('base64')}')).blob());
      const { width, height } = picture;
      const draw = (w, h, x, y) => {
        const canvas = Object.assign(document.createElement('canvas'), { width: w, height: h });
        const context = canvas.getContext('2d', { alpha: false, willReadFrequently: true });
        context.drawImage(picture, -x, -y);
        return { canvas, context };
      };
      const pixels = new Uint32Array(draw(width, height, 0, 0).context.getImageData(0, 0, width, height).data.buffer);
      const before = globalThis.shownPixels;
      globalThis.shownPixels = pixels;
      let [left, top, right, bottom] = before ? [width, height, -1, -1] : [0, 0, width - 1, height - 1];
      for (let at = 0; before && at < pixels.length; at += 1) {
        if (pixels[at] !== before[at]) {
          const [x, y] = [at % width, Math.floor(at / width)];
          [left, top, right, bottom] = [Math.min(left, x), Math.min(top, y), Math.max(right, x), Math.max(bottom, y)];
        }
      }
      if (right < 0) return null;
      const [x, y] = [left - (left % 2), top - (top % 2)];
      const part = { x, y, width: right - x + 1, height: bottom - y + 1 };
      return { ...part, whole: { width, height }, url: draw(part.width, part.height, x, y).canvas.toDataURL('image/webp', 0.8) };
    })()`);
    const last = frames.at(-1);
    if (changed) {
      size = changed.whole;
      const { x, y, width, height, url } = changed;
      frames.push({ x, y, width, height, ms, webp: Buffer.from(url.slice(url.indexOf(',') + 1), 'base64') });
    } else if (last) {
      frames[frames.length - 1] = { ...last, ms: last.ms + ms };
    }
  }
  return animatedWebp(size.width, size.height, frames);
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
  writeFileSync(media('screens', 'restart.webp'), await recording(page, join(outRoot, 'screens', 'restart')));
  for (const name of walkthrough) {
    writeFileSync(media('walkthrough', `${name}.webp`), await webp(page, readFileSync(shot(`walkthrough-${name}`))));
  }
} finally {
  await browser.close();
}
console.log(`${screens.length} pictures in media/screens, ${walkthrough.length} in media/walkthrough`);
