/** Every name that the manifest (`package.json`) and the code share. A unit test compares both. */

/** Commands that the extension registers. */
export const commands = {
  fixProblems: 'mcpShepherd.fixProblems',
  restartServer: 'mcpShepherd.restartServer',
  restartAllStale: 'mcpShepherd.restartAllStale',
  upgradeServer: 'mcpShepherd.upgradeServer',
  killDuplicatesAndOrphans: 'mcpShepherd.killDuplicatesAndOrphans',
  stopCopies: 'mcpShepherd.stopCopies',
  showServers: 'mcpShepherd.showServers',
  refresh: 'mcpShepherd.refresh',
  showLog: 'mcpShepherd.showLog',
  launchThroughGuard: 'mcpShepherd.launchThroughGuard',
  launchDirectly: 'mcpShepherd.launchDirectly',
  showOnlyProblems: 'mcpShepherd.showOnlyProblems',
  showAllServers: 'mcpShepherd.showAllServers',
  groupServers: 'mcpShepherd.groupServers',
  // While a change is shown.
  writeChange: 'mcpShepherd.writeChange',
  discardChange: 'mcpShepherd.discardChange',
  // For one server or instance, from the tree and from links; hidden from the palette.
  restartInstance: 'mcpShepherd.restartInstance',
  upgradeInstance: 'mcpShepherd.upgradeInstance',
  howToRestart: 'mcpShepherd.howToRestart',
  stopInstance: 'mcpShepherd.stopInstance',
  startServer: 'mcpShepherd.startServer',
  ignoreFinding: 'mcpShepherd.ignoreFinding',
  stopIgnoring: 'mcpShepherd.stopIgnoring',
  unmute: 'mcpShepherd.unmute',
  copyPid: 'mcpShepherd.copyPid',
  revealDefinition: 'mcpShepherd.revealDefinition',
  copyEntry: 'mcpShepherd.copyEntry',
  correctEntry: 'mcpShepherd.correctEntry',
  showDetails: 'mcpShepherd.showDetails',
  showEvidence: 'mcpShepherd.showEvidence',
  showOutput: 'mcpShepherd.showOutput',
  copyReport: 'mcpShepherd.copyReport',
} as const;

export type CommandName = (typeof commands)[keyof typeof commands];

/** VS Code's own commands for its MCP client. They are not public API, so the extension checks that each exists before it runs it. */
export const editorCommands = {
  stopServer: 'workbench.mcp.stopServer',
  startServer: 'workbench.mcp.startServer',
  showOutput: 'workbench.mcp.showOutput',
  /** Opens a picker. If the last used chat is a session of the Agent Host, it lists the servers of that session. */
  listServer: 'workbench.mcp.listServer',
} as const;

export const viewContainer = 'mcpShepherd';

export const views = { servers: 'mcpShepherd.servers' } as const;

/** Keys for `when` clauses, set with VS Code's `setContext`. */
export const contextKeys = {
  /** The first snapshot is there; before that, an empty tree means "not scanned yet". */
  surveyed: 'mcpShepherd.surveyed',
  /** The machine cannot be scanned. */
  failed: 'mcpShepherd.failed',
  /** At least one stale server can be restarted from this window. */
  staleHere: 'mcpShepherd.staleHere',
  /** A server or an entry needs attention. */
  needsAttention: 'mcpShepherd.needsAttention',
  /** The view shows only what needs attention. */
  onlyProblems: 'mcpShepherd.onlyProblems',
} as const;

export const settings = {
  notifications: 'mcpShepherd.notifications',
  notificationKinds: 'mcpShepherd.notificationKinds',
  restartStaleWhenIdle: 'mcpShepherd.restartStaleWhenIdle',
  showWhenCurrent: 'mcpShepherd.statusBar.showWhenCurrent',
  registryEnabled: 'mcpShepherd.registry.enabled',
  copiesMinimum: 'mcpShepherd.copies.minimum',
  copiesMemory: 'mcpShepherd.copies.memory',
  stormStarts: 'mcpShepherd.respawnStorm.starts',
  runawayMinutes: 'mcpShepherd.runaway.minutes',
  runawayMemory: 'mcpShepherd.runaway.memory',
} as const;

/** Scheme of the read-only documents that show the evidence. */
export const evidenceScheme = 'mcp-shepherd-evidence';

/** Type of the tab with the page of one server. */
export const webviewType = 'mcpShepherd.details';

/** Scheme of the proposed contents of files. */
export const previewScheme = 'mcp-shepherd-preview';

export const statusBarId = 'servers';
