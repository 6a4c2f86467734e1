// Run by tests as a program of its own, under another user or in another namespace: prints rows and details of the PIDs it is given as one
// line of JSON. An environment is printed as its number of variables.
import { ProcTable } from '../../../src/process/linux/procTable.ts';

const table = new ProcTable();
const rows = await table.list();
const answer = await Promise.all(
  process.argv.slice(2).map(async (argument) => {
    const row = rows.find((one) => one.pid === Number(argument));
    const detail = row && (await table.detail(row));
    return { row, detail: detail && { ...detail, environment: detail.environment?.size } };
  }),
);
console.log(JSON.stringify(answer));
