/**
 * Every name that the manifest (`package.json`) and the code share, written once. A unit test compares them with the manifest both ways.
 */

/** Commands that the extension registers. */
export const commands = {
  restartServer: 'mcpShepherd.restartServer',
  restartAllStale: 'mcpShepherd.restartAllStale',
  upgradeServer: 'mcpShepherd.upgradeServer',
  killDuplicatesAndOrphans: 'mcpShepherd.killDuplicatesAndOrphans',
  showServers: 'mcpShepherd.showServers',
  refresh: 'mcpShepherd.refresh',
  showLog: 'mcpShepherd.showLog',
  launchThroughGuard: 'mcpShepherd.launchThroughGuard',
  launchDirectly: 'mcpShepherd.launchDirectly',
  // Below: for one server or instance, from the tree and from links; hidden from the palette.
  restartInstance: 'mcpShepherd.restartInstance',
  upgradeInstance: 'mcpShepherd.upgradeInstance',
  howToRestart: 'mcpShepherd.howToRestart',
  stopInstance: 'mcpShepherd.stopInstance',
  copyPid: 'mcpShepherd.copyPid',
  revealDefinition: 'mcpShepherd.revealDefinition',
  showEvidence: 'mcpShepherd.showEvidence',
} as const;

export type CommandName = (typeof commands)[keyof typeof commands];

/** VS Code's own commands that drive its MCP client. They are no public API: each is looked for before it is used. */
export const editorCommands = {
  stopServer: 'workbench.mcp.stopServer',
  startServer: 'workbench.mcp.startServer',
  showOutput: 'workbench.mcp.showOutput',
  /** A picker; where the chat that was used last is a session of the Agent Host, it lists the servers of that session. */
  listServer: 'workbench.mcp.listServer',
} as const;

export const viewContainer = 'mcpShepherd';

export const views = { servers: 'mcpShepherd.servers' } as const;

/** Keys for `when` clauses, set with VS Code's `setContext`. */
export const contextKeys = {
  /** The first survey has come; before it, an empty tree means "not looked yet". */
  surveyed: 'mcpShepherd.surveyed',
  /** The machine cannot be surveyed at all. */
  failed: 'mcpShepherd.failed',
  /** At least one stale server can be restarted from this window. */
  staleHere: 'mcpShepherd.staleHere',
} as const;

export const settings = {
  notifications: 'mcpShepherd.notifications',
  showWhenCurrent: 'mcpShepherd.statusBar.showWhenCurrent',
  registryEnabled: 'mcpShepherd.registry.enabled',
} as const;

/** Scheme of the read-only documents that show the evidence. */
export const evidenceScheme = 'mcp-shepherd-evidence';

/** Scheme of files as they would be after a change. */
export const previewScheme = 'mcp-shepherd-preview';

export const statusBarId = 'servers';
