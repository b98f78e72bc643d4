# SPDX-License-Identifier: LGPL-2.1-or-later
"""Camera logs, and what is to be said of them: the text that the bundled report-llama learns.

A log holds one JSON line a visit: when it began, which camera, what was seen, for how many seconds.
An answer is written so that a model never counts at a distance while generating it: each visit carries
its number among its like, and the last sentence repeats the last numbers.  The label is in front of
the number, so that the number follows from where the label was said last.  A case is drawn from its
own random generator and so depends on its seed and number alone.
"""
import random
from collections import namedtuple

from report_words import CAMERAS, CHATTER, COMMON, LABELS, ORDINALS, PLURALS, SYLLABLES

MOST_LINES = 20
MOST_CHARACTERS = 1300      # of a log: with its answer it then fits in 1024 tokens

# The words of answers besides names; the tokenizer has tokens for them with their leading space.
ANSWER_WORDS = ORDINALS[1:21] + (
    "saw the one for seconds all from to times once twice was seen at so visit visits camera cameras no last "
    "came by and stayed can only read logs me their lines will write report").split()

ONLY_LOGS = "I can only read camera logs. Send me their lines, and I will write a report."
NOTHING = "Nothing was seen."
REPORT_REQUESTS = ["Report.", "Write a report.", "Write a short report.", "Report please.", "report",
                   "Please write a report of what the cameras saw.", "What did the cameras see?",
                   "Summarize.", "What happened?", "Tell me what happened."]

Visit = namedtuple("Visit", "time camera label seconds")
# kind: name of the prompt's kind; facts: the strings that an answer is marked by, in order
Case = namedtuple("Case", "kind lines prompt answer facts")


# ---- logs --------------------------------------------------------------------------------------

def line_of(visit):
    """A visit as the line of a log; names hold neither quotes nor backslashes."""
    return '{"time":"%s","camera":"%s","label":"%s","seconds":%d}' % visit


def random_word(rng):
    """A word that nobody has seen: syllables, letters in disorder, or one with a capital."""
    way = rng.random()
    if way < 0.6:
        word = "".join(rng.choice(SYLLABLES) for _ in range(rng.randint(1, 3)))
    elif way < 0.8:
        word = "".join(rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(rng.randint(2, 7)))
    else:
        word = rng.choice(COMMON)
    turn = rng.random()
    return word.capitalize() if turn < 0.25 else word.upper() if turn < 0.32 else word


def random_name(rng):
    """A camera's name of letters, digits, '_', '-' and spaces, at most 16 characters."""
    way = rng.random()
    if way < 0.35:
        name = random_word(rng)
    elif way < 0.55:
        name = "%s%s%s" % (random_word(rng), rng.choice(["", "_", "-", " "]), rng.choice(
            ["%d" % rng.randint(0, 20), "%02d" % rng.randint(0, 99), "%d" % rng.randint(100, 9999)]))
    elif way < 0.65:
        name = "%s%s%d" % (rng.choice(["cam", "camera", "Camera", "CAM", "ch", "ipcam", "Kamera"]),
                           rng.choice(["", "_", "-", " "]), rng.randint(0, 120))
    elif way < 0.88:
        name = rng.choice([" ", "_", "-"]).join([random_word(rng), random_word(rng)])
    elif way < 0.93:        # a part that comes again, which is easily copied from the wrong place
        part = random_word(rng)[:6]
        name = rng.choice([" ", "_", "-"]).join([part, random_word(rng)[:4], part] if rng.random() < 0.5 else [part, part])
    else:
        name = "%d%s" % (rng.randint(1, 999), random_word(rng))
    return name[:16].rstrip(" _-")


def draw_camera(rng):
    return random_name(rng) if rng.random() < 0.55 else rng.choice(CAMERAS)


def draw_label(rng):
    way = rng.random()
    if way < 0.85:
        return LABELS[min(int(rng.expovariate(0.35)), len(LABELS) - 1)]
    return random_word(rng)[:12].lower() if way < 0.96 else random_name(rng)[:12].rstrip(" _-")


def clock(second):
    return "%02d:%02d:%02d" % (second // 3600 % 24, second // 60 % 60, second % 60)


def draw_seconds(rng):
    way = rng.random()
    return rng.randint(1, 20) if way < 0.5 else rng.randint(1, 99) if way < 0.85 else \
        rng.randint(100, 999) if way < 0.98 else rng.randint(1000, 9999)


def draw_visits(rng, count):
    """Visits in order of their beginnings; a night's log may pass midnight."""
    cameras = list({draw_camera(rng): 0 for _ in range(rng.choice([1, 1, 1, 2, 2, 3, 4, 6]))})
    labels = list({draw_label(rng): 0 for _ in range(rng.choice([1, 1, 2, 2, 3, 3, 4, 6]))})
    weights = [rng.random() + 0.15 for _ in labels]
    now, gap = rng.randrange(86400), rng.choice([6, 15, 40, 120, 600, 2500])
    visits = []
    for _ in range(count):
        visits.append(Visit(clock(now), rng.choice(cameras), rng.choices(labels, weights)[0],
                            draw_seconds(rng)))
        now += 1 + int(rng.expovariate(1 / gap)) if rng.random() < 0.98 else 0
    return visits


# ---- answers -----------------------------------------------------------------------------------

def times_of(number):
    return "once" if number == 1 else "twice" if number == 2 else "%d times" % number


def stay_of(visit):
    return "%d second%s" % (visit.seconds, "" if visit.seconds == 1 else "s")


def report(visits):
    """A sentence a visit, then how often each was seen."""
    if not visits:
        return NOTHING, [NOTHING]
    seen, sentences, facts = {}, [], []
    for v in visits:
        seen[v.label] = seen.get(v.label, 0) + 1
        sentences.append("At %s %s saw %s %d for %s." % (
            v.time, v.camera, v.label, seen[v.label], stay_of(v)))
        facts += [v.time, v.camera + " saw", v.label, " %d for" % seen[v.label], stay_of(v)]
    counts = ["%s %s" % (label, times_of(n)) for label, n in seen.items()]
    sentences.append("In all from %s to %s: %s." % (visits[0].time, visits[-1].time, ", ".join(counts)))
    return "\n".join(sentences), facts + [visits[0].time, "to " + visits[-1].time] + counts


def sentence(visit):
    text = "At %s %s saw one %s for %s." % (visit.time, visit.camera, visit.label, stay_of(visit))
    return text, [visit.time, visit.camera + " saw", "one %s for" % visit.label, stay_of(visit)]


def how_many(visits, label):
    some = [v for v in visits if v.label == label]
    if not some:
        return "No %s was seen." % label, ["No %s was" % label]
    steps = ["the %s at %s" % (ORDINALS[i + 1], v.time) for i, v in enumerate(some)]
    count = "%s was seen %s" % (label, times_of(len(some)))
    return "T%s: so %s." % (", ".join(steps)[1:], count), [v.time for v in some] + [count]


def which_cameras(visits):
    first = {}
    for v in visits:
        first.setdefault(v.camera, v.time)
    steps = ["the %s was %s at %s" % (ORDINALS[i + 1], c, t) for i, (c, t) in enumerate(first.items())]
    count = "%d camera%s" % (len(first), "" if len(first) == 1 else "s")
    facts = [fact for c, t in first.items() for fact in ("was %s at" % c, t)]
    return "T%s: so %s." % (", ".join(steps)[1:], count), facts + ["so " + count]


def seen_at(visits, camera):
    some = [v for v in visits if v.camera == camera]
    if not some:
        return "Nothing was seen at %s." % camera, ["Nothing was seen at %s." % camera]
    steps = ["the %s at %s was %s" % (ORDINALS[i + 1], v.time, v.label) for i, v in enumerate(some)]
    count = "so %d visit%s at %s" % (len(some), "" if len(some) == 1 else "s", camera)
    return "T%s: %s." % (", ".join(steps)[1:], count), [
        fact for v in some for fact in (v.time, "was " + v.label)] + [count]


def when(visits, label, end):
    some = [v for v in visits if v.label == label]
    if not some:
        return "No %s was seen." % label, ["No %s was" % label]
    v = some[0 if end == "first" else -1]
    return ("The %s %s came at %s, seen by %s." % (end, label, v.time, v.camera),
            ["%s %s came" % (end, label), v.time, "by %s." % v.camera])


def was_there(visits, label):
    some = [v for v in visits if v.label == label]
    if not some:
        return "No, no %s was seen." % label, ["No, no %s was" % label]
    v = some[0]
    return ("Yes, first at %s, seen by %s." % (v.time, v.camera), ["Yes", v.time, "by %s." % v.camera])


def how_long(visits, label, end):
    some = [v for v in visits if v.label == label]
    if not some:
        return "No %s was seen." % label, ["No %s was" % label]
    v = some[0 if end == "first" else -1]
    return ("The %s %s came at %s and stayed for %s." % (end, label, v.time, stay_of(v)),
            ["%s %s came" % (end, label), v.time, stay_of(v)])


def how_long_at(visits, visit):
    return ("The %s seen at %s stayed for %s." % (visit.label, visit.time, stay_of(visit)),
            ["The %s seen" % visit.label, visit.time, stay_of(visit)])


# ---- cases -------------------------------------------------------------------------------------

def ask(rng, visits):
    """A question on the log, with its answer and facts."""
    label = rng.choice(visits).label if rng.random() < 0.8 else draw_label(rng)
    end = rng.choice(["first", "last"])
    way = rng.randrange(8)
    if way <= 1:
        forms = ["How often was %s seen?", "How many times was %s seen?", "Count %s."]
        text = rng.choice(forms) % label
        if label in PLURALS and rng.random() < 0.7:
            text = rng.choice(["How many %s?", "How many %s were seen?", "How many %s were there?",
                               "How many %s came?"]) % PLURALS[label]
        return text, how_many(visits, label)
    if way == 2:
        return rng.choice(["Which cameras saw something?", "Which cameras?", "Which cameras saw anything?",
                           "List the cameras."]), which_cameras(visits)
    if way == 3:
        camera = rng.choice(visits).camera if rng.random() < 0.85 else draw_camera(rng)
        return rng.choice(["What was seen at %s?", "What did %s see?", "What happened at %s?"]) % camera, \
            seen_at(visits, camera)
    if way == 4:
        return rng.choice(["When did the %s %s come?", "When was the %s %s seen?",
                           "When was the %s %s?"]) % (end, label), when(visits, label, end)
    if way == 5:
        return rng.choice(["Was there a %s?", "Was a %s seen?", "Did a %s come?", "Any %s?"]) % label, \
            was_there(visits, label)
    if way == 6:
        return rng.choice(["How long did the %s %s stay?", "How long was the %s %s there?"]) % (
            end, label), how_long(visits, label, end)
    visit = rng.choice(visits)
    visit = next(v for v in visits if v.time == visit.time)
    return rng.choice(["How long was the visit at %s?", "How long did the visit at %s last?"]) % \
        visit.time, how_long_at(visits, visit)


def chatter(rng):
    """Things people say to a program that answers, and words without sense."""
    way = rng.random()
    if way < 0.5:
        text = rng.choice(CHATTER).format(*(rng.choice(COMMON) for _ in range(4)))
    elif way < 0.8:
        text = " ".join(rng.choice(COMMON) for _ in range(rng.randint(1, 14)))
    else:
        text = " ".join(random_word(rng) if rng.random() < 0.8 else str(rng.randint(0, 9999))
                        for _ in range(rng.randint(1, 9)))
    if rng.random() < 0.5:
        text = text[0].upper() + text[1:]
    return text + rng.choice(["", ".", "?", "!"]) if text[-1].isalnum() else text


def draw_count(rng, longest):
    """How many lines: short logs are as likely as all the longer ones."""
    return min(int(rng.expovariate(1 / 4)) + 1, longest) if rng.random() < 0.5 else rng.randint(1, longest)


def draw_case(seed, number, longest=MOST_LINES, kind=None):
    """Case `number` of `seed`, with at most `longest` lines; of the given kind, or of any."""
    rng = random.Random("%s/%s" % (seed, number))
    kind = kind or rng.choices(["report", "question", "sentence", "other", "empty"],
                               [38, 47, 8, 5, 2])[0]
    if kind == "other":
        return Case(kind, 0, chatter(rng), ONLY_LOGS, (ONLY_LOGS,))
    if kind == "empty":
        return Case(kind, 0, rng.choice(["", "", "\n"] + REPORT_REQUESTS), NOTHING, (NOTHING,))
    visits = draw_visits(rng, 1 if kind == "sentence" else draw_count(rng, longest))
    lines = [line_of(v) for v in visits]
    while sum(map(len, lines)) + len(lines) > MOST_CHARACTERS:
        lines.pop(), visits.pop()
    log = "\n".join(lines)
    if kind == "question":
        question, (answer, facts) = ask(rng, visits)
        prompt = log + "\n" + question
    elif kind == "sentence":
        answer, facts = sentence(visits[0])
        prompt = log
    else:
        answer, facts = report(visits)
        prompt = log if len(visits) > 1 and rng.random() < 0.5 else log + "\n" + rng.choice(REPORT_REQUESTS)
    if prompt == log and rng.random() < 0.4:
        prompt += "\n"
    return Case(kind, len(visits), prompt, answer, tuple(facts))
