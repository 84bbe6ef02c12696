"""Runs the mutated unit tests: which of them reach a mutant, and whether one of those notices it."""
import os
import resource
import signal
import subprocess
import tempfile
from dataclasses import dataclass

SLOW_MS = 1500     # a batch of tests: as many as take this long, so that the first failure comes soon
# Random lives of an nginx, and memory that runs out: they take longer than all others together, so they run for what
# nobody else notices.
LAST = ("LedgerProperty.", "OutOfMemory.")
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # for their files: they sync often


@dataclass
class Test:
    name: str
    ms: int
    reaches: frozenset
    file: str = ""


def limits():
    """A mutant may loop for ever, and fill memory while it does."""
    gigabytes = 3 << 30
    resource.setrlimit(resource.RLIMIT_AS, (gigabytes, gigabytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (gigabytes, gigabytes))


def run(binary, names, seconds, **environment):
    """(exit code, output); the code of a hang is None. Its directories go with it, however it ended."""
    with tempfile.TemporaryDirectory(prefix="hpkp-mutant-", ignore_cleanup_errors=True, dir=MEMORY) as directory:
        os.chmod(directory, 0o1777)  # some tests work as another user
        flags = os.path.join(directory, "flags")
        with open(flags, "w") as out:
            out.write("--gtest_brief=1\n")
            if names:
                out.write("--gtest_filter=" + ":".join(names) + "\n")
            if "HPKP_MUTANT" in environment:
                out.write("--gtest_fail_fast\n")
        process = subprocess.Popen([binary, "--gtest_flagfile=" + flags], stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, preexec_fn=limits, start_new_session=True,
                                   env={**os.environ, "TMPDIR": directory, **environment})
        try:
            output, _ = process.communicate(timeout=seconds)
            code = process.returncode
        except subprocess.TimeoutExpired:
            code, output = None, b""
        finally:
            # What it forked goes too: the session is its own.
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()
            if code is None:
                process.stdout.close()
        return code, output.decode(errors="replace")


def reach(binary, directory, names=()):
    """Every test, with its time and the mutants that it evaluates; and those that fail with no mutant at all."""
    told = os.path.join(directory, "reached.txt")
    # A run takes minutes: one of this very program will do.
    if not os.path.exists(told) or os.path.getmtime(told) < os.path.getmtime(binary):
        code, output = run(binary, names, 3600, HPKP_REACHED=told + ".new")
        if code not in (0, 1):
            raise SystemExit("The unit tests crash with no mutant at all:\n" + output[-4000:])
        os.replace(told + ".new", told)
    tests, failing = [], []
    for line in open(told):
        name, ms, failed, *mutants = line.split()
        if failed == "1":
            failing.append(name)
        else:
            tests.append(Test(name, int(ms), frozenset(map(int, mutants))))
    return tests, failing


def name_files(tests, unit):
    """Which file a test is in, by its TEST line."""
    suites = {}
    for entry in sorted(os.listdir(unit)):
        if entry.endswith("_test.cpp"):
            for line in open(os.path.join(unit, entry)):
                if line.startswith(("TEST(", "TEST_F(", "TEST_P(")):
                    suite, name = [word.strip() for word in line[line.index("(") + 1:].rstrip(") \n{").split(",")[:2]]
                    suites[suite + "." + name] = entry
    for test in tests:
        name = test.name.split("/")
        plain = name[0] if len(name) == 1 else (name[1] if len(name) > 2 or "." in name[1] else name[0])
        test.file = suites.get(plain, "")


def in_order(tests, mutant, stem, last):
    """Those that reach it: the file's own first, then the fastest."""
    chosen = [t for t in tests if mutant.id in t.reaches and t.name.startswith(LAST) == last]
    return sorted(chosen, key=lambda t: (t.ms > SLOW_MS, not t.file.startswith(stem), t.ms))


def batches(tests):
    batch, ms = [], 0
    for test in tests:
        if batch and (ms + test.ms > SLOW_MS or len(batch) > 500):
            yield batch, ms
            batch, ms = [], 0
        batch.append(test.name)
        ms += test.ms
    if batch:
        yield batch, ms


def judge(binary, tests, mutant, stem, last=False):
    """How a test noticed the mutant; "" if none did. `last`: those of LAST, instead of all others."""
    chosen = in_order(tests, mutant, stem, last)
    for names, ms in batches(chosen):
        # Other work on the machine must not look like a hang.
        code, output = run(binary, names, 20 + 10 * ms / 1000, HPKP_MUTANT=str(mutant.id))
        if code is None:
            return "hang"
        if code != 0:
            failed = [line for line in output.split("\n") if line.startswith("[  FAILED  ]")]
            return failed[0][13:] if failed else f"crash ({code})"
    return ""
