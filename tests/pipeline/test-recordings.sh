#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Recordings as cameras and editors leave them: times from the first shown frame, turned pictures, no frame, cut-off files, links,
# and one clip in twenty containers and codecs. Right values: ffprobe and ffmpeg, of the files in golden/data/recordings.
. "$(dirname "$0")/lib.sh"
need matroskademux h264parse avdec_h264 qtdemux videoflip
[ -f "$top/models/bundled/person-detector/model.safetensors" ] || skip "no bundled model"
export PIPELOAD_MODELS=$top/models/bundled
tool=$PIPELOAD_BUILD/apps/pipeload/pipeload
data=$top/tests/golden/data/recordings
cd "$work" || exit 1

# analyse STATUS OUTPUT ARGUMENT...
analyse() {
  local expected=$1 output=$2 status=0
  shift 2
  "$tool" analyse "$@" --no-sheets --output "$output" >"$work/out" 2>&1 || status=$?
  [ "$status" = "$expected" ] || fail "exit status $status, not $expected"
}

# ---- times, rotation -------------------------------------------------------------------------
analyse 0 times --every 3 "$data"/{trim.mp4,trim-reencoded.mkv,offset3600.mkv,same-frames-no-edit-list.mkv}
"$tool" detect --json -a -i 10 "$data"/{trim.mp4,offset3600.mkv,rot90.mp4,upright.mp4} >detect.jsonl || fail "detect"
python3 - <<'PYTHON' || fail "times or rotation"
import csv, json

rows = {row["file"]: row for row in csv.DictReader(open("times/summary.csv"))}
for name, frames in (("trim.mp4", 50), ("trim-reencoded.mkv", 50), ("offset3600.mkv", 30), ("same-frames-no-edit-list.mkv", 30)):
    assert (rows[name]["frames"], rows[name]["duration"], rows[name]["error"]) == (str(frames), f"{frames / 10:.3f}", ""), rows[name]
for one, other in (("trim.mp4", "trim-reencoded.mkv"), ("offset3600.mkv", "same-frames-no-edit-list.mkv")):
    for key in ("first", "last"):
        assert abs(float(rows[one][key]) - float(rows[other][key])) <= 0.1, (one, key)
lines = {}
for line in map(json.loads, open("detect.jsonl")):
    lines.setdefault(line["source"].rpartition("/")[2], []).append(line)
assert [line["timestamp"] for line in lines["trim.mp4"]] == [i * 10**9 for i in range(5)]
assert [line["timestamp"] for line in lines["offset3600.mkv"]] == [i * 10**9 for i in range(3)]
turned, upright = lines["rot90.mp4"], lines["upright.mp4"]
assert len(turned) == len(upright) == 3
for a, b in zip(turned, upright):
    assert a["resolution"] == b["resolution"], a["resolution"]
    for thing in a["objects"]:
        if thing["confidence"] > 0.6:
            nearest = min(max(abs(thing["box"][k] - other["box"][k]) for k in other["box"]) for other in b["objects"])
            assert nearest < 0.02, thing
assert any(thing["confidence"] > 0.6 for line in turned for thing in line["objects"])
PYTHON

# ---- no frame, cut off, links ----------------------------------------------------------------
mkdir -p yard/sub
cp "$data/same-frames-no-edit-list.mkv" yard/good.mkv
cp "$data/no-frame.mp4" yard/none.mp4
head -c 30000 "$data/same-frames-no-edit-list.mkv" >yard/short.mkv
gst-launch-1.0 -q filesrc location=yard/good.mkv ! matroskademux ! h264parse ! mp4mux faststart=true ! filesink location=whole.mp4 || fail "mp4mux"
head -c 38000 whole.mp4 >yard/short.mp4
gst-launch-1.0 -q filesrc location=yard/good.mkv ! matroskademux ! h264parse ! avimux ! filesink location=whole.avi || fail "avimux"
head -c 38000 whole.avi >yard/short.avi
ln -s .. yard/sub/loop
ln -s ../good.mkv yard/sub/again.mkv
ln yard/good.mkv yard/sub/hard.mkv
ln -s nothing.mkv yard/gone.mkv
touch yard/.hidden.mkv
analyse 2 yard-out --every 10 yard yard/good.mkv
expect '^recordings +5, damaged 4$'
expect '^skipped +4 reached before, 1 links to nothing, 1 hidden$'
for name in none.mp4 short.mkv short.mp4 short.avi; do
  expect "^$name: "
  grep -Eq "^$name,.*(no frame of it can be decoded|it was cut off)" yard-out/summary.csv || fail "$name in summary.csv"
done
expect '^short.mkv: it was cut off, or is still being written: 30000 of its 41007 bytes are there'
grep -q '^good.mkv,3.000,30,.*,$' yard-out/summary.csv || fail "the good one"

# ---- containers and codecs -------------------------------------------------------------------
made=()
# make NAME ENCODER...: skipped by name where an element is missing
make() {
  local name=$1
  shift
  if gst-launch-1.0 -q filesrc location="$data/same-frames-no-edit-list.mkv" ! matroskademux ! h264parse ! "$@" ! filesink location="$name" \
    >"$work/log" 2>&1; then
    made+=("$name")
  else
    echo "skipped: $name: $(head -c 200 "$work/log" | head -n 1)"
  fi
}

for name in a.mp4:mp4mux b.mov:qtmux c.ts:mpegtsmux d.flv:flvmux e.mkv:matroskamux f.3gp:3gppmux g.avi:avimux; do
  make "${name%:*}" "${name#*:}"
done
make h.mp4 mp4mux fragment-duration=1000
decode=(avdec_h264 ! videoconvert !)
for name in i.avi:avimux j.mkv:matroskamux k.mov:qtmux; do
  make "${name%:*}" "${decode[@]}" jpegenc quality=95 ! "${name#*:}"
done
make l.webm "${decode[@]}" vp8enc deadline=1 target-bitrate=4000000 ! webmmux
make m.webm "${decode[@]}" vp9enc deadline=1 target-bitrate=4000000 ! webmmux
make n.ogv "${decode[@]}" theoraenc quality=63 ! oggmux
make o.mkv "${decode[@]}" avenc_ffv1 ! matroskamux
make p.mov "${decode[@]}" pngenc ! qtmux
make q.avi "${decode[@]}" video/x-raw,format=BGR ! avimux
make r.mkv "${decode[@]}" video/x-raw,format=I420 ! matroskamux
make s.mkv "${decode[@]}" x265enc bitrate=4000 ! h265parse ! matroskamux
make t.avi "${decode[@]}" avenc_mpeg4 qmax=2 ! avimux
make u.flv "${decode[@]}" avenc_flv qmax=2 ! flvmux
[ "${#made[@]}" -ge 10 ] || fail "only ${#made[@]} could be made"
python3 - "$tool" "$data/same-frames-no-edit-list.mkv" "${made[@]}" <<'PYTHON' || fail "containers and codecs"
import json, subprocess, sys

tool, clip, *made = sys.argv[1:]
result = subprocess.run([tool, "detect", "--json", "-a", "-i", "10", clip, *made], capture_output=True, text=True)
assert result.returncode == 0, result.stderr
lines = {}
for line in map(json.loads, result.stdout.splitlines()):
    lines.setdefault(line["source"], []).append(line)
want = lines[clip]
for name in made:
    got = lines[name]
    assert len(got) == len(want), (name, len(got))
    for a, b in zip(want, got):
        assert abs(a["timestamp"] - b["timestamp"]) <= 10**8, (name, a["timestamp"], b["timestamp"])
        for thing in a["objects"]:
            if thing["confidence"] > 0.6:
                nearest = min(max(abs(thing["box"][k] - other["box"][k]) for k in other["box"]) for other in b["objects"])
                assert nearest <= 0.01, (name, thing, nearest)
PYTHON
