import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Folder of the bundle that runs; the others lie beside it. */
export const programsFolder: string = dirname(fileURLToPath(import.meta.url));
