"""Mutants of SQL, where half of the ledger's rule is: comparisons changed, conditions dropped."""
import re

CHANGES = [
    (r" <= ", [" < "]), (r" < ", [" <= "]), (r" >= ", [" > "]), (r" > ", [" >= "]), (r" <> ", [" = "]),
    (r"\bIS NULL", ["IS NOT NULL"]), (r"\bIS NOT NULL", ["IS NULL"]), (r"\bNOT EXISTS", ["EXISTS"]),
    (r"\bmin\(", ["max("]), (r"\bmax\(", ["min("]), (r" ORDER BY [^)]*", [" "]), (r"\b3600\b", ["3601", "3599"]),
    (r" - \?", [" + ?"]), (r"\bOR\b", ["AND"]),
]
VALUE = r"(?:\?\d|[\w.]+|'[^']*')"
CONDITION = re.compile(rf"\b(?:WHERE|AND|OR) ({VALUE} (?:=|<>|<=|>=|<|>) {VALUE}|{VALUE} IS (?:NOT )?NULL)(?![\w.]*\()")


def macros(header):
    """{name: its string}, of a header of #defines that are strings, one on another."""
    known = {}
    for name, text in re.findall(r"#define (\w+)((?:[^\n]*\\\n)*[^\n]*)", open(header).read()):
        known[name] = expanded(text.replace("\\\n", " "), known)
    return known


def expanded(text, known):
    """The one string that adjacent literals and macros are."""
    words = re.findall(r'"((?:[^"\\]|\\.)*)"|(\w+)', text)
    return "".join(known[word] if word else literal for literal, word in words)


def mutants(text):
    """(what was changed, the new text)"""
    for pattern, others in CHANGES:
        for match in re.finditer(pattern, text):
            for other in others:
                yield f"{match[0].strip()} became {other.strip()}", match.start(), replaced(text, match.span(), other)
    for match in CONDITION.finditer(text):
        # Its parameters have to stay, or the statement cannot be bound.
        other = f"(1 OR {match[1]})" if not match[0].startswith("OR") else f"(0 AND {match[1]})"
        # Without its first condition an index would be of no use, and SQLite says so.
        yield f"dropped {match[1]}", match.start(1), re.sub(r" INDEXED BY \w+", "", replaced(text, match.span(1), other))


def replaced(text, span, other):
    return text[:span[0]] + other + text[span[1]:]
