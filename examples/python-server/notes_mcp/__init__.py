"""A small MCP server that takes its lock and says what it has loaded."""
