"""The mutation run: see run.sh, which calls this from the root of the tree."""
import concurrent.futures
import glob
import json
import os
import re
import shlex
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import mutate
import tests as unit_tests

WORK = "build-mutation"
TREE = WORK
BUILD = f"{WORK}/build"
BINARY = f"{BUILD}/hpkp_unit_tests"
EXPLAINED = "t/mutation/explained.txt"
FILES = sorted(glob.glob("src/core/checks/*.cpp")) + [
    f"src/core/ledger/{name}.cpp" for name in ("book", "entry", "ledger", "memory", "recording")]


def put(path, content):
    """Only what differs is written, so that make compiles only that."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if not os.path.exists(path) or open(path, "rb").read() != content:
        with open(path, "wb") as out:
            out.write(content)


def copy_tree(mutated):
    wanted = ["CMakeLists.txt", "config", "config.make"]
    for top in ("src", "t/unit", "t/bench"):
        for folder, _, names in os.walk(top):
            wanted += [os.path.join(folder, name) for name in names]
    here = {os.path.relpath(os.path.join(folder, name), TREE)
            for top in ("src", "t") for folder, _, names in os.walk(os.path.join(TREE, top)) for name in names}
    extra = {"src/core/mutation.hpp": "t/mutation/mutation.hpp", "t/unit/reached.cpp": "t/mutation/reached.cpp"}
    for gone in here - set(wanted) - set(extra):
        os.remove(os.path.join(TREE, gone))
    for path in wanted:
        if path not in mutated and path != "t/unit/test_site.cpp":
            put(os.path.join(TREE, path), open(path, "rb").read())
            shutil.copymode(path, os.path.join(TREE, path))
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


def judge_all(mutants, tests):
    """{id: how it was noticed, "" if it was not}"""
    def one(mutant):
        stem = "ledger" if "/ledger/" in mutant.file else os.path.basename(mutant.file)[:-len(".cpp")]
        return mutant.id, unit_tests.judge(BINARY, tests, mutant, stem)

    told = {}
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool, open(f"{WORK}/mutants.txt", "w") as log:
        by_id = {m.id: m for m in mutants}
        for identity, how in pool.map(one, mutants):
            told[identity] = how
            mutant = by_id[identity]
            print(f"{identity} {mutant.file}:{mutant.line}: {mutant.change} | {mutant.text} => {how or 'SURVIVED'}",
                  file=log, flush=True)
            if sys.stderr.isatty():
                print(f"\r{len(told)} of {len(mutants)}", end="", file=sys.stderr)
    return told


def main(files):
    os.makedirs(WORK, exist_ok=True)
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
    possible = [m for m in mutants if not m.why_not]
    tests, failing = unit_tests.reach(BINARY, WORK)
    unit_tests.name_files(tests, "t/unit")
    told = judge_all(possible, tests)
    reached = set().union(*(t.reaches for t in tests))
    worst = report(files, whole, mutants, told, reached)
    if failing:
        print("Left out, since they fail with no mutant at all: " + ", ".join(failing))
    return 1 if failing else worst


def report(files, whole, mutants, told, reached):
    known = explanations()
    used = set()
    unexplained = []
    print(f"{'file':40} {'mutants':>8} {'noticed':>8} {'explained':>9} {'survived':>8} {'not applicable':>15}")
    total = [0] * 5
    for path in files + ["total"]:
        here = [m for m in mutants if m.file == path]
        alive = [m for m in here if not m.why_not and not told[m.id]]
        bad = [m for m in alive if escaped(m) not in known]
        used |= {escaped(m) for m in alive}
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
    stale = [key for key in known if key not in used and (whole or key[0] in files)]
    for key in stale:
        print("STALE in " + EXPLAINED + ": " + " | ".join(key))
    print(f"{len(unexplained)} unexplained, {len(stale)} stale")
    return 1 if unexplained or stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
