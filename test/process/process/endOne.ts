// Run by a test as another user: tries to end one process, and prints what became of it.

import { ProcTable } from '../../../src/process/linux/procTable.ts';
import { systemTerminator, terminateTree } from '../../../src/process/terminateTree.ts';

const table = new ProcTable();
const row = (await table.list()).find((one) => one.pid === Number(process.argv[2]));
if (row) {
  console.log(
    JSON.stringify(await terminateTree({ server: row.identity, launchers: [], objection: () => undefined }, systemTerminator(table))),
  );
}
