"""notes-mcp FOLDER: an MCP server over stdio with notes in a folder that only one server may use at a time.

It takes the folder's lock and publishes a record with the versions that it has loaded, so that MCP Shepherd (and every other reader of the protocol)
knows them without guessing and without anything between the client and the server.
"""

import json
import pathlib
import re
import signal
import sys
from importlib import metadata

from instance_lock import hold

NAME = "notes-mcp"
VERSIONS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
TEXT = {"type": "string"}
TOOLS = [
    {
        "name": "read_note",
        "description": "The text of a note; without a name, the names of all.",
        "inputSchema": {"type": "object", "properties": {"name": TEXT}},
        "annotations": {"readOnlyHint": True},
    },
    {
        "name": "write_note",
        "description": "Writes a note, in place of the one with this name.",
        "inputSchema": {"type": "object", "properties": {"name": TEXT, "text": TEXT}, "required": ["name", "text"]},
        "annotations": {"readOnlyHint": False, "destructiveHint": True, "idempotentHint": True},
    },
]


def loaded():
    """The versions that this process runs. Read at the start: the files on disk may change later."""
    versions, names = {}, [NAME]
    for name in names:
        try:
            found = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue  # for another system, or optional
        versions[found.metadata["Name"]] = found.version
        needed = [re.match(r"[\w.-]+", line).group() for line in found.requires or [] if "extra ==" not in line]
        names.extend(name for name in needed if name not in names)
    own = versions.pop(NAME, None)
    if own is None:
        return {}  # run from a folder and not installed: it has no version
    root = str(metadata.distribution(NAME).locate_file(""))
    return {"package": {"ecosystem": "pypi", "name": NAME, "version": own, "root": root}, "deps": {"versions": versions}}


class Notes:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)

    def path(self, name):
        if not re.fullmatch(r"[\w-]{1,64}", name):
            raise ValueError("a name is 1 to 64 letters, digits, _ and -")
        return self.folder / (name + ".md")

    def call(self, tool, given):
        if tool == "read_note":
            name = given.get("name")
            return "\n".join(sorted(path.stem for path in self.folder.glob("*.md"))) if name is None else self.path(name).read_text("utf-8")
        if tool == "write_note":
            self.path(given["name"]).write_text(given["text"], "utf-8")
            return "written"
        raise LookupError(tool)


def answer(notes, method, params):
    if method == "initialize":
        wanted = params.get("protocolVersion")
        return {
            "protocolVersion": wanted if wanted in VERSIONS else VERSIONS[-1],
            "capabilities": {"tools": {}},
            "serverInfo": {"name": NAME, "version": loaded().get("package", {}).get("version", "0")},
        }
    if method == "ping":
        return {}
    if method == "tools/list":
        return {"tools": TOOLS}
    if method == "tools/call" and params.get("name") in [tool["name"] for tool in TOOLS]:
        try:
            text, failed = notes.call(params["name"], params.get("arguments") or {}), False
        except (OSError, ValueError, KeyError) as error:
            text, failed = str(error), True
        return {"content": [{"type": "text", "text": text}], "isError": failed}
    raise LookupError(method)


def requests():
    for line in sys.stdin:
        try:
            message = json.loads(line)
        except ValueError:
            continue
        if isinstance(message, dict) and "id" in message and "method" in message:
            yield message


def reply(message, **what):
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", "id": message["id"], **what}) + "\n")
    sys.stdout.flush()


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: notes-mcp FOLDER")
    folder = pathlib.Path(sys.argv[1]).expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # so that the record is removed
    try:
        hold("path", str(folder), NAME, **loaded())
    except BlockingIOError as held:
        print(held, file=sys.stderr)
        for message in requests():  # a client shows an answer, but not stderr
            reply(message, error={"code": -32000, "message": str(held)})
            break
        sys.exit(75)
    for message in requests():
        try:
            reply(message, result=answer(Notes(folder), message["method"], message.get("params") or {}))
        except LookupError:
            reply(message, error={"code": -32601, "message": "Method not found"})


if __name__ == "__main__":
    main()
