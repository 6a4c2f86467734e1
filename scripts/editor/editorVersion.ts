/** A VS Code that npm provides as part of code-server. */
export type EditorVersion = {
  /** VS Code's own version */
  readonly vscode: string;
  readonly codeServer: string;
  /** Major version of the Node that it needs; undefined: the Node that runs this. */
  readonly node?: number;
};

/** The newest VS Code that the project is developed against. */
export const current: EditorVersion = { vscode: '1.139.1', codeServer: '4.139.1' };

/** The oldest VS Code that the extension supports. Its file watcher crashes under Node 24. */
export const floor: EditorVersion = { vscode: '1.103.2', codeServer: '4.103.2', node: 22 };

/** Both, by the names that the suites use. */
export const editors = { current, floor } as const;
