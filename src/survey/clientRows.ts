import { recogniseClient } from '../config/clientProcess.ts';
import { byWords } from '../process/byWords.ts';

/** Which client a process is (`recogniseClient`), asked for every process at every look. */
export const clientRow = byWords(recogniseClient);
