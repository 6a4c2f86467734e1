// `npm run package`: builds, makes the VSIX and the npm package of the command line, and prints contents and sizes.
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { createVSIX } from '@vscode/vsce';
import { packagedFiles } from './editor/packagedFiles.ts';
import { readManifest } from './editor/stageExtension.ts';
import { packCli } from './system/packCli.ts';
import { printProgress, timed } from './system/progress.ts';
import { projectRoot } from './system/projectPaths.ts';
import { runScript } from './system/runScript.ts';

const kilobytes = (path: string): string => `${(statSync(path).size / 1024).toFixed(1)} kB`;

await runScript(async () => {
  const { name, version } = readManifest();
  const vsix = join(projectRoot, `${name}-${version}.vsix`);
  await timed('Building and packaging', printProgress, () => createVSIX({ cwd: projectRoot, packagePath: vsix }));
  const tarball = await packCli(projectRoot);
  for (const file of packagedFiles()) {
    console.log(`${kilobytes(join(projectRoot, file)).padStart(12)}  ${file}`);
  }
  console.log(`${kilobytes(vsix).padStart(12)}  ${vsix}`);
  console.log(`${kilobytes(tarball).padStart(12)}  ${tarball}`);
});
