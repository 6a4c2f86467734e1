/**
 * The launcher runs us by an editor's own program where there is no other Node, and says so. The variable by which that program becomes Node is no
 * concern of the server, which may be an editor's program itself.
 */
export function forgetEditor(env: NodeJS.ProcessEnv): void {
  if (env.MCP_SHEPHERD_ELECTRON === '1') {
    delete env.ELECTRON_RUN_AS_NODE;
  }
  delete env.MCP_SHEPHERD_ELECTRON;
}
