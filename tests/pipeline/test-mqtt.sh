#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# pipeloadpublish and a real broker: all events in order; a broker that is killed and comes back; its last will; passwords; TLS; what
# waits, and how much, while the broker is away.
. "$(dirname "$0")/lib.sh"
PATH=$PATH:/usr/sbin
command -v mosquitto >/dev/null && command -v mosquitto_sub >/dev/null || skip "no mosquitto, or no mosquitto_sub"
gst-inspect-1.0 pipeloadpublish >/dev/null 2>&1 || fail "no element pipeloadpublish"
source=$PIPELOAD_BUILD/tests/pipeline/event-source
broker= sub= feeder=
trap 'kill -9 $broker $sub $feeder 2>/dev/null; rm -rf "$work"' EXIT

# start_broker: on $port, with $work/broker.conf
start_broker() {
  : >"$work/broker.log"
  mosquitto -c "$work/broker.conf" >"$work/broker.log" 2>&1 &
  broker=$!
  wait_until has 'mosquitto version .* running' "$work/broker.log"
}

# kill_broker SIGNAL
kill_broker() {
  kill "-$1" $broker
  wait $broker 2>/dev/null
  broker=
}

# configure LINE...: a broker of its own, that remembers sessions but was given no messages yet
configure() {
  port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  rm -rf "$work/db"
  mkdir "$work/db"
  printf '%s\n' "listener $port 127.0.0.1" "persistence true" "persistence_location $work/db/" "autosave_interval 0" \
    "max_inflight_messages 0" "max_queued_messages 0" "user $(id -un)" "$@" >"$work/broker.conf"
}

# subscribe FILE: a lasting session, so that nothing published while it reconnects escapes it; "TOPIC PAYLOAD" lines
subscribe() {
  stdbuf -oL mosquitto_sub -h 127.0.0.1 -p "$port" -q 1 -c -i subscriber -t 'house/#' -t 'homeassistant/#' -v >"$1" 2>"$work/sub.log" &
  sub=$!
}

# connect FILE: subscribes, and has the broker write the session down, so that it survives kill -9
connect() {
  : >"$1"
  subscribe "$1"
  wait_until receives "$1"
  kill -USR1 $broker
  wait_until [ -s "$work/db/mosquitto.db" ]
}

# receives FILE: a message arrives. Called by wait_until.
# shellcheck disable=SC2317
receives() {
  mosquitto_pub -h 127.0.0.1 -p "$port" -t house/ready -m yes
  has '^house/ready' "$1"
}

unsubscribe() {
  kill $sub
  wait $sub 2>/dev/null
  sub=
}

# numbers FILE: of the events, in the order in which each came first
numbers() {
  sed -nE 's|^house/yard/events \{"number":([0-9]+)\}$|\1|p' "$1" | awk '!seen[$0]++'
}

# all FILE FROM TO: exactly these, in order
all() {
  wait_until has "\"number\":$3}" "$1"
  diff <(seq "$2" "$3") <(numbers "$1") >"$work/diff" || fail "not all events in order: $(head -n 5 "$work/diff")"
}

# last LINE FILE: this is the last line. Called by wait_until.
# shellcheck disable=SC2317
last() {
  [ "$(tail -n 1 "$2")" = "$1" ]
}

# once FILE: no event came twice
once() {
  [ -z "$(grep '/events ' "$1" | sort | uniq -d)" ] || fail "events came twice"
}

publish="pipeloadpublish name=publish topic=house camera=yard"

# All of them, once each, between "online" and "offline".
configure "allow_anonymous true"
start_broker
connect "$work/seen"
"$source" 100 200 "$publish broker=mqtt://127.0.0.1:$port" >"$work/out" 2>&1 || fail "event-source"
all "$work/seen" 1 200
once "$work/seen"
wait_until has '^house/yard/available offline$' "$work/seen"
[ "$(grep -m 1 '^house/yard/' "$work/seen")" = "house/yard/available online" ] || fail "not online first"
expect 'published=\(guint64\)200, acknowledged=\(guint64\)200, queued=\(guint64\)0, dropped=\(guint64\)0, connected=\(boolean\)true'
grep -q warning "$work/out" && fail "a warning"
[ "$(mosquitto_sub -h 127.0.0.1 -p "$port" -t house/yard/available -C 1 -W 10)" = offline ] || fail "not retained"
unsubscribe

# A broker that is killed in mid-stream, and comes back: nothing is lost; what was not acknowledged comes again.
connect "$work/again"
"$source" 100 700 "$publish broker=mqtt://127.0.0.1:$port drain=30000" >"$work/out" 2>&1 &
feeder=$!
wait_until has '"number":150}' "$work/again"
kill_broker KILL
wait_until has '^warning: ' "$work/out"
start_broker
wait $feeder || fail "event-source"
feeder=
all "$work/again" 1 700
expect 'acknowledged=\(guint64\)700, queued=\(guint64\)0, dropped=\(guint64\)0'
[ "$(grep -c '^warning: ' "$work/out")" = 1 ] || fail "not one warning"
expect "^warning: .*the broker 127.0.0.1:$port"

# The last will of a process that is killed.
gst-launch-1.0 -q videotestsrc is-live=true ! pipeloadpublish topic=house camera=gate broker=mqtt://127.0.0.1:"$port" ! fakesink \
  >"$work/out" 2>&1 &
feeder=$!
wait_until has '^house/gate/available online$' "$work/again"
kill -KILL $feeder
wait $feeder 2>/dev/null
feeder=
wait_until has '^house/gate/available offline$' "$work/again"

# Home Assistant learns of a sensor, and when it is on.
unsubscribe
subscribe "$work/home"
"$source" 50 100 "$publish broker=mqtt://127.0.0.1:$port home-assistant=true" >"$work/out" 2>&1 || fail "event-source"
wait_until has '^house/yard/available online$' "$work/home"
wait_until last 'house/yard/available offline' "$work/home"
# The first "OFF" is overtaken where the connection takes longer than the first event.
sed -n 's|^house/yard/person/state ||p' "$work/home" | uniq | tr '\n' ' ' | grep -Eqx '(OFF )?ON OFF ' || fail "the sensor's states"
sed -n 's|^homeassistant/binary_sensor/house_yard/person/config ||p' "$work/home" >"$work/config"
python3 - "$work/config" <<'PYTHON' || fail "$work/config"
import json, sys
(config,) = [json.loads(line) for line in open(sys.argv[1])]
assert config["state_topic"] == "house/yard/person/state" and config["availability_topic"] == "house/yard/available", config
assert config["unique_id"] == "house_yard_person" and config["device"]["identifiers"] == "house_yard", config
PYTHON

# A broker that is away at the start: as many wait as there is room for, the newest.
kill_broker TERM # which has the subscriber's session written down
unsubscribe
"$source" 50 100 "$publish broker=mqtt://127.0.0.1:$port queue-size=30 drain=30000" >"$work/out" 2>&1 &
feeder=$!
wait_until has '^warning: .*Connection refused' "$work/out"
wait_until has '^all sent$' "$work/out"
start_broker
subscribe "$work/late"
wait $feeder || fail "event-source"
feeder=
all "$work/late" 71 100
once "$work/late"
expect 'published=\(guint64\)100, acknowledged=\(guint64\)30, queued=\(guint64\)0, dropped=\(guint64\)70'
kill_broker TERM

# A wrong password, then the right one; neither is shown.
mosquitto_passwd -b -c "$work/passwords" camera 'r:ght/0ne' 2>/dev/null || fail "mosquitto_passwd"
chmod 600 "$work/passwords"
configure "allow_anonymous false" "password_file $work/passwords"
start_broker
GST_DEBUG='pipeloadpublish:9,*:3' "$source" 50 20 "$publish drain=6000 broker=mqtt://camera:wr0ng@127.0.0.1:$port" >"$work/out" 2>&1 ||
  fail "event-source"
[ "$(grep -c '^warning: .*not authorized' "$work/out")" = 1 ] || fail "not one warning of the password"
expect 'acknowledged=\(guint64\)0, queued=\(guint64\)20'
grep -q wr0ng "$work/out" && fail "the password is shown"
GST_DEBUG='pipeloadpublish:9,*:3' "$source" 50 20 "$publish broker=mqtt://camera:r%3aght%2f0ne@127.0.0.1:$port" >"$work/out" 2>&1 ||
  fail "event-source"
expect 'acknowledged=\(guint64\)20, queued=\(guint64\)0'
grep -Eq '0ne|warning' "$work/out" && fail "a warning, or the password is shown"
kill_broker TERM

# TLS, with an authority of our own: trusted where we say so, and only there.
command -v openssl >/dev/null || exit 0
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=authority -keyout "$work/ca.key" -out "$work/ca.pem" 2>/dev/null &&
  openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout "$work/key.pem" -out "$work/request.pem" 2>/dev/null &&
  printf 'subjectAltName=DNS:localhost' >"$work/extensions" &&
  openssl x509 -req -in "$work/request.pem" -CA "$work/ca.pem" -CAkey "$work/ca.key" -CAcreateserial -days 2 \
    -extfile "$work/extensions" -out "$work/cert.pem" 2>/dev/null || fail "openssl"
configure "allow_anonymous true" "certfile $work/cert.pem" "keyfile $work/key.pem"
start_broker
"$source" 50 20 "$publish broker=mqtts://localhost:$port ca-file=$work/ca.pem" >"$work/out" 2>&1 || fail "event-source"
expect 'acknowledged=\(guint64\)20, queued=\(guint64\)0'
grep -q warning "$work/out" && fail "a warning"
"$source" 50 20 "$publish drain=6000 broker=mqtts://localhost:$port" >"$work/out" 2>&1 || fail "event-source"
expect '^warning: no TLS connection .*certificate verify failed'
expect 'acknowledged=\(guint64\)0, queued=\(guint64\)20'
exit 0
