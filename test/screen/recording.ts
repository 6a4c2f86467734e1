import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Locator, Page } from 'playwright-core';
import { outRoot } from '../../scripts/system/projectPaths.ts';

/** How long a state of the window stays to be read, ms. Only recordings wait so: the delay is their subject. */
export const readingMs = 1_400;

/**
 * Records the window as pictures in `out/screens/NAME`, each named by its time in ms; `scripts/pictures.ts` makes one animation of them. A browser without a screen draws no
 * mouse pointer, so one is added to the page.
 */
export async function record(page: Page, name: string, act: () => Promise<void>): Promise<void> {
  const folder = join(outRoot, 'screens', name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  await showPointer(page);
  const session = await page.context().newCDPSession(page);
  let first: number | undefined;
  session.on('Page.screencastFrame', ({ data, metadata, sessionId }) => {
    const at = (metadata.timestamp ?? 0) * 1_000;
    first ??= at;
    writeFileSync(join(folder, `${String(Math.round(at - first)).padStart(6, '0')}.png`), Buffer.from(data, 'base64'));
    session.send('Page.screencastFrameAck', { sessionId }).catch(() => undefined);
  });
  await session.send('Page.startScreencast', { format: 'png', everyNthFrame: 1 });
  try {
    await act();
  } finally {
    await session.send('Page.stopScreencast');
    await session.detach();
    await page.evaluate('document.getElementById("recorded-pointer")?.remove()');
  }
}

/** Moves the pointer there as a hand does. */
export async function glideTo(page: Page, target: Locator): Promise<void> {
  const box = await target.boundingBox();
  if (box) {
    await page.mouse.move(box.x + Math.min(box.width / 2, 40), box.y + box.height / 2, { steps: 12 });
  }
}

/** Stays for a reader. */
export function stay(ms: number = readingMs): Promise<void> {
  return new Promise((done) => setTimeout(done, ms));
}

async function showPointer(page: Page): Promise<void> {
  await page.evaluate(`(() => {
    const svg = 'http://www.w3.org/2000/svg';
    const pointer = document.createElementNS(svg, 'svg');
    pointer.id = 'recorded-pointer';
    for (const [name, value] of [['width', '18'], ['height', '24'], ['viewBox', '0 0 18 24']]) pointer.setAttribute(name, value);
    const arrow = document.createElementNS(svg, 'path');
    for (const [name, value] of [['d', 'M1 1 L1 19 L6 15 L9 22 L12 21 L9 14 L15 14 Z'], ['fill', 'white'], ['stroke', 'black']]) arrow.setAttribute(name, value);
    pointer.append(arrow);
    Object.assign(pointer.style, { position: 'fixed', left: '700px', top: '300px', zIndex: '1000000', pointerEvents: 'none' });
    document.body.append(pointer);
    addEventListener('mousemove', ({ clientX, clientY }) => Object.assign(pointer.style, { left: clientX + 'px', top: clientY + 'px' }), true);
  })()`);
}
