# The same as contender.ts with flock(1): contender.sh LOCK LOG SEED
n=$3
while :; do
  n=$((n + 1))
  exec 9<>"$1"
  if flock -x -n 9; then
    echo "E $$.$n sh" >>"$2"
    sleep "0.00$((n % 5))" 9>&-
    if [ $((n * 7919 % 100)) -lt 12 ]; then
      echo "S $$.$n" >>"$2"
      kill -9 $$
    fi
    echo "X $$.$n" >>"$2"
  fi
  exec 9>&-
  sleep "0.00$((n % 9))"
done
