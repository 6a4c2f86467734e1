// Loaded into a real server with `node --require`: keeps it alive when its stdin ends, as careless servers are.
setInterval(() => {}, 60_000);
