import { before } from 'mocha';

/** For the beginning of a suite's body: on other systems the suite is skipped, and says why. */
export function onlyOnLinux(reason: string): void {
  before(function () {
    if (process.platform !== 'linux') {
      console.log(`skipped: ${reason}`);
      this.skip();
    }
  });
}
