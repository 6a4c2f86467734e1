/** The page of `mcp-shepherd guard --help`. The options stand in `guardOptions.ts`; docs/guard.md says more. */
export const guardHelp = `Usage: mcp-shepherd guard [OPTIONS] -- COMMAND [ARGUMENTS]
       mcp-shepherd guard --http …   for a server that speaks HTTP: see guard --http --help

Starts an MCP server and stands between it and its client. Messages pass unchanged;
the server can be restarted without the client noticing.

Options
  --lock path:DIR|port:N|name:X   only one server may use this resource at a time; repeatable
  --on-conflict MODE              when it is in use: refuse (default), read-only, wait[=SECONDS],
                                  warn, takeover[=force]
  --on-stale MODE                 when the server runs other code than is installed: refuse-writes
                                  (default), warn, refuse, restart, off
  --write-tools A,B               these tools write, whatever they say of themselves
  --read-tools A,B                these tools only read
  --grace SECONDS                 time for the server to end by itself (default 10)
  --drain SECONDS                 how long a restart waits for calls under way (default 30)
  --overlap                       a restart starts the new server before it ends the old one
  --update-note                   tell once in a session when a newer version is known
  --record-only                   publish a record and pass the client's pipes to the server
  --name NAME                     the server's name in messages
  --run-dir DIR                   instead of ~/.mcp-run

Signals
  SIGUSR2 restarts the server; SIGHUP, SIGINT and SIGTERM go on to it and end it.

Exit codes
  the server's own; 75 when the resource is in use; 2 for wrong usage
`;
