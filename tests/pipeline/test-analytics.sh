#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# offline-analytics.sh: one figure walks through videos made here, from a frame that is known to one that is known.
. "$(dirname "$0")/lib.sh"
need avimux avidemux matroskamux openh264enc h264parse avdec_h264
[ -f "$top/models/bundled/person-detector/model.safetensors" ] || skip "no bundled model"
walk=$PIPELOAD_BUILD/tests/pipeline/make-walk
export PIPELOAD_MODELS=$top/models/bundled
cd "$work" || exit 1
h264="openh264enc gop-size=10 ! h264parse"

# 10 frames a second; somebody is there from 1 s to 4 s, from 2 s to 5 s, and not at all. One is long enough to be interrupted.
mkdir -p yard/sub
"$walk" yard/a.avi 60 jpegenc avimux 10 40 || fail "make-walk"
"$walk" yard/sub/b.mkv 60 "$h264" matroskamux 20 50 2>/dev/null || fail "make-walk"
"$walk" nobody.avi 20 jpegenc avimux 99 99 || fail "make-walk"
"$walk" long.avi 2000 jpegenc avimux 9999 9999 || fail "make-walk"
head -c 3000 /dev/zero >yard/broken.mp4
echo "no video" >yard/notes.txt

# analyse OUTPUT ARGUMENT...
analyse() {
  local output=$1
  shift
  PIPELOAD_BUILD=$PIPELOAD_BUILD "$top/pipelines/offline-analytics.sh" --output="$output" "$@" >"$work/out" 2>&1
}

# Damaged among good ones: the others are analysed, and the exit status says so.
analyse whole yard nobody.avi
[ $? = 2 ] || fail "a damaged file: no exit status 2"
expect '^broken.mp4: '
expect '^a.avi: 1 visit,'
expect '^frames +140, looked at 70$'
python3 - whole <<'PYTHON' || fail "results"
import csv, json, os, sys

out = sys.argv[1]
rows = list(csv.DictReader(open(f"{out}/summary.csv")))
assert [row["file"] for row in rows] == ["a.avi", "broken.mp4", "sub/b.mkv", "nobody.avi"], rows
a, broken, b, nobody = rows
assert broken["error"] and broken["frames"] == "0", broken
for row, frames, first, last in (a, 60, 1, 4), (b, 60, 2, 5):
    assert not row["error"] and int(row["frames"]) == frames and int(row["looked_at"]) == 30, row
    assert float(row["duration"]) == 6 and float(row["spacing"]) == 0.2, row
    assert row["visits"] == "1" and row["ids"] == "1", row
    # The detector may take some looks to be sure of a figure that comes, and not one to miss one that is gone.
    assert first <= float(row["first"]) <= first + 0.8 and last - 0.6 <= float(row["last"]) <= last, row
    assert abs(float(row["seconds"]) - (float(row["last"]) - float(row["first"]))) < 0.002, row
assert nobody["visits"] == "0" and nobody["seconds"] == "0.000" and nobody["first"] == "", nobody
events = [json.loads(line) for line in open(f"{out}/events.jsonl")]
assert [(e["camera"], e["event"]) for e in events] == [
    (name, kind) for name in ("a.avi", "sub/b.mkv") for kind in ("enter", "leave")
], events
assert all(e["label"] == "person" and "system_timestamp" not in e for e in events), events
visits = list(csv.DictReader(open(f"{out}/visits.csv")))
assert [v["file"] for v in visits] == ["a.avi", "sub/b.mkv"], visits
for visit, row in zip(visits, (a, b)):
    assert visit["start"] == row["first"] and visit["end"] == row["last"] and visit["id"] == "1", visit
    sheet = open(os.path.join(out, visit["sheet"]), "rb").read()
    assert sheet[:8] == b"\x89PNG\r\n\x1a\n" and sheet[12:16] == b"IHDR" and sheet.endswith(b"IEND\xaeB\x60\x82"), visit
    wide, high = int.from_bytes(sheet[16:20], "big"), int.from_bytes(sheet[20:24], "big")
    assert wide == 808 and high == 570, (wide, high)  # two rows of four pictures: more than four looks
PYTHON

# Again: what is done stays, what failed is tried again.
analyse whole yard nobody.avi
[ $? = 2 ] || fail "a second run: no exit status 2"
expect '^3 of 4 recordings are done already$'
expect '^frames +0, looked at 0$'

# begin: analyses one after the other, in the background; the long one is the last but one
begin() {
  "$PIPELOAD_BUILD/apps/pipeload/pipeload" analyse --output=killed --jobs=1 yard long.avi nobody.avi >"$work/out" 2>&1 &
  pid=$!
}

# exists PATTERN: a file of this name in the results
exists() {
  [ -n "$(find killed/files -mindepth 1 -maxdepth 1 -name "$1" 2>/dev/null)" ]
}

# Killed in the first recording and in the long one, and interrupted in that too. Finished results stay, unfinished ones are not left behind,
# and in the end all is as if nothing had happened.
events=$(cat whole/events.jsonl)
begin
wait_until exists '.unfinished-*'
kill -KILL $pid
wait $pid
[ $? = 137 ] || fail "killed: it was done"
begin
wait_until exists 'b.mkv-*'
kill -KILL $pid
wait $pid
[ $? = 137 ] || fail "killed: it was done"
begin
wait_until has '^broken.mp4: ' "$work/out"
wait_until exists '.unfinished-*'
kill -INT $pid
wait $pid
[ $? = 130 ] || fail "interrupted: no exit status 130"
expect '^stopped: 3 of 5 recordings are done' # the damaged one is among them
exists 'a.avi-*' && exists 'b.mkv-*' || fail "interrupted: what was done is gone"
exists 'long.avi-*' || exists 'nobody.avi-*' && fail "interrupted: it was done"
analyse killed yard nobody.avi
[ $? = 2 ] || fail "after kills: no exit status 2"
expect '^2 of 4 recordings are done already$'
for file in events.jsonl summary.csv; do
  cmp "whole/$file" "killed/$file" || fail "after kills: $file differs"
done
[ -z "$(find killed -name '.unfinished*')" ] || fail "something unfinished is left"
[ "$(find killed/files -mindepth 1 -maxdepth 1 | wc -l)" = 4 ] || fail "not one folder a recording"

# One at a time, without the model's weights all in memory, all anew: the same.
analyse whole --again --jobs=1 --memory-limit=small yard nobody.avi
[ $? = 2 ] || fail "anew: no exit status 2"
expect '^frames +140, looked at 70$'
[ "$events" = "$(cat whole/events.jsonl)" ] || fail "a small limit changes the events"

# A changed recording is analysed again, and its older results are removed.
"$walk" nobody.avi 24 jpegenc avimux 99 99 || fail "make-walk"
analyse whole nobody.avi || fail "a changed file: exit status $?"
expect '^frames +24, looked at 12$'
[ "$(find whole/files -name 'nobody.avi-*' | wc -l)" = 1 ] || fail "older results are left"
[ "$(wc -l <whole/summary.csv)" = 2 ] || fail "summary.csv of another run"

# Keyframes alone: every tenth frame of the MKV, and how far apart they were.
analyse keys --keyframes-only yard/sub/b.mkv || fail "keyframes: exit status $?"
expect '^frames +6, looked at 6$'
grep -q '^b.mkv,[0-9.]*,6,6,1.000,1,0,2.000,2.000,4.000,$' keys/summary.csv || fail "keyframes: $(tail -n 1 keys/summary.csv)"

# Zones: this one the figure never enters.
echo '{"zones": [{"name": "corner", "polygon": [[0, 0], [0.1, 0], [0, 0.1]]}]}' >zones.json
analyse zones --zones=zones.json yard/a.avi || fail "zones: exit status $?"
[ ! -s zones/events.jsonl ] || fail "an event in a zone where nobody is"

# An annotated copy has as many frames; every frame that was looked at has its line.
need pipeloadoverlay
analyse copy --annotate --detections --every=3 yard/a.avi || fail "annotate: exit status $?"
[ "$(wc -l <copy/detections.jsonl)" = 20 ] || fail "$(wc -l <copy/detections.jsonl) lines of detections, not 20"
gst-launch-1.0 -v filesrc location="$(echo copy/files/*/annotated.mkv)" ! matroskademux ! fakesink silent=false sync=false >"$work/frames" 2>&1
[ "$(grep -c 'chain' "$work/frames")" = 60 ] || fail "$(grep -c 'chain' "$work/frames") frames in the copy, not 60"

# A full disk: said, and nothing under a final name.
(
  ulimit -f 20
  analyse full yard/a.avi
)
[ $? = 2 ] || fail "a full disk: no exit status 2"
expect 'pipeload: a.avi: .*File too large'
[ -z "$(find full/files -mindepth 1)" ] || fail "a full disk: results are left"
[ -z "$(find full -name '*.csv' -o -name '*.jsonl')" ] || fail "a full disk: results in the end"

# Two at once in one folder do not get on.
mkdir -p locked
exec 9>locked/.lock
flock 9
analyse locked yard/a.avi && fail "two analyses in one folder"
exec 9>&-
expect 'another analysis is at work'

# refuses STATUS WORD ARGUMENT...
refuses() {
  local status=$1 word=$2 got
  shift 2
  "$PIPELOAD_BUILD/apps/pipeload/pipeload" analyse --output=refused "$@" >"$work/out" 2>&1
  got=$?
  [ $got = "$status" ] || fail "exit status $got, not $status: $*"
  expect "$word"
}
refuses 1 'too few arguments'
refuses 1 'every' --every=-1 yard
refuses 2 '/nonexistent.avi' /nonexistent.avi
refuses 2 'no videos' "$top/gst"
refuses 2 '/nonexistent/model' --model=/nonexistent/model yard
refuses 2 '/nonexistent/zones' --zones=/nonexistent/zones yard
refuses 2 'smallest' --memory-limit=10kB yard/a.avi
exit 0
