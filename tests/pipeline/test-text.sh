#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Text through pipeloadllm: what the scripts say is what pipeload run says, which knows no pipeline.
. "$(dirname "$0")/lib.sh"
need pipeloadllm filesrc fdsink
tool=$PIPELOAD_BUILD/apps/pipeload/pipeload
[ -x "$tool" ] || skip "built without tools"
llama=$work/llama.gguf
"$tool" synth llama-tiny "$llama" --type=q8_0 --seed=3 || fail "pipeload synth"

# says PROMPT: the answer
says() {
  "$tool" run "$llama" --quiet --temperature=0 --max-tokens=12 --prompt="$1" || fail "pipeload run"
}
options=("$llama" --temperature=0 --max-tokens=12)

export PIPELOAD_LLM="model=$llama temperature=0 max-tokens=12"
"$top/pipelines/ask.sh" "What did" you "see? \"Quote\"" >"$work/out" 2>"$work/err" || fail "ask.sh: exit status $?"
says 'What did you see? "Quote"' >"$work/wanted"
[ -s "$work/wanted" ] || fail "no answer"
cmp "$work/wanted" "$work/out" || fail "ask.sh says something else"

# A prompt a line; blank lines are none, broken UTF-8 is replaced, the last line may lack its end.
printf 'First line\n\n  \nZweite Zeile, ü\nbroken \xff\xfe\nlast' >"$work/prompts"
"$top/pipelines/answer-file.sh" "$work/prompts" "${options[@]}" >"$work/out" 2>"$work/err" || fail "answer-file.sh: exit status $?"
for prompt in "First line" "Zweite Zeile, ü" "broken ��" "last"; do says "$prompt"; done >"$work/wanted"
cmp "$work/wanted" "$work/out" || fail "answer-file.sh says something else"
"$top/pipelines/answer-file.sh" - "${options[@]}" <"$work/prompts" >"$work/out" 2>"$work/err" || fail "answer-file.sh -: exit status $?"
cmp "$work/wanted" "$work/out" || fail "answer-file.sh - says something else"
: >"$work/prompts"
"$top/pipelines/answer-file.sh" "$work/prompts" "${options[@]}" >"$work/out" 2>&1 || fail "answer-file.sh: an empty file: exit status $?"
[ -s "$work/out" ] && fail "answers to nothing"

# The conversation goes on: the first answer is that of the line alone, the second is not.
printf 'First line\nlast\n' | "$top/pipelines/chat.sh" "${options[@]}" >"$work/out" 2>"$work/err" || fail "chat.sh: exit status $?"
says "First line" >"$work/first"
{ cat "$work/first"; says "last"; } >"$work/alone"
head -c "$(stat -c %s "$work/first")" "$work/out" | cmp - "$work/first" || fail "chat.sh's first answer"
cmp -s "$work/alone" "$work/out" && fail "chat.sh forgets"

# At a terminal: a prompt, an answer, a prompt; Ctrl-C ends an endless answer, not the chat; Ctrl-D ends it.
python3 - "$top/pipelines/chat.sh" "$llama" --context-size=16384 >"$work/out" 2>&1 <<'PYTHON' || fail "typed chat"
import os, pty, select, signal, sys, time
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
seen = b""
def wait(until, what):
    global seen
    end = time.monotonic() + 300
    while not until(seen):
        assert time.monotonic() < end, (what, seen[-500:])
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                seen += os.read(terminal, 65536)
            except OSError:
                return
    return
wait(lambda s: s.endswith(b"> "), "prompt")
seen = b""  # without the progress bar
os.write(terminal, b"hello\n")
length = len(seen)
wait(lambda s: len(s) > length + 40, "answer")
os.write(terminal, b"\x03")
wait(lambda s: s.endswith(b"\n> "), "second prompt")
os.write(terminal, b"\x04")
end, done = time.monotonic() + 300, 0
while not done and time.monotonic() < end:
    if select.select([terminal], [], [], 0.1)[0]:
        try:
            os.read(terminal, 65536)
        except OSError:  # the other end is closed
            time.sleep(0.01)
    done, status = os.waitpid(pid, os.WNOHANG)
assert done and os.waitstatus_to_exitcode(status) == 0, status
assert not any(c < 32 and c not in b"\r\n\t" for c in seen.replace(b"^C", b"")), seen
PYTHON

for script in ask answer-file chat report; do
  "$top/pipelines/$script.sh" --help >"$work/out" || fail "$script.sh --help"
  expect "pipelines/$script.sh"
done
# refuses STATUS WORD COMMAND...
refuses() {
  local status=$1 word=$2 got
  shift 2
  "$@" >"$work/out" 2>&1
  got=$?
  [ $got = "$status" ] || fail "exit status $got, not $status: $*"
  expect "$word"
}
refuses 1 'pipelines/ask.sh' "$top/pipelines/ask.sh"
refuses 2 '/nonexistent/model' env PIPELOAD_LLM="model=/nonexistent/model" "$top/pipelines/ask.sh" hello
refuses 2 '/nonexistent/prompts' "$top/pipelines/answer-file.sh" /nonexistent/prompts
refuses 2 '/nonexistent/model' "$top/pipelines/answer-file.sh" /dev/null /nonexistent/model
refuses 1 'color' "$top/pipelines/chat.sh" --color=red
refuses 2 'smallest' "$top/pipelines/chat.sh" "${options[@]}" --memory-limit=10kB
exit 0
