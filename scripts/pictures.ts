// `node scripts/pictures.ts`, after the screen suite: copies the README's pictures from the screenshots of the tests.
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { outRoot, projectRoot } from './system/projectPaths.ts';

/** File names in `out/screens`. */
const pictures = [
  ...['view-stale', 'status-tooltip', 'notification', 'welcome'].flatMap((name) => [`${name}-dark`, `${name}-light`]),
  'stop-orphans',
];

const target = join(projectRoot, 'media', 'screens');
mkdirSync(target, { recursive: true });
for (const name of pictures) {
  copyFileSync(join(outRoot, 'screens', `${name}.png`), join(target, `${name}.png`));
}
console.log(`${pictures.length} pictures in media/screens`);
