// `node scripts/pictures.ts`, after the screen suite: copies the pictures of README and walkthrough from the screenshots of the tests.
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { outRoot, projectRoot } from './system/projectPaths.ts';

const inThemes = (names: readonly string[]): string[] => names.flatMap((name) => [`${name}-dark`, `${name}-light`]);
/** File names in `out/screens`, without the name of the folder in `media` in front. */
const pictures = {
  screens: [...inThemes(['view-stale', 'status-tooltip', 'notification', 'welcome', 'details']), 'stop-orphans'],
  walkthrough: inThemes(['problem', 'guard']),
} as const;

for (const [folder, names] of Object.entries(pictures)) {
  const target = join(projectRoot, 'media', folder);
  mkdirSync(target, { recursive: true });
  for (const name of names) {
    const source = folder === 'screens' ? name : `${folder}-${name}`;
    copyFileSync(join(outRoot, 'screens', `${source}.png`), join(target, `${name}.png`));
  }
  console.log(`${names.length} pictures in media/${folder}`);
}
