import manifest from '../../package.json' with { type: 'json' };

/** The version of MCP Shepherd, from its manifest. */
export const productVersion: string = manifest.version;
