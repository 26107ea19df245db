"""Faults around a program: signals, its output, the locale, threads and memory."""
import os
import random
import re
import shutil
import signal
import subprocess
import time

from digits import make_digits
from harness import Outcome, TIMEOUT, contents, counted, fault, leftovers

SMALL = ("--data", "digits", "--log-interval", "10", "--preset", "good")


def digits(setting):
    """A folder of 2,000 digits, and 20 to test, for runs that are about something else."""
    make_digits(setting.data / "mnist", setting.folder / "digits", (0, 2000), (0, 20))


def interrupted(setting, sent, *options):
    """Chapter 09 in the middle of its training gets a signal, which it may answer within its time."""
    saved = setting.folder / "run"
    digits(setting)
    process = setting.start(setting.chapter("09_cnn"), *SMALL, "--epochs", 1000000, "--save-every", 5, "--save", "run",
                            "--threads", 1, "--out", "out", *options)
    began = time.monotonic()
    while not saved.exists() and process.poll() is None and time.monotonic() - began < TIMEOUT:
        time.sleep(0.01)
    for one in sent:
        process.send_signal(one)
    out, err = process.communicate(timeout=TIMEOUT)
    outcome = Outcome(process.returncode, out, re.sub(r"epoch \d+ after \d+ of \d+", "epoch E after B of N", err),
                      setting.folder)
    again = setting.run(setting.chapter("09_cnn"), *SMALL, "--epochs", 1, "--resume", "run", "--out", "out")
    again.well()
    assert "goes on in epoch" in again.out, again.out
    return outcome


@fault("Ctrl-C (`SIGINT`) while chapter 09 trains with `--save`", "the batch is finished and saved; status 130, one line")
def ctrl_c(setting):
    return interrupted(setting, [signal.SIGINT]).refused(130) + "; `--resume` goes on"


@fault("`SIGTERM` at the same place", "the batch is finished and saved; status 143, one line")
def terminated(setting):
    return interrupted(setting, [signal.SIGTERM]).refused(143) + "; `--resume` goes on"


@fault("`SIGHUP` at the same place, as when the terminal is closed", "the batch is finished and saved; status 129, one line")
def hung_up(setting):
    return interrupted(setting, [signal.SIGHUP]).refused(129) + "; `--resume` goes on"


@fault("`SIGXCPU` twice at the same place, as from `ulimit -t`", "the batch is finished and saved; status 152, one line")
def no_time(setting):
    return interrupted(setting, [signal.SIGXCPU, signal.SIGXCPU]).refused(152) + "; `--resume` goes on"


@fault("`SIGXFSZ` at the same place", "the batch is finished and saved; status 153, one line")
def size_signal(setting):
    return interrupted(setting, [signal.SIGXFSZ]).refused(153) + "; `--resume` goes on"


@fault("a checkpoint of chapter 09 that is larger than `ulimit -f` allows",
       "status 1, one line; the older checkpoint is whole, no litter")
def file_size_limit(setting):
    options = (*SMALL, "--save-every", 5, "--save", "run", "--threads", 1, "--out", "out")
    digits(setting)
    setting.run(setting.chapter("09_cnn"), *options, "--epochs", 1).well()
    old = (setting.folder / "run").read_bytes()
    outcome = setting.run(setting.chapter("09_cnn"), *options, "--epochs", 3, "--resume", "run", file_limit=len(old) // 2)
    assert (setting.folder / "run").read_bytes() == old, "the older checkpoint has changed"
    assert not leftovers(setting.folder), leftovers(setting.folder)
    return outcome.refused() + "; the older one is whole"


@fault("the reader of chapter 09 goes away after its first epoch",
       "status 1, one line; the epoch that could not be printed is saved, no litter")
def reader_gone_in_training(setting):
    ours, theirs = os.pipe()
    digits(setting)
    options = ("--data", "digits", "--limit", 640, "--save", "run", "--out", "out")
    process = setting.start("stdbuf", "-o0", setting.chapter("09_cnn"), *options, "--epochs", 20, stdout=theirs)
    os.close(theirs)
    seen = b""
    while not re.search(rb"^ +1 .*\n.*\n", seen, re.M):
        more = os.read(ours, 4096)
        assert more, f"it ended: {seen}"
        seen += more
    os.close(ours)
    _, err = process.communicate(timeout=TIMEOUT)
    resumed = setting.run(setting.chapter("09_cnn"), *options, "--epochs", 1, "--resume", "run")
    goes_on = re.search("goes on in epoch.*", resumed.out)[0]
    assert goes_on == "goes on in epoch 3 at batch 1 of 10", goes_on
    assert not leftovers(setting.folder), leftovers(setting.folder)
    return lost(Outcome(process.returncode, "", err, setting.folder)) + "; `--resume` goes on in epoch 3"


@fault("`SIGINT`, `SIGTERM` or `SIGHUP` at 30 random moments while a program without a guard saves again and again",
       "it ends at once; the checkpoint is whole, no litter")
def ended_while_saving(setting):
    rng, run = random.Random(5), setting.folder / "run"
    for number in range(30):
        saver = setting.start(setting.writer, "--do", "save", "--save", "run", "--out", "out")
        began = run.stat().st_mtime_ns if run.exists() else 0
        while saver.poll() is None and (run.stat().st_mtime_ns if run.exists() else 0) == began:
            time.sleep(0.001)
        time.sleep(rng.uniform(0, 0.02))
        sent = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)[number % 3]
        saver.send_signal(sent)
        saver.communicate(timeout=TIMEOUT)
        assert saver.returncode == -sent, saver.returncode
        assert not leftovers(setting.folder), leftovers(setting.folder)
    setting.run(setting.writer, "--do", "load", "--resume", "run", "--out", "out").well()
    return "ended by the signal each time, no temporary file left"


@fault("Ctrl-C while chapter 05 trains, which saves nothing", "it ends at once; no file in its folder")
def ctrl_c_at_once(setting):
    process = setting.start(setting.chapter("05_two_layer_net"), "--out", "out")
    while not (setting.folder / "out").exists() and process.poll() is None:
        time.sleep(0.001)
    time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=TIMEOUT)
    assert process.returncode in (-2, 130), process.returncode
    assert not contents(setting.folder / "out"), contents(setting.folder / "out").keys()
    return str(Outcome(process.returncode, out, err, setting.folder)) + "; no file"


@fault("its reader goes away (`head -1`)", "status 1, one line; no run.json, as the run is not complete")
def reader_gone(setting):
    ours, theirs = os.pipe()
    process = setting.start(setting.chapter("02_forward_pass"), "--out", "out", stdout=theirs)
    os.close(ours)
    os.close(theirs)
    _, err = process.communicate(timeout=TIMEOUT)
    assert not (setting.folder / "out" / "run.json").exists()
    return lost(Outcome(process.returncode, "", err, setting.folder))


@fault("its output goes to a full disk (`> /dev/full`)", "status 1, one line")
def output_full(setting):
    with open("/dev/full", "w") as full:
        return lost(setting.run(setting.chapter("02_forward_pass"), "--out", "out", stdout=full))


def lost(outcome):
    assert "standard output" in outcome.err, outcome.err
    return outcome.refused()


@fault("its output is closed (`>&-`)", "status 1, one line")
def output_closed(setting):
    line = f"exec '{setting.chapter('02_forward_pass')}' --out out >&-"
    return lost(setting.run("/bin/sh", "-c", line))


def german(setting):
    """A locale with a decimal comma, made here: no package has to have installed one. Its messages are English."""
    source = setting.folder / "source"
    source.write_text('LC_NUMERIC\ndecimal_point "<U002C>"\nthousands_sep "<U002E>"\ngrouping 3;3\nEND LC_NUMERIC\n')
    # Its characters are ASCII's; a small system has no file that says so.
    charmap = setting.folder / "ascii"
    lines = ["<code_set_name> ANSI_X3.4-1968", "<comment_char> %", "<escape_char> /", "<mb_cur_min> 1", "<mb_cur_max> 1",
             "CHARMAP", *(f"<U{code:04X}> /x{code:02x} C{code}" for code in range(128)), "END CHARMAP", ""]
    charmap.write_text("\n".join(lines))
    localedef = shutil.which("localedef", path=os.environ.get("PATH", "") + ":/usr/bin:/usr/sbin")
    subprocess.run([localedef, "--force", "--no-archive", "-i", source, "-f", charmap, setting.folder / "de_DE"],
                   capture_output=True, check=False)
    assert (setting.folder / "de_DE" / "LC_NUMERIC").exists(), "localedef made no locale"
    return setting.environment(LOCPATH=setting.folder, LC_ALL="de_DE")


def in_german(setting, *options):
    """Every file that is written in a locale with a decimal comma, and those without one, byte for byte."""
    setting.run(setting.writer, "--out", "out", *options, env=setting.environment(LC_ALL="C")).well()
    english = contents(setting.folder / "out")
    shutil.rmtree(setting.folder / "out")
    outcome = setting.run(setting.writer, "--out", "out", *options, env=german(setting))
    there = contents(setting.folder / "out")
    assert there.keys() == english.keys(), there.keys() ^ english.keys()
    for name in english:
        assert there[name] == english[name], f"{name} differs"
    return outcome


@fault("a locale with a decimal comma (`LC_ALL=de_DE`)", "the same bytes in every file: JSON, CSV, SVG, PNG, checkpoint")
def locale_of_environment(setting):
    return in_german(setting).well() + "; the same bytes"


@fault("a program that takes that locale over (`setlocale`, `std::locale::global`)", "the same")
def locale_of_program(setting):
    outcome = in_german(setting, "--locale")
    assert "one half is 0,5 there and 0.5 here\n" in outcome.out, outcome.out
    return outcome.well() + "; its printf says 0,5 and the files have the same bytes"


def threads(value, expected, *options):
    @fault(f"`--threads {value}`", expected)
    def number(setting):
        outcome = setting.run(setting.writer, "--threads", value, "--out", "out")
        return outcome.well() if expected.startswith("status 0") else outcome.refused(2)


threads("0", "status 2, one line")
threads("-1", "status 2, one line")
threads("1000000", "status 2, one line")
threads("2x", "status 2, one line")
threads("1024", "status 0")


@fault("`--threads 8` where the system gives three and no more", "status 0: fewer threads, the same results")
def few_threads(setting):
    def trained(threads, **changes):
        env = setting.environment(OPENBLAS_NUM_THREADS=1, **changes)  # or its own threads would count
        outcome = setting.run(setting.writer, "--do", "train", "--save", "run", "--out", "out", "--threads", threads,
                              env=env)
        outcome.well()
        return outcome, (setting.folder / "run").read_bytes()
    _, one = trained(1)
    outcome, many = trained(8, LD_PRELOAD=setting.disk, HANDGRAD_THREADS=2)
    assert many == one, "other results"
    return f"{outcome}; the same checkpoint"


@fault("`ulimit -v` of 100 MB to 1 GB for chapters 03 and 09, also with `--help`",
       "status 0, or status 1 and one line with the reason", memory=True)
def no_memory(setting):
    outcomes, last = set(), {}
    digits(setting)
    for megabytes in (100, 120, 150, 170, 185, 200, 220, 250, 280, 320, 400, 1000):
        for chapter, *options in (("09_cnn", "--help"), ("03_batched_matmul", "--largest", 64, "--out", "out"),
                                  ("09_cnn", "--data", "digits", "--limit", 640, "--epochs", 1, "--out", "out")):
            if chapter == "03_batched_matmul" and megabytes not in (100, 185, 250, 1000):
                continue  # its own measurements take two seconds
            outcome = setting.run(setting.chapter(chapter), *options, limit=megabytes << 20)
            last[chapter] = outcome.status
            end = outcome.well() if outcome.status == 0 else outcome.refused()
            outcomes.add(re.sub("out of memory: OpenBLAS needs 128 MiB[^`]*", "out of memory", end))
    assert set(last.values()) == {0}, f"1 GB is not enough: {last}"
    return counted(outcomes)


@fault("`--threads 1024` with `ulimit -v` of 1 GB", "status 0, the results that it always has", memory=True)
def many_threads_and_little_memory(setting):
    def trained(device, threads, limit=None):
        setting.run(setting.writer, "--do", "train", "--save", "run", "--out", "out", "--threads", threads,
                    "--device", device, limit=limit).well()
        return (setting.folder / "run").read_bytes()
    has_thrust = "thrust" in setting.run(setting.writer, "--help").out
    for device in ("cpu", "thrust") if has_thrust else ("cpu",):
        assert trained(device, 1024, 1 << 30) == trained(device, 1), f"other results on {device}"
    return "status 0; the same checkpoint"


def environment(name, *values):
    @fault(" or ".join(f"`{name}={value}`" for value in values), "status 0, and the results that it always has")
    def variable(setting):
        def trained(value=None, device="cpu"):
            changes = {} if value is None else {name: value}
            outcome = setting.run(setting.writer, "--do", "train", "--save", "run", "--out", "out", "--device", device,
                                  env=setting.environment(**changes))
            assert outcome.status == 0, outcome.err
            return outcome, (setting.folder / "run").read_bytes()
        has_thrust = "thrust" in setting.run(setting.writer, "--help").out
        device = "thrust" if name.startswith("OMP") and has_thrust else "cpu"
        _, expected = trained(device=device)
        for value in values:
            outcome, got = trained(value, device)
            assert got == expected, f"other results with {value}"
        return "status 0 each time; the same checkpoint"


environment("HOME", "", "/nowhere")
environment("TMPDIR", "", "/nowhere")
environment("OMP_NUM_THREADS", "0", "-1", "garbage", "3")
environment("OPENBLAS_NUM_THREADS", "0", "garbage", "64")
