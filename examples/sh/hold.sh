#!/bin/sh
# Instance Lock Protocol 1 with flock(1), on Linux: `hold.sh path ~/data memory -- some-server --stdio` becomes that server and holds the lock as descriptor 9
# while the server (or a child that inherits it) runs. The record stays when the server ends; MCP Shepherd recognises it as dead and removes it.
# Exit code 75: the lock is held.
set -euf
umask 077
kind=$1 resource=$2 server=$3
shift 4
home=$(getent passwd "$(id -u)" | cut -d: -f6)
case $(stat -f -c %T "$home") in
  *nfs* | *cifs* | *smb* | *9fs* | *fuse* | *ceph* | *lustre* | *gpfs* | *afs* | *coda*) run=/var/tmp/.mcp-run-$(id -u) ;;
  *) run=$home/.mcp-run ;;
esac
base=${MCP_RUN_DIR:-$run}/v1
case $base in
  /*) ;;
  *) echo "MCP_RUN_DIR is not an absolute path: $MCP_RUN_DIR" >&2; exit 1 ;; # programs in different folders would each use a lock of their own
esac
for folder in "${base%/v1}" "$base" "$base/locks" "$base/instances"; do
  mkdir -p "$folder"
  [ ! -L "$folder" ] && [ "$(stat -c '%u %a' "$folder")" = "$(id -u) 700" ] || { echo "$folder must be a directory of this user alone (mode 700)" >&2; exit 1; }
done

disk=
if [ "$kind" = path ]; then
  # The shell has expanded ~ already. -m: a part that does not exist yet stays as written.
  resource=$(realpath -m -- "$resource")
  [ ! -e "$resource" ] || disk=$(stat -c ', "dev": "%d", "ino": "%i"' -- "$resource")
fi
case $resource$server in
  *[\\\"[:cntrl:]]*) echo 'a name with a quote, a backslash or a control character would need a program that writes JSON' >&2; exit 2 ;;
esac
key=$(printf 'ilp1\n%s\n%s' "$kind" "$resource" | sha256sum | cut -c 1-32)
# Ids of the records that name the key.
naming() { find "$base/instances" -type f -user "$(id -u)" -size -129 -exec grep -ls "$key" {} + | sed -n 's|.*/\([0-9a-f]\{32\}\)\.json$|\1|p'; }
lock=$base/locks/$key.lock
[ ! -L "$lock" ] || { echo "$lock is a link" >&2; exit 1; }
exec 9<>"$lock"
if ! flock -x -w 0.3 9; then
  echo "$resource is held, see in $base/instances:" $(naming) >&2
  exit 75
fi
# The file may have been deleted in between: then this lock excludes no other process.
[ "$(stat -L -c '%d %i' "/proc/$$/fd/9")" = "$(stat -c '%d %i' "$lock")" ] || { echo "$lock was replaced: try again" >&2; exit 75; }

# Start of a running process as a record writes it; nothing for a zombie. The name before the last bracket may contain anything.
start_of() { sed -n 's/.*) //; /^[ZX]/!p' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20; }
boot=$(cat /proc/sys/kernel/random/boot_id)
pidns=$(readlink /proc/self/ns/pid | tr -dc 0-9)
# With the lock held: a server that closed it may have outlived its guard. Without a JSON parser: the objects "guard" and "server" hold no other object.
for other in $(naming); do
  record=$({ tr '\n\r\t' '   ' <"$base/instances/$other.json"; } 2>/dev/null) || continue
  case $record in *"\"$boot\""*) ;; *) continue ;; esac
  case $record in *"\"$pidns\""*) ;; *) continue ;; esac
  for mark in $(printf '%s' "$record" | grep -oE '"(guard|server)" *: *\{[^}]*\}' | tr -d ' '); do
    pid=$(printf '%s' "$mark" | sed -n 's/.*"pid":\([0-9]*\).*/\1/p')
    began=$(start_of "$pid")
    case ${began:+$mark} in
      *"\"lx:$began\""*) echo "$resource is held by PID $pid (record $other)" >&2; exit 75 ;;
    esac
  done
done

id=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
cat >"$base/instances/$id.json.tmp" <<END
{"ilp": 1, "minReader": 1, "id": "$id", "seq": 1, "state": "running", "exclusion": "flock", "serverId": "$server",
 "host": {"boot": "$boot", "pidns": "$pidns"}, "server": {"pid": $$, "start": "lx:$(start_of $$)"},
 "locks": [{"key": "$key", "kind": "$kind", "resource": "$resource"$disk}]}
END
mv "$base/instances/$id.json.tmp" "$base/instances/$id.json"
# The same process becomes the server: same PID, same start.
exec "$@"
