/** By these, clients and the servers that they start are told apart; the folders of XDG lead out of a replaced home. */
const marks =
  /^(?:CLAUDE|AI_AGENT|GEMINI_|OPENCODE|KILO|COPILOT_|QWEN_|CODEX_|CURSOR_|VSCODE_|ELECTRON_RUN_AS_NODE$|XDG_|MCP_(?!SHEPHERD_)|NODE_OPTIONS$)/;

/** The environment without the marks of the agent or editor that a developer may have started us from: they must not leak into what we start. */
export function withoutClientMarks(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !marks.test(name)));
}
