// The package, made by vsce and installed by VS Code's own installer, in the oldest supported VS Code. The newest one: workbench.test.ts.
import { describe, it } from 'mocha';
import { floor } from '../../scripts/editor/editorVersion.ts';
import { installPackage } from './installPackage.ts';
import { openWorkbench } from './openWorkbench.ts';

describe('The package', function () {
  this.timeout(300_000);

  it(`installs in VS Code ${floor.vscode} and shows its status bar item there`, async () => {
    const workbench = await openWorkbench({ version: floor, bare: true, prepare: (places) => installPackage(floor, places) });
    try {
      await workbench.statusItem('servers').waitFor();
    } finally {
      await workbench.close();
    }
  });
});
