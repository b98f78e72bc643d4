#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# pipeload report: frames become visits as their documentation says, damaged lines are left out, the log reaches the model whole.
. "$(dirname "$0")/lib.sh"
tool=$PIPELOAD_BUILD/apps/pipeload/pipeload
[ -x "$tool" ] || skip "built without tools"
llama=$work/llama.gguf
"$tool" synth llama-tiny "$llama" --type=q8_0 --seed=3 || fail "pipeload synth"
export TZ=Asia/Kathmandu # +05:45

# report LOG OPTION...: its text in out, its visits in events
report() {
  "$top/pipelines/report.sh" "$1" "$llama" --max-tokens=6 --events="$work/events" "${@:2}" >"$work/out" 2>"$work/err" || {
    cat "$work/err"
    fail "report.sh: exit status $?"
  }
}

# are LINE...: exactly these visits
are() {
  printf '%s\n' "$@" | cmp - "$work/events" || { cat "$work/events"; fail "other visits than these: $*"; }
}

# frames CAMERA LABEL FIRST LAST: ten a second, seconds of stream time; stored twice as fast as they happened
frames() {
  awk -v camera="$1" -v label="$2" -v first="$3" -v last="$4" 'BEGIN {
    for (i = first * 10; i <= last * 10; i++)
      printf "{\"timestamp\": %.0f, \"system_timestamp\": \"2025-01-31T20:00:%09.6fZ\", \"camera\": \"%s\", \"objects\": [{\"label\": \"%s\", \"confidence\": 0.9}]}\n",
        i * 1e8, i / 20, camera, label }'
}

# Absent for 1.5 s: the same visit. For 2.5 s: another. Unknown members are ignored.
{
  frames yard person 3 5
  frames yard no_person 5.1 6.4
  frames yard person 6.5 8
  frames yard no_person 8.1 10.4
  frames yard person 10.5 12.1
  echo '{"timestamp": 12200000000, "camera": "yard", "objects": [], "new": {"field": [1, {"deep": null}]}, "zones": 3}'
} >"$work/log"
report "$work/log"
are '{"time":"00:00:03","camera":"yard","label":"person","seconds":5}' \
  '{"time":"00:00:10","camera":"yard","label":"person","seconds":2}'
[ -s "$work/err" ] && fail "complaints: $(cat "$work/err")"
report "$work/log" --gap=1
are '{"time":"00:00:03","camera":"yard","label":"person","seconds":2}' \
  '{"time":"00:00:06","camera":"yard","label":"person","seconds":2}' \
  '{"time":"00:00:10","camera":"yard","label":"person","seconds":2}'
report "$work/log" --min-seconds=3
are '{"time":"00:00:03","camera":"yard","label":"person","seconds":5}'
report "$work/log" --ignore=person --gap=5
are '{"time":"00:00:05","camera":"yard","label":"no_person","seconds":5}'

# The model is asked with the visits alone, as they are written.
report "$work/log" --max-tokens=20
"$tool" run "$llama" --quiet --temperature=0 --max-tokens=20 --file="$work/events" >"$work/wanted"
cmp "$work/wanted" "$work/out" || fail "the report is not the model's answer to the visits"

# Damaged lines are counted and left out: cut, deep, long, of other types, binary, none at all.
{
  head -n 1 "$work/log" | cut -c 1-60
  printf '[%.0s' $(seq 100000)
  echo
  head -c 3000000 /dev/zero | tr '\0' x
  echo
  echo '{"timestamp": "soon", "objects": []}'
  echo '{"timestamp": -1, "objects": []}'
  echo '{"timestamp": 1, "objects": {"label": "person"}}'
  echo '{"timestamp": 1, "objects": [{"label": 7}]}'
  echo '{"timestamp": 1, "objects": ["person"]}'
  echo '[]'
  echo 'null'
  printf '\xff\xfe\0\n\n   \n'
  cat "$work/log"
} >"$work/damaged"
report "$work/damaged"
are '{"time":"00:00:03","camera":"yard","label":"person","seconds":5}' \
  '{"time":"00:00:10","camera":"yard","label":"person","seconds":2}'
grep -q ': 11 damaged lines' "$work/err" || fail "$(cat "$work/err")"

# Two cameras at once; names of files and names that the model cannot read; a recording that is played again.
{
  paste -d '\n' <(frames 'front.mp4' car 0 2) <(frames 'Tür \\"A\\", Küche und Garten' dog 0 2)
  sed 's/"camera": "front.mp4"/"camera": null, "source": "file:\/\/\/media\/back yard.avi"/' <(frames front.mp4 cat 3 4)
  sed 's/"camera": "front.mp4", //' <(frames front.mp4 bird 5 6)
  frames front.mp4 car 0 1
} >"$work/log"
report "$work/log"
are '{"time":"00:00:00","camera":"front","label":"car","seconds":2}' \
  '{"time":"00:00:00","camera":"Tur -A-- Kuche u","label":"dog","seconds":2}' \
  '{"time":"00:00:03","camera":"back yard","label":"cat","seconds":1}' \
  '{"time":"00:00:05","camera":"camera","label":"bird","seconds":1}' \
  '{"time":"00:00:00","camera":"front","label":"car","seconds":1}'

# At the clock's pace the time is the time of day, here; without timestamps too. Weak sights do not count.
awk 'BEGIN { for (i = 0; i < 50; i++)
  printf "{\"timestamp\": %.0f, \"system_timestamp\": \"2025-01-31T20:30:%09.6fZ\", \"camera\": \"gate\", \"objects\": [{\"label\": \"person\", \"confidence\": %s}]}\n",
    1e12 + i * 1e8, i / 10, i < 30 ? 0.8 : 0.4 }' >"$work/log"
report "$work/log"
are '{"time":"02:15:00","camera":"gate","label":"person","seconds":3}'
sed -i 's/"timestamp": [0-9]*/"timestamp": null/' "$work/log"
report "$work/log" --threshold=0.3
are '{"time":"02:15:00","camera":"gate","label":"person","seconds":5}'

# Each id is a visitor of its own: two at once, the second for 3 seconds, who is tracked under one id twice.
frames gate person 2 6 | sed 's/"label"/"id": 7, "label"/' >"$work/log"
for i in "3 4" "5 6"; do
  # shellcheck disable=SC2086
  frames gate person $i | sed 's/"label"/"id": 9, "label"/'
done >"$work/second"
sort -s -t : -k 2,2n "$work/log" "$work/second" -o "$work/log"
report "$work/log"
are '{"time":"00:00:02","camera":"gate","label":"person","seconds":4}' \
  '{"time":"00:00:03","camera":"gate","label":"person","seconds":3}'

# Thirty visits are more than a prompt may hold: three answers.
for i in $(seq 30); do frames gate person $((10 * i)) $((10 * i + 2)); done >"$work/log"
report "$work/log"
[ "$(wc -l <"$work/events")" = 30 ] || fail "$(wc -l <"$work/events") visits, not 30"
for part in 1,14 15,28 29,30; do
  "$tool" run "$llama" --quiet --temperature=0 --max-tokens=6 --prompt="$(sed -n ${part}p "$work/events")"
done >"$work/wanted"
cmp "$work/wanted" "$work/out" || fail "thirty visits"

# Nothing to report, and nothing to read.
: >"$work/log"
report "$work/log"
[ "$(cat "$work/out")" = "Nothing was seen." ] && [ ! -s "$work/events" ] || fail "an empty log"
frames yard no_person 0 3 >"$work/log"
report "$work/log"
[ "$(cat "$work/out")" = "Nothing was seen." ] || fail "a log of nobody"

# refuses STATUS WORD ARGUMENT...
refuses() {
  local status=$1 word=$2 got
  shift 2
  "$top/pipelines/report.sh" "$@" >"$work/out" 2>&1
  got=$?
  [ $got = "$status" ] || fail "exit status $got, not $status: $*"
  expect "$word"
}
frames yard person 0 3 >"$work/log"
refuses 2 '/nonexistent/log' /nonexistent/log
refuses 2 'none of its lines' "$llama"
refuses 2 '/nonexistent/model' "$work/log" /nonexistent/model
refuses 2 '/nonexistent/events' "$work/log" "$llama" --events=/nonexistent/events
refuses 2 'smallest' "$work/log" "$llama" --memory-limit=10kB
refuses 1 'max-tokens' "$work/log" "$llama" --max-tokens=-2
refuses 1 'gap' "$work/log" "$llama" --gap=-1
exit 0
