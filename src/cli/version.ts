import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import manifest from '../../package.json' with { type: 'json' };

/** The product's version, from its manifest. */
export const version: string = manifest.version;

/** Folder of the running bundle; the other bundles are beside it. */
export const programsFolder: string = dirname(fileURLToPath(import.meta.url));
