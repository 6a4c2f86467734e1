/** Variables by which clients and their servers are recognised, and the folders of XDG, which lead out of a replaced home. */
const marks =
  /^(?:CLAUDE|AI_AGENT|GEMINI_|OPENCODE|KILO|COPILOT_|QWEN_|CODEX_|CURSOR_|VSCODE_|ELECTRON_RUN_AS_NODE$|XDG_|MCP_(?!SHEPHERD_)|NODE_OPTIONS$)/;

/** The environment without the marks of the agent or editor from which a developer started us: child processes must not inherit them. */
export function withoutClientMarks(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !marks.test(name)));
}
