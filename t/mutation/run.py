"""The mutation run: see run.sh, which calls this from the root of the tree."""
import concurrent.futures
import glob
import json
import os
import re
import shlex
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import mutate
import tests as unit_tests

WORK = "build-mutation"
TREE = WORK
BUILD = f"{WORK}/build"
BINARY = f"{BUILD}/hpkp_unit_tests"
LOG = f"{WORK}/mutants.txt"
EXPLAINED = "t/mutation/explained.txt"
FILES = sorted(glob.glob("src/core/checks/*.cpp")) + [
    f"src/core/ledger/{name}.cpp" for name in ("book", "entry", "ledger", "memory", "recording")] + [
    f"src/core/{name}.cpp" for name in ("match", "server")]


def put(path, content):
    """Only what differs is written, so that make compiles only that."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if not os.path.exists(path) or open(path, "rb").read() != content:
        with open(path, "wb") as out:
            out.write(content)


def included(path, seen):
    """The headers of this tree that a source file includes, at whatever depth."""
    for name in re.findall(r'^#include "([^"]+)"', open(path).read(), re.M):
        for folder in (os.path.dirname(path), "src/core", "src/cli"):
            header = os.path.normpath(os.path.join(folder, name))
            if os.path.exists(header) and header not in seen:
                seen.add(header)
                included(header, seen)
    return seen


def chosen_tests():
    """The unit tests that can reach a mutant, by what they include, and what they are linked with. Not the tool's."""
    chosen = set()
    # Files that are to take no longer than so many seconds: that is meant of a program that is optimised.
    for test in set(glob.glob("t/unit/*_test.cpp")) - {"t/unit/yaml_abuse_test.cpp"}:
        headers = included(test, set())
        if (any(re.match(r"src/core/(ledger|checks)/|src/core/(session|gather|door|match|server)\.", h) for h in headers)
                and not any(h.startswith("src/cli/") for h in headers)):
            chosen |= {test} | headers
    size = 0
    while size != len(chosen):
        size = len(chosen)
        for helper in [path[:-len(".hpp")] + ".cpp" for path in chosen if re.match(r"t/unit/.*\.hpp", path)]:
            if os.path.exists(helper):
                chosen |= {helper} | included(helper, set())
    return {path for path in chosen if path.startswith("t/unit/")}


def copy_tree(mutated):
    wanted = chosen_tests()
    for folder, _, names in os.walk("src/core"):
        wanted |= {os.path.join(folder, name) for name in names}
    extra = {"src/core/mutation.hpp": "t/mutation/mutation.hpp", "t/unit/reached.cpp": "t/mutation/reached.cpp",
             "CMakeLists.txt": "t/mutation/CMakeLists.txt"}
    here = {os.path.relpath(os.path.join(folder, name), TREE)
            for top in ("src", "t") for folder, _, names in os.walk(os.path.join(TREE, top)) for name in names}
    for gone in here - wanted - set(extra):
        os.remove(os.path.join(TREE, gone))
    for path in wanted - set(mutated) - {"t/unit/test_site.cpp"}:
        put(os.path.join(TREE, path), open(path, "rb").read())
    # What crashes leaves its directories behind: they have to be where they are removed, see tests.py.
    site = open("t/unit/test_site.cpp", "rb").read()
    if site.count(b'"/dev/shm"') != 1:
        raise SystemExit("t/unit/test_site.cpp: where is fast_directory()?")
    put(os.path.join(TREE, "t/unit/test_site.cpp"), site.replace(b'"/dev/shm"', b'std::getenv("TMPDIR")'))
    for path, source in extra.items():
        put(os.path.join(TREE, path), open(source, "rb").read())


def command(*words, quiet=True):
    return subprocess.run(words, stdout=subprocess.PIPE if quiet else None, stderr=subprocess.STDOUT, text=True)


def configure():
    done = command("cmake", "-S", TREE, "-B", BUILD, "-DCMAKE_BUILD_TYPE=None", "-DCMAKE_CXX_FLAGS=-O0")
    if done.returncode != 0:
        raise SystemExit(done.stdout)


def arguments_of(path):
    """How the file is compiled, for clang: the include folders are what matters."""
    full = os.path.abspath(os.path.join(TREE, path))
    for entry in json.load(open(f"{BUILD}/compile_commands.json")):
        if entry["file"] == full:
            words = shlex.split(entry["command"])
            kept = [w for i, w in enumerate(words) if w.startswith(("-I", "-D", "-std")) or words[i - 1] == "-isystem"
                    or w == "-isystem"]
            return kept + ["-I" + os.path.dirname(path)]
    raise SystemExit(f"{path} is not compiled")


def mutate_all(files, not_on, made):
    """`made`: of the turn before. clang takes seconds a file, and what does not compile keeps its number."""
    mutants, first = [], 1
    for path in files:
        bad = not_on.get(path, set())
        if path not in made or made[path].not_on != bad:
            made[path] = mutate.Mutator(path, path, arguments_of(path), first, set(bad))
            put(os.path.join(TREE, path), made[path].rewritten().encode())
        mutants += made[path].mutants
        first = made[path].next_id
    return mutants


def build(files):
    """All mutants in one program, without those that do not compile."""
    not_on, made = {}, {}
    for _ in range(20):
        mutants = mutate_all(files, not_on, made)
        done = command("cmake", "--build", BUILD, "--target", "hpkp_unit_tests", "--parallel", str(os.cpu_count()),
                       "--", "--keep-going")
        if done.returncode == 0:
            return mutants
        bad = set(re.findall(r"(src/core/[\w/]+\.cpp):(\d+):\d+: (?:fatal )?error:", done.stdout))
        bad |= set(re.findall(r"(src/core/[\w/]+\.cpp):(\d+):\d+:   required from", done.stdout))
        bad = {(path, int(line)) for path, line in bad if path in files and int(line) not in not_on.get(path, ())}
        if not bad:
            raise SystemExit(done.stdout[-6000:])
        print("Does not compile, and is left out: " + ", ".join(f"{path}:{line}" for path, line in sorted(bad)),
              file=sys.stderr)
        for path, line in bad:
            not_on.setdefault(path, set()).add(line)
    raise SystemExit("Still not compiled; the last errors:\n" + done.stdout[-6000:])


def tell_apart(mutants):
    """A file has many a "return;": of several that read alike each is "(2 of 5)"."""
    alike = {}
    for mutant in mutants:
        alike.setdefault(mutant.key(), []).append(mutant)
    for same in alike.values():
        for number, mutant in enumerate(same, 1):
            if len(same) > 1:
                mutant.change += f" ({number} of {len(same)})"


def explanations():
    """{(file, change, line's text): reason}"""
    known = {}
    for number, line in enumerate(open(EXPLAINED), 1):
        if line.strip() and not line.startswith("#"):
            words = line.rstrip("\n").split(" | ")
            if len(words) != 4:
                raise SystemExit(f"{EXPLAINED}:{number}: not FILE | CHANGE | LINE | REASON")
            known[tuple(words[:3])] = words[3]
    return known


def escaped(mutant):
    # " | " parts the fields.
    return tuple(word.replace(" | ", " ¦ ") for word in mutant.key())


def explained(alive):
    """Of these survivors the ids of those that are, and the explanations that are left."""
    known = explanations()
    ids = {mutant.id for mutant in alive if escaped(mutant) in known}
    met = {escaped(mutant) for mutant in alive}
    # What is left out but for time may be noticed by a test that takes too long, on a slower machine.
    return ids, [key for key, reason in known.items() if key not in met and not reason.startswith("only to spare")]


def told_line(mutant, how):
    return f"{mutant.id} {mutant.file}:{mutant.line}: {mutant.change} | {mutant.text} => {how or 'SURVIVED'}"


def judge_all(mutants, tests, log, last=False):
    """{id: how it was noticed, "" if it was not}"""
    def one(mutant):
        stem = "ledger" if "/ledger/" in mutant.file else os.path.basename(mutant.file)[:-len(".cpp")]
        return mutant, unit_tests.judge(BINARY, tests, mutant, stem, last)

    told = {}
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for mutant, how in pool.map(one, mutants):
            told[mutant.id] = how
            print(told_line(mutant, how), file=log, flush=True)
            if sys.stderr.isatty():
                print(f"\r{len(told)} of {len(mutants)}", end="", file=sys.stderr)
    return told


def told_before(mutants):
    """{id: how it was noticed}, of the run before: what it need not be asked again, since that was noticed or is
    explained."""
    before = {}
    if os.path.exists(LOG):
        for line in open(LOG):
            words = re.fullmatch(r"(\d+) (\S+):\d+: (.*?) \| (.*) => (.*)\n", line)
            if words:
                before[words.group(2, 3, 4)] = words[5].replace("SURVIVED", "")
    told = {m.id: before[m.key()] for m in mutants if m.key() in before}
    known, _ = explained([m for m in mutants if told.get(m.id) == ""])
    return {identity: how for identity, how in told.items() if how or identity in known}


def judge_twice(mutants, tests, before):
    """By the quick tests; what they leave unexplained, by the others."""
    told = dict(before)
    with open(LOG, "w") as log:
        for mutant in mutants:
            if mutant.id in told:
                print(told_line(mutant, told[mutant.id]), file=log, flush=True)
        # The ledger's first: what most tests reach takes longest.
        left = sorted((m for m in mutants if m.id not in told), key=lambda m: "/ledger/" not in m.file)
        told.update(judge_all(left, tests, log))
        alive = [m for m in mutants if not told[m.id]]
        known, _ = explained(alive)
        told.update(judge_all([m for m in alive if m.id not in known], tests, log, True))
    return told


def main(files):
    os.makedirs(WORK, exist_ok=True)
    again = "--again" in files
    files = [path for path in files if path != "--again"]
    whole = not files
    files = files or FILES
    missing = [path for path in files if not os.path.exists(path)]
    if missing:
        raise SystemExit("No such file: " + " ".join(missing))
    copy_tree(files)
    for path in files:
        if not os.path.exists(os.path.join(TREE, path)):
            put(os.path.join(TREE, path), open(path, "rb").read())
    configure()
    mutants = build(files)
    tell_apart(mutants)
    possible = [m for m in mutants if not m.why_not]
    tests, failing = unit_tests.reach(BINARY, WORK)
    unit_tests.name_files(tests, "t/unit")
    told = judge_twice(possible, tests, told_before(possible) if again else {})
    reached = set().union(*(t.reaches for t in tests))
    worst = report(files, whole, mutants, told, reached)
    if failing:
        print("Left out, since they fail with no mutant at all: " + ", ".join(failing))
    return 1 if failing else worst


def report(files, whole, mutants, told, reached):
    known, _ = explained([m for m in mutants if not m.why_not and not told[m.id]])
    # A hang may be but a test that takes long now: what is explained as a matter of time is not stale for that.
    _, stale = explained([m for m in mutants if not m.why_not and told[m.id] in ("", "hang")])
    unexplained = []
    print(f"{'file':40} {'mutants':>8} {'noticed':>8} {'explained':>9} {'survived':>8} {'not applicable':>15}")
    total = [0] * 5
    for path in files + ["total"]:
        here = [m for m in mutants if m.file == path]
        alive = [m for m in here if not m.why_not and not told[m.id]]
        bad = [m for m in alive if m.id not in known]
        unexplained += bad
        row = [len(here), sum(1 for m in here if not m.why_not) - len(alive), len(alive) - len(bad), len(bad),
               sum(1 for m in here if m.why_not)]
        total = [a + b for a, b in zip(total, row)]
        row = total if path == "total" else row
        print(f"{path:40} {row[0]:8} {row[1]:8} {row[2]:9} {row[3]:8} {row[4]:15}")
    for m in mutants:
        if m.why_not:
            print(f"not applicable: {m.file}:{m.line}: {m.change} ({m.why_not})")
    for m in unexplained:
        why = "" if m.id in reached else " (no test reaches it)"
        print(f"SURVIVED {m.file}:{m.line}: {m.change}{why}\n    {m.text}")
    stale = [key for key in stale if whole or key[0] in files]
    for key in stale:
        print("STALE in " + EXPLAINED + ": " + " | ".join(key))
    print(f"{len(unexplained)} unexplained, {len(stale)} stale")
    return 1 if unexplained or stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
