/** A VS Code that can be had from npm alone, inside code-server. */
export type EditorVersion = {
  /** VS Code's own version */
  readonly vscode: string;
  readonly codeServer: string;
  /** Major version of the Node that it must run on; undefined: the one we run on. */
  readonly node?: number;
};

/** The newest VS Code that the project is developed against. */
export const current: EditorVersion = { vscode: '1.139.1', codeServer: '4.139.1' };

/** The oldest VS Code that the extension supports. Under Node 24 its file watcher crashes. */
export const floor: EditorVersion = { vscode: '1.103.2', codeServer: '4.103.2', node: 22 };

/** Both, by the names that the suites use. */
export const editors = { current, floor } as const;
