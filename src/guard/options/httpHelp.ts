/** The page of `mcp-shepherd guard --http --help`. The options stand in `httpOptions.ts`; docs/guard-http.md says more. */
export const httpHelp = `Usage: mcp-shepherd guard --http --listen [HOST:]PORT --upstream URL [OPTIONS]
       mcp-shepherd guard --http --listen [HOST:]PORT [OPTIONS] -- COMMAND [ARGUMENTS]

Stands in front of an MCP server that speaks HTTP. The sessions of its clients survive
restarts of the server and of the guard itself.

Options
  --listen [HOST:]PORT            where clients connect; HOST is 127.0.0.1
  --upstream URL                  where the server listens; paths are passed on as they are
  --port-env NAME                 the started server reads its port from this variable;
                                  or write {port} into its arguments
  --unknown-session recover|404   what becomes of a session id that was not issued here
                                  (default recover: it is set up anew, for its credential)
  --on-stale MODE                 when the server runs other code than is installed: refuse-writes
                                  (default), warn, refuse, restart, off
  --overlap                       a restart starts the new server before it ends the old one
  --ensure NAME                   a server behind --upstream is restarted as "mcp-shepherd ensure NAME"
                                  does it, by mcp-shepherd.json in this folder
  --server-version VERSION        what /health says where no package tells a version
  --write-tools A,B               these tools write, whatever they say of themselves
  --read-tools A,B                these tools only read
  --lock path:DIR|port:N|name:X   only one server may use this resource at a time; repeatable
  --on-conflict MODE              when it is in use: refuse (default), wait[=SECONDS], warn
  --wait SECONDS                  how long a request waits for a server that is away (default 30)
  --drain SECONDS                 how long a restart waits for calls under way (default 30)
  --grace SECONDS                 time for the server to end by itself (default 10)
  --body-timeout SECONDS          time for the body of a request, beyond which it has to come with
                                  1 kB a second (default 30)
  --max-sessions N                sessions that are remembered (default 1000)
  --session-idle SECONDS          an idle session is forgotten after this time (default 86400)
  --allow-host A,B                names beside localhost by which clients may reach the guard
  --allow-origin A,B              origins of web pages, beside those on this machine
  --name NAME                     the server's name in messages
  --run-dir DIR                   instead of ~/.mcp-run

Pages of its own
  GET /health                     status, version, pid, started, uptime, upstream, as JSON
  POST /shutdown                  with "Authorization: Bearer SECRET"; the secret is in the file
                                  that belongs to the guard's record

Exit codes
  0 after /shutdown or a signal; 75 when the resource is in use; 1 when it cannot listen;
  2 for wrong usage
`;
