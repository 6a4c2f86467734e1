// Tries a lock once, as the user who runs it, and prints the result: `lockOnce.ts PATH`, or `lockOnce.ts --directory BASE` for the folder only.
import { lockFile } from '../../../src/lock/kernelLock.ts';
import { openLockDirectory } from '../../../src/lock/lockDirectory.ts';

const [first = '', base = ''] = process.argv.slice(2);
if (first === '--directory') {
  console.log(JSON.stringify(openLockDirectory(base)));
} else {
  const { status, ...rest } = await lockFile(first);
  console.log(JSON.stringify({ status, reason: 'reason' in rest ? rest.reason : undefined }));
}
