import { join, resolve } from 'node:path';

/** The checkout's root folder. */
export const projectRoot = resolve(import.meta.dirname, '..', '..');

/** Where editors, browsers and npm's downloads are kept between runs. Git ignores it; deleting it costs only time. */
export const cacheRoot = join(projectRoot, '.vscode-test');

/** Where tests leave what a person may want to look at (screenshots, result files). Git ignores it. */
export const outRoot = join(projectRoot, 'out');
