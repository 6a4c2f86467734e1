import type { ClientRow } from './clientDescription.ts';

/** Clients of no other family that are recognised as processes; their configuration files are not read yet. */
export const otherClients: readonly ClientRow[] = [
  {
    id: 'amazon-q',
    name: 'Amazon Q',
    files: [],
    processes: [{ program: /^(qchat|q)$/, path: /\/amazon-q\/|\/\.local\/bin\/q(chat)?$/ }],
    copies: 'one',
    restartStep: 'End this Amazon Q session and start it again: NAME starts with it.',
  },
  {
    id: 'crush',
    name: 'Crush',
    files: [],
    processes: [{ program: /^crush$/ }],
    copies: 'one',
    restartStep:
      'Nothing to do in Crush once NAME has ended: Crush starts it again at the next call. Otherwise end Crush and start it again.',
  },
  {
    id: 'droid',
    name: 'Factory Droid',
    files: [],
    processes: [{ program: /^droid$/ }],
    copies: 'one',
    restartStep: 'End this Droid session and start it again: NAME starts with it.',
  },
  {
    id: 'lm-studio',
    name: 'LM Studio',
    files: [],
    processes: [{ path: /\/LM[ -]Studio(\.app|\/)/i }],
    copies: 'one',
    restartStep: 'In LM Studio open the chat’s integrations and choose “Force restart” for NAME.',
  },
];
