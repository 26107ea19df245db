"""Faults of what programs write: killed, disk full, folders that do not serve."""
import os
import random
import re
import time

from harness import contents, counted, fault, leftovers


@fault("killed (`kill -9`) 100 times at random moments while it saves a checkpoint again and again",
       "there is a whole checkpoint each time, never one from before the last; no litter")
def killed(setting):
    rng, most_left, hit, last = random.Random(4), 0, 0, 0
    run = setting.folder / "run"
    for _ in range(100):
        saver = setting.start(setting.writer, "--do", "save", "--save", "run", "--out", "out")
        began = run.stat().st_mtime_ns if run.exists() else 0
        while saver.poll() is None and (run.stat().st_mtime_ns if run.exists() else 0) == began:
            time.sleep(0.001)
        assert saver.poll() is None, f"it ended by itself: {saver.communicate()}"
        time.sleep(rng.uniform(0, 0.02))
        saver.kill()
        saver.communicate()
        left = len(leftovers(setting.folder))
        most_left, hit = max(most_left, left), hit + (left > 0)
        loaded = setting.run(setting.writer, "--do", "load", "--resume", "run", "--out", "out")
        loaded.well()
        batches = int(re.search(r"^batches (\d+)$", loaded.out, re.M).group(1))
        assert batches > last, f"the checkpoint has {batches} batches, an earlier one had {last}"
        last = batches
    assert hit > 0, "no kill came in the middle of a save"
    return f"100 of 100 were loaded, each later than the one before; temporary files left: {most_left} at most"


@fault("disk full at each single attempt to create, write, flush or rename a file (checkpoint, tables, figures, run.json)",
       "status 1, one line with the file; each file the old or the new one; no litter")
def disk_full(setting):
    def write(seed, folder, **environment):
        return setting.run(setting.writer, "--do", "write", "--seed", seed, "--out", folder,
                           env=setting.environment(**environment))
    write(1, "out").well()
    write(2, "new").well()
    old, new = contents(setting.folder / "out"), contents(setting.folder / "new")
    new["run.json"] = new["run.json"].replace(b'"new"', b'"out"')
    assert old.keys() == new.keys() and all(old[name] != new[name] for name in old), "every file differs with the seed"
    log, outcomes, calls = setting.folder / "log", [], set()
    for attempt in range(1, 1000):
        for name, data in old.items():
            (setting.folder / "out" / name).write_bytes(data)
        log.unlink(missing_ok=True)
        outcome = write(2, "out", LD_PRELOAD=setting.disk, HANDGRAD_FAIL_AT=attempt, HANDGRAD_FAIL_LOG=log)
        if not log.exists():
            outcome.well()
            break
        calls.add(log.read_text().strip())
        outcomes.append(re.sub("\u2019[^\u2019]*\u2019", "FILE", outcome.refused()))
        assert re.search("'out(/[a-z]+.[a-z]+)?'", outcome.err), f"no file is named: {outcome.err!r}"
        there = contents(setting.folder / "out")
        for name in old:
            assert there.get(name) in (old[name], new[name]), f"{name} is neither the old nor the new one"
        assert not leftovers(setting.folder / "out"), leftovers(setting.folder / "out")
    assert calls == {"open", "write", "fsync", "rename"} and len(outcomes) >= 24, f"{calls}, {len(outcomes)}"
    return f"at every one: {counted(outcomes)}; all files whole, none left over"


def prepared(setting):
    (setting.folder / "file").write_text("kept")
    (setting.folder / "closed").mkdir()
    (setting.folder / "closed").chmod(0o555)
    os.mkfifo(setting.folder / "fifo")


def refused_place(name, *arguments):
    @fault(f"`{' '.join(arguments)}`, {name}", "status 1, one line, before anything is computed")
    def place(setting):
        prepared(setting)
        outcome = setting.run(setting.writer, "--do", "write", *arguments, drop_privileges=True)
        assert outcome.out == "", "it had begun"
        assert (setting.folder / "file").read_text() == "kept", "the file was changed"
        (setting.folder / "closed").chmod(0o755)
        return outcome.refused()


refused_place("a file", "--out", "file")
refused_place("a folder without permission to write", "--out", "closed/out")
refused_place("a folder", "--save", "closed")
refused_place("a folder without permission to write", "--save", "closed/run")
refused_place("a device", "--save", "/dev/full")
refused_place("a FIFO", "--resume", "fifo")
refused_place("not there", "--resume", "missing")
