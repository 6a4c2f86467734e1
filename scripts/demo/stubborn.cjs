// Loaded into a real server with `node --require`: keeps it alive after its stdin has closed, like a server that does not handle that.
setInterval(() => {}, 60_000);
