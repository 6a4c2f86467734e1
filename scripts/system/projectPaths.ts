import { join, resolve } from 'node:path';

/** Root folder of the checkout. */
export const projectRoot = resolve(import.meta.dirname, '..', '..');

/** Editors, browsers and npm's downloads, kept between runs. Git ignores it; deleting it only costs time. */
export const cacheRoot = join(projectRoot, '.vscode-test');

/** Screenshots and result files of the tests. Git ignores it. */
export const outRoot = join(projectRoot, 'out');
