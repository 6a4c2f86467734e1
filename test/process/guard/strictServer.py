"""An MCP server as strict as the Python SDK 1.x: until this very process has had initialize and notifications/initialized, it answers with an error.

--careless        carries out calls that have no id, too
--log=FILE        appends one line for each call that is carried out: PID, tool, argument "n"
--fail-if=FILE    ends with exit code 3 at its start when the file exists
--version-from=F  its second tool is named after what the file says
--ignore-eof      continues when its input ends
--ignore-term     continues when it gets SIGTERM
--read-only       says of its tools that they only read
--lenient         takes calls without a handshake
--any-state       accepts a state that another process of it made
--page=N          gives its tools N at a time
"""
import json
import os
import signal
import sys
import threading
import time

options = dict(word.split("=", 1) if "=" in word else (word, "") for word in sys.argv[1:])
lock = threading.Lock()
pages = []
state = {"initialize": 0, "initialized": 0, "level": None, "subscribed": [], "answers": {}, "listens": []}


def send(message):
    text = json.dumps(message, ensure_ascii=False).encode() + b"\n"
    with lock:
        sys.stdout.buffer.write(text)
        sys.stdout.buffer.flush()


def text(words):
    return {"content": [{"type": "text", "text": str(words)}]}


def tools():
    names = ["echo", "pid", "sleep", "blob", "crash", "ask", "state", "write"]
    if "--version-from" in options:
        with open(options["--version-from"]) as file:
            names.append("tool_of_" + file.read().strip())
    annotations = {"annotations": {"readOnlyHint": True}} if "--read-only" in options else {}
    return [{"name": name, "inputSchema": {"type": "object"}, **annotations} for name in names]


def call(ident, name, args):
    if "--log" in options:
        with open(options["--log"], "a") as file:
            file.write(f"{os.getpid()} {name} {args.get('n', '')}\n")
    if name == "echo" or name == "write":
        return text(args.get("text", ""))
    if name == "pid":
        return text(os.getpid())
    if name == "sleep":
        token = args.get("token")
        if token is not None:
            send({"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": token, "progress": 1}})
        end = time.monotonic() + float(args["seconds"])
        # At most that long: until this file is there.
        while time.monotonic() < end and not os.path.exists(args.get("until", "/no/file")):
            time.sleep(min(0.02, max(0, end - time.monotonic())))
        return text(os.getpid())
    if name == "blob":
        return text("x" * int(args["bytes"]))
    if name == "crash":
        print("no way to go on", file=sys.stderr, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    if name == "cut":
        # What of its answer gets out; then it dies.
        answer = json.dumps({"jsonrpc": "2.0", "id": ident, "result": text("whole")})
        os.write(1, answer.encode()[: args.get("bytes")])
        os._exit(4)
    if name == "pages":
        return text(len(pages))
    if name == "mute":
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return text("the answer is never sent")
    if name == "ask":
        asked = f"ask-{args.get('n', 1)}"
        send({"jsonrpc": "2.0", "id": asked, "method": "sampling/createMessage", "params": {"messages": [], "maxTokens": 1}})
        while asked not in state["answers"]:
            time.sleep(0.005)
        return text(json.dumps(state["answers"].pop(asked)))
    if name == "state":
        return text(json.dumps({**state, "pid": os.getpid()}))
    return None


def handle(message):
    method, ident = message.get("method"), message.get("id")
    params = message.get("params") or {}
    modern = "io.modelcontextprotocol/protocolVersion" in (params.get("_meta") or {})
    if method is None:
        state["answers"][ident] = message.get("result") or message.get("error")
        return
    if method == "notifications/initialized":
        state["initialized"] += 1
        return
    if ident is None and not ("--careless" in options and method == "tools/call"):
        return
    def ok(result):
        send({"jsonrpc": "2.0", "id": ident, "result": {"resultType": "complete", **result} if modern else result})
    if method == "initialize":
        state["initialize"] += 1
        ok({
            "protocolVersion": params["protocolVersion"],
            "capabilities": {"tools": {"listChanged": False}, "resources": {"subscribe": True}, "logging": {}},
            "serverInfo": {"name": "strict", "version": "1"},
        })
    elif method == "server/discover":
        ok({"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}})
    elif not modern and "--lenient" not in options and not (state["initialize"] and state["initialized"]):
        send({"jsonrpc": "2.0", "id": ident, "error": {"code": -32602, "message": "Received request before initialization was complete"}})
    elif method == "tools/list":
        pages.append(params.get("cursor"))
        size, start = int(options.get("--page", 1000)), int(params.get("cursor", 0))
        rest = {"nextCursor": str(start + size)} if start + size < len(tools()) else {}
        ok({"tools": tools()[start:start + size], **rest})
    elif method == "logging/setLevel":
        state["level"] = params["level"]
        ok({})
    elif method == "resources/subscribe":
        state["subscribed"].append(params["uri"])
        ok({})
    elif method == "subscriptions/listen":
        state["listens"].append(ident)
        send({
            "jsonrpc": "2.0", "method": "notifications/subscriptions/acknowledged",
            "params": {"notifications": params.get("notifications", {}), "_meta": {"io.modelcontextprotocol/subscriptionId": ident}},
        })
    elif method == "tools/call":
        if params["name"] == "round":
            if "requestState" not in params:
                send({"jsonrpc": "2.0", "id": ident, "result": {
                    "resultType": "input_required", "requestState": f"sealed by {os.getpid()}",
                    "inputRequests": {"name": {"method": "elicitation/create", "params": {"message": "Who?", "requestedSchema": {"type": "object"}}}},
                }})
            elif params["requestState"] != f"sealed by {os.getpid()}" and "--any-state" not in options:
                send({"jsonrpc": "2.0", "id": ident, "error": {"code": -32602, "message": "Invalid requestState"}})
            else:
                ok(text(f"{params['inputResponses']['name']['content']} {os.getpid()}"))
            return
        def work():
            result = call(ident, params["name"], params.get("arguments") or {})
            if result is None:
                send({"jsonrpc": "2.0", "id": ident, "error": {"code": -32602, "message": "Unknown tool"}})
            else:
                ok(result)
        if params["name"] in ("sleep", "ask"):
            threading.Thread(target=work, daemon=True).start()
        else:
            work()
    else:
        send({"jsonrpc": "2.0", "id": ident, "error": {"code": -32601, "message": "Method not found"}})


if "--ignore-term" in options:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if "--fail-if" in options and os.path.exists(options["--fail-if"]):
    sys.stderr.write("this version does not start\n")
    sys.exit(3)
for line in sys.stdin.buffer:
    try:
        message = json.loads(line)
    except ValueError:
        continue
    for one in message if isinstance(message, list) else [message]:
        handle(one)
while "--ignore-eof" in options:
    time.sleep(1)
