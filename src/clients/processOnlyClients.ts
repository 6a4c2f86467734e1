import type { ClientRow } from './clientDescription.ts';

const perWindow = (name: string): string => `${name} can start a copy for each window.`;

/** Clients that are recognised as processes; their configuration files are not read yet. */
export const processOnlyClients: readonly ClientRow[] = [
  {
    id: 'kilo',
    name: 'Kilo Code',
    sessionsAfterRestart: 'lost',
    files: [],
    copies: 'Kilo Code starts one copy for each directory that it works in.',
    restartStep: 'In Kilo Code open the settings of its MCP servers and press the restart button of NAME.',
  },
  {
    id: 'antigravity',
    name: 'Antigravity',
    files: [],
    copies: 'Antigravity starts one copy for each workspace and conversation.',
    restartStep: 'In Antigravity open “Manage MCP Servers” and switch NAME off and on again.',
  },
  {
    id: 'windsurf',
    name: 'Windsurf',
    files: [],
    copies: perWindow('Windsurf'),
    restartStep: 'In Windsurf open the list of its MCP servers and press Refresh: NAME and the others start afresh.',
  },
  {
    id: 'zed',
    name: 'Zed',
    files: [],
    copies: 'Zed starts one copy for each project.',
    restartStep: 'In Zed run the action “context server: restart” and pick NAME.',
  },
  {
    id: 'kiro',
    name: 'Kiro',
    files: [],
    copies: perWindow('Kiro'),
    restartStep: 'In Kiro open the list of its MCP servers and reconnect NAME; on the command line start a new session.',
  },
  {
    id: 'trae',
    name: 'Trae',
    files: [],
    copies: perWindow('Trae'),
    restartStep: 'In Trae open the list of its MCP servers and switch NAME off and on again.',
  },
  {
    id: 'amazon-q',
    name: 'Amazon Q',
    files: [],
    copies: 'one',
    restartStep: 'End this Amazon Q session and start it again: NAME starts with it.',
  },
  {
    id: 'crush',
    name: 'Crush',
    files: [],
    copies: 'one',
    restartStep:
      'Nothing to do in Crush once NAME has ended: it starts its servers again at the next call. Else end Crush and start it again.',
  },
  {
    id: 'droid',
    name: 'Factory Droid',
    files: [],
    copies: 'one',
    restartStep: 'End this Droid session and start it again: NAME starts with it.',
  },
  { id: 'goose', name: 'Goose', files: [], copies: 'one', restartStep: 'End this Goose session and start it again: NAME starts with it.' },
  {
    id: 'lm-studio',
    name: 'LM Studio',
    files: [],
    copies: 'one',
    restartStep: 'In LM Studio open the chat’s integrations and choose “Force restart” for NAME.',
  },
];
