import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { FrameLocator, Locator, Page } from 'playwright-core';
import { readManifest } from '../../scripts/editor/stageExtension.ts';
import type { Editor } from '../../scripts/editor/startEditor.ts';
import { outRoot } from '../../scripts/system/projectPaths.ts';
import { waitFor } from '../../scripts/system/waitFor.ts';
import { type WorkbenchPlaces, waitForWorkbench } from './openWorkbench.ts';

type Parts = { readonly page: Page; readonly editor: Editor; readonly places: WorkbenchPlaces; readonly close: () => Promise<void> };

/** A part of the window, in pixels. */
type Clip = { readonly x: number; readonly y: number; readonly width: number; readonly height: number };

/** A window of VS Code as a user sees it. Every method waits for a condition, none for a fixed time. */
export class Workbench {
  readonly page: Page;
  readonly editor: Editor;
  readonly places: WorkbenchPlaces;
  /** Ends the browser and the editor with all its processes, and removes their folders. */
  readonly close: () => Promise<void>;

  constructor(parts: Parts) {
    this.page = parts.page;
    this.editor = parts.editor;
    this.places = parts.places;
    this.close = parts.close;
  }

  /** One of our status bar items. Its aria-label is what a screen reader says; classes `warning-kind`, `error-kind`. */
  statusItem(id: string): Locator {
    const { publisher, name } = readManifest();
    return this.page.locator(`[id="${publisher}.${name}.${id}"]`);
  }

  /** The activity-bar entry of a view container, by its title; a badge is in its aria-label ("title - badge tooltip") and `.badge-content`. */
  activity(title: string): Locator {
    return this.page.locator('.part.activitybar li.action-item', { has: this.page.locator(`a.action-label[aria-label^="${title}"]`) });
  }

  /** Shows a view container, by its title in the activity bar. */
  async openView(title: string): Promise<void> {
    const entry = this.activity(title);
    // It comes with the extension host, which a busy machine starts slowly.
    await entry.waitFor({ timeout: 120_000 });
    if (!(await entry.getAttribute('class'))?.includes('checked')) {
      await entry.click(); // the li, because a badge lies over its link
    }
    await this.page.locator('.part.sidebar .composite.title', { hasText: new RegExp(title, 'i') }).waitFor();
  }

  /** The rows of the tree in the side bar; with text: those that contain it. */
  rows(text?: string | RegExp): Locator {
    return this.page.locator('.part.sidebar .monaco-list-row', text === undefined ? {} : { hasText: text });
  }

  /** What a screen reader says for each row that is on screen. */
  async rowLabels(): Promise<string[]> {
    return this.rows().evaluateAll((rows) => rows.map((row) => row.getAttribute('aria-label') ?? ''));
  }

  /** Clicks an inline action of a row, by the title of its command. */
  async rowAction(row: Locator, title: string): Promise<void> {
    const action = row.locator(`a.action-label[aria-label="${title}"]`);
    // A row that is drawn again below the pointer hides its actions until the pointer moves.
    await waitFor(`the row to take "${title}"`, async () => {
      await this.page.mouse.move(0, 0);
      await row.hover();
      return action.click({ timeout: 5_000 }).then(
        () => true,
        () => false,
      );
    });
  }

  /** Chooses from the context menu of a row. It selects the row first, else VS Code may pass no element to the command, and keeps its expansion. */
  async rowMenu(row: Locator, item: string): Promise<void> {
    const open = await row.getAttribute('aria-expanded');
    await row.click();
    if (open !== null) {
      await waitFor('the row to be as it was', async () => {
        if ((await row.getAttribute('aria-expanded')) === open) {
          return true;
        }
        await this.page.keyboard.press(open === 'true' ? 'ArrowRight' : 'ArrowLeft');
        return false;
      });
    }
    const entry = this.page.locator('.monaco-menu a.action-menu-item', { hasText: item });
    // A menu that has just opened takes no click for its first 100 ms, and the document that a click on the row opens takes the focus, which closes a menu.
    await waitFor(`the menu to take "${item}"`, async () => {
      if ((await entry.count()) === 0) {
        await row.click({ button: 'right' });
      }
      return entry
        .click({ timeout: 5_000 })
        .then(() => entry.waitFor({ state: 'hidden', timeout: 5_000 }))
        .then(
          () => true,
          () => false,
        );
    });
  }

  /** Runs a command from the palette, by its full title ("Category: Title"). */
  async palette(command: string): Promise<void> {
    const input = this.page.locator('.quick-input-widget input.input');
    const row = this.page.locator(`.quick-input-list .monaco-list-row[aria-label^="${command}"]`).first();
    // The palette closes when an editor that is just opening takes the focus.
    await waitFor(`the palette to offer ${command}`, async () => {
      if (!(await input.isVisible())) {
        await this.page.keyboard.press('F1');
      }
      return input
        .fill(`>${command}`, { timeout: 2_000 })
        .then(() => row.click({ timeout: 4_000 }))
        .then(
          () => true,
          () => false,
        );
    });
  }

  /** Hides the panel below the editors, if it is open. */
  async hidePanel(): Promise<void> {
    if (await this.page.locator('.part.panel').isVisible()) {
      await this.palette('View: Hide Panel');
    }
  }

  /** The entries of an open quick pick. */
  picks(text?: string | RegExp): Locator {
    return this.page.locator('.quick-input-list .monaco-list-row', text === undefined ? {} : { hasText: text });
  }

  /** Opens a list and returns one of its entries. The list closes when an editor or a page that is just opening takes the focus: then it is opened again. */
  async openPicks(open: () => Promise<unknown>, text: string): Promise<Locator> {
    const row = this.picks(text).first();
    await waitFor(`the list to offer ${text}`, async () => {
      await open();
      return row.waitFor({ timeout: 5_000 }).then(
        () => true,
        () => false,
      );
    });
    return row;
  }

  /** Notification toasts; with text: those that contain it. Buttons in them: `a.monaco-button`. */
  notifications(text?: string | RegExp): Locator {
    return this.page.locator('.notification-toast', text === undefined ? {} : { hasText: text });
  }

  /** Waits for a notification in the list of notifications. A toast disappears by itself, and of several at once some are not shown as toasts. */
  async told(text: string): Promise<void> {
    const list = this.page.locator('.notifications-center');
    const item = list.locator('.notification-list-item', { hasText: text }).first();
    // The list closes when its last notification is removed, as the question is that a button has just answered. Then it is opened again.
    await waitFor(`the notification "${text}"`, async () => {
      if (!(await list.isVisible())) {
        await this.palette('Notifications: Show Notifications');
      }
      return item.waitFor({ timeout: 2_000 }).then(
        () => true,
        () => false,
      );
    }).catch(async (error: unknown) => {
      throw new Error(`There is no notification "${text}", but: ${(await list.allTextContents()).join(' | ')}`, { cause: error });
    });
    await this.page.keyboard.press('Escape');
    await list.waitFor({ state: 'hidden' });
  }

  /** A notification: its toast or, where VS Code has hidden that after some seconds, its entry in the list of notifications, which is open then. */
  async notice(text: string | RegExp): Promise<Locator> {
    const toast = this.notifications(text).first();
    const listed = this.page.locator('.notifications-center .notification-list-item', { hasText: text }).first();
    const shows = (one: Locator, timeout: number): Promise<boolean> =>
      one.waitFor({ timeout }).then(
        () => true,
        () => false,
      );
    return waitFor(`the notification ${text}`, async () => {
      if (await shows(toast, 15_000)) {
        return toast;
      }
      await this.palette('Notifications: Show Notifications');
      return (await shows(listed, 5_000)) ? listed : undefined;
    });
  }

  /** Presses a button of a notification, of the newest if several fit: older ones may still be there. */
  async answerNotification(text: string | RegExp, button: string): Promise<void> {
    await (await this.notice(text)).locator('a.monaco-button', { hasText: button }).click();
    if (await this.page.locator('.notifications-center').isVisible()) {
      await this.palette('Notifications: Hide Notifications');
    }
  }

  /** Clicks a link in the text of a notification, again while it stays: a toast that is still being drawn takes the click and does nothing. */
  async answerLink(text: string, link: string): Promise<void> {
    const notice = await this.notice(text);
    await waitFor(`the notification to take "${link}"`, async () => {
      await notice
        .locator('a', { hasText: link })
        .click({ timeout: 2_000 })
        .catch(() => undefined);
      return notice.waitFor({ state: 'detached', timeout: 3_000 }).then(
        () => true,
        () => false,
      );
    });
  }

  /** Moves the mouse over something and returns its hover card, visible. Command links in it: `a[data-href^="command:"]`. */
  async hover(target: Locator): Promise<Locator> {
    const card = this.page.locator('.monaco-hover:visible').last();
    await waitFor('the hover card', async () => {
      // A hover that begins while the window is busy shows no card: try again.
      await this.page.mouse.move(700, 300);
      await target.hover();
      return card.waitFor({ timeout: 3_000 }).then(
        () => true,
        () => false,
      );
    });
    return card;
  }

  /** Waits for the extension with this display name to be listed as activated, and returns its line ("Activation: 22ms"). */
  async activation(displayName: string): Promise<string> {
    await this.palette('Developer: Show Running Extensions');
    const list = this.page.locator('.runtime-extensions-editor');
    await list.locator('.monaco-list-row').first().waitFor();
    const row = list.locator('.monaco-list-row', { has: this.page.locator('.name', { hasText: displayName }) });
    // The list is virtual: it holds only the visible rows, so search it page by page.
    const keys = ['PageDown', 'PageDown', 'PageDown', 'PageDown', 'Home'];
    let looks = 0;
    const line = await waitFor(`${displayName} to be listed as running`, async () => {
      // Read in one step: a row that the list takes away between two steps would be waited for in vain.
      const texts = await row.locator('.activation-time').allTextContents();
      if (texts.length === 0) {
        await list.locator('.monaco-list').first().focus();
        await this.page.keyboard.press(keys[looks++ % keys.length] ?? 'Home');
      }
      return texts.find((text) => text.includes('ms'));
    });
    await this.palette('View: Close All Editors');
    await list.waitFor({ state: 'detached' });
    return line;
  }

  /** Switches the theme of the live window and waits until it shows. */
  async theme(scheme: 'light' | 'dark'): Promise<void> {
    await this.page.emulateMedia({ colorScheme: scheme });
    await this.page.locator(`.monaco-workbench.${scheme === 'dark' ? 'vs-dark' : 'vs'}`).waitFor();
  }

  /** The content of the page of a server. */
  details(): FrameLocator {
    return this.page.frameLocator('iframe.webview.ready').frameLocator('#active-frame');
  }

  /** Makes the side bar wide enough for long rows, for the pictures. */
  async widenSideBar(): Promise<void> {
    const bar = await this.page.locator('.part.sidebar').boundingBox();
    const edge = (bar?.x ?? 0) + (bar?.width ?? 0);
    await this.page.mouse.move(edge, 400);
    await this.page.mouse.down();
    await this.page.mouse.move(edge + 130, 400, { steps: 5 });
    await this.page.mouse.up();
  }

  /** A picture of the window, or of a part of it, in out/screens/. */
  async screenshot(name: string, part?: Locator | Clip): Promise<string> {
    const folder = join(outRoot, 'screens');
    mkdirSync(folder, { recursive: true });
    const path = join(folder, `${name}.png`);
    const isClip = part !== undefined && 'width' in part;
    await (isClip || !part ? this.page : part).screenshot({ path, animations: 'disabled', ...(isClip ? { clip: part } : {}) });
    return path;
  }

  /** Reloads the window like "Developer: Reload Window": it gets a new extension host without MCP servers. */
  async reload(): Promise<void> {
    await this.page.reload();
    await waitForWorkbench(this.page);
  }
}
