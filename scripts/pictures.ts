// `node scripts/pictures.ts`, after the screen suite: takes the pictures that the README shows from those that the tests made.
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { outRoot, projectRoot } from './system/projectPaths.ts';

/** Names in `out/screens`, as the tests call them. */
const pictures = [
  ...['view-stale', 'status-tooltip', 'notification', 'welcome'].flatMap((name) => [`${name}-dark`, `${name}-light`]),
  'kill-orphans',
];

const target = join(projectRoot, 'media', 'screens');
mkdirSync(target, { recursive: true });
for (const name of pictures) {
  copyFileSync(join(outRoot, 'screens', `${name}.png`), join(target, `${name}.png`));
}
console.log(`${pictures.length} pictures in media/screens`);
