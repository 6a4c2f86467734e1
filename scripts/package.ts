// `npm run package`: builds and makes the VSIX; prints what is in it and how big it is.
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { createVSIX } from '@vscode/vsce';
import { packagedFiles } from './editor/packagedFiles.ts';
import { readManifest } from './editor/stageExtension.ts';
import { buildBundles } from './system/buildBundles.ts';
import { printProgress, timed } from './system/progress.ts';
import { projectRoot } from './system/projectPaths.ts';
import { runScript } from './system/runScript.ts';
import { vsixOptions } from './system/vsixOptions.ts';

const kilobytes = (path: string): string => `${(statSync(path).size / 1024).toFixed(1)} kB`;

await runScript(async () => {
  const { name, version } = readManifest();
  const vsix = join(projectRoot, `${name}-${version}.vsix`);
  await timed('Building', printProgress, buildBundles);
  await timed('Packaging', printProgress, () => createVSIX({ cwd: projectRoot, packagePath: vsix, ...vsixOptions }));
  for (const file of packagedFiles()) {
    console.log(`${kilobytes(join(projectRoot, file)).padStart(12)}  ${file}`);
  }
  console.log(`${kilobytes(vsix).padStart(12)}  ${vsix}`);
});
