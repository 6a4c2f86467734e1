/**
 * Variables that differ between two sessions of one client and say nothing about the server: a lazy guard leaves them out of the key of its answers. A client's row
 * names its list; `terminal` has those of the window in which a client was started. A server whose answers depend on one of them is started with `--start eager`.
 */
export const sessionVariables = {
  'claude-code': [
    'CLAUDE_CODE_SESSION_ID',
    'CLAUDE_CODE_LAUNCHED_BY_SESSION_IDS',
    'CLAUDE_CODE_CHILD_NOTES_DIR',
    'CLAUDE_CODE_SSE_PORT',
    'CLAUDE_CODE_TMPDIR',
    'CLAUDE_PID',
  ],
  codex: ['CODEX_THREAD_ID', 'CODEX_SESSION_ID'],
  'copilot-cli': ['COPILOT_AGENT_SESSION_ID'],
  opencode: ['OPENCODE_PID', 'OPENCODE_RUN_ID', 'OPENCODE_SESSION_ID', 'OPENCODE_SERVER_PASSWORD'],
  kilo: ['KILO_PID', 'KILO_RUN_ID', 'KILO_SERVER_PASSWORD'],
  vscode: ['VSCODE_PID', 'VSCODE_IPC_HOOK', 'VSCODE_IPC_HOOK_CLI', 'VSCODE_GIT_IPC_HANDLE', 'VSCODE_HANDLES_UNCAUGHT_ERRORS'],
  terminal: [
    ...['_', 'SHLVL', 'OLDPWD', 'WINDOWID', 'COLUMNS', 'LINES', 'GPG_TTY', 'STY', 'WINDOW', 'TMUX', 'TMUX_PANE', 'XDG_SESSION_ID'],
    ...['TERM_SESSION_ID', 'ITERM_SESSION_ID', 'WT_SESSION', 'KITTY_WINDOW_ID', 'WEZTERM_PANE', 'SSH_TTY', 'SSH_CONNECTION', 'SSH_CLIENT'],
  ],
} as const satisfies Readonly<Record<string, readonly string[]>>;
