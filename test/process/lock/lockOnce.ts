// Tries a lock once, as whoever runs it, and says what came of it: `lockOnce.ts PATH`, or `lockOnce.ts --directory BASE` for the folder alone.
import { lockFile } from '../../../src/lock/kernelLock.ts';
import { openLockDirectory } from '../../../src/lock/lockDirectory.ts';

const [first = '', base = ''] = process.argv.slice(2);
if (first === '--directory') {
  console.log(JSON.stringify(openLockDirectory(base)));
} else {
  const { status, ...rest } = await lockFile(first);
  console.log(JSON.stringify({ status, reason: 'reason' in rest ? rest.reason : undefined }));
}
