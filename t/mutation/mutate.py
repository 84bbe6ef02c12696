"""Rewrites a C++ file so that each of its mutants can be chosen while the program runs.

All mutants are compiled at once: a build takes minutes, a test milliseconds. clang's syntax tree says where an
expression begins and ends; the text in between stays as it is, and so do the line numbers.
"""
import re
from dataclasses import dataclass

from clang.cindex import CursorKind as K, Index, TypeKind

import sql_text

NS = "hpkp::mutation::"
RELATIONS = {"<": ("less", "<="), "<=": ("less_equal", "<"), ">": ("greater", ">="), ">=": ("greater_equal", ">")}
SUMS = {"+": ("plus", "-"), "-": ("minus", "+")}
CALLS = {"std::max": "std::min", "std::min": "std::max", "std::any_of": "std::all_of", "std::all_of": "std::any_of",
         "std::none_of": "not std::all_of"}
INTEGERS = {TypeKind.INT, TypeKind.UINT, TypeKind.LONG, TypeKind.ULONG, TypeKind.LONGLONG, TypeKind.ULONGLONG,
            TypeKind.SHORT, TypeKind.USHORT}


@dataclass
class Mutant:
    id: int
    file: str
    line: int
    change: str   # what was changed, in words that outlive line numbers
    text: str     # the line
    why_not: str = ""

    def key(self):
        return (self.file, self.change, self.text)


class Mutator:
    """`first`: the id of the first mutant. `not_on`: lines where a rewrite did not compile."""

    def __init__(self, path, name, arguments, first, not_on):
        self.name = name
        self.macros = sql_text.macros("src/core/ledger/sql.hpp")
        self.source = open(path, "rb").read()
        self.lines = self.source.decode().split("\n")
        self.mutants = []
        self.next_id = first
        self.not_on = not_on
        self.wraps = []       # (start, end, order, before, after)
        self.replaced = []    # (start, end, text)
        self.inverted = set()
        unit = Index.create().parse(path, args=arguments)
        errors = [d for d in unit.diagnostics if d.severity >= 3]
        if errors:
            raise SystemExit(f"{name}: clang cannot read it: {errors[0]}")
        self.path = path
        for cursor in unit.cursor.get_children():
            if cursor.location.file and cursor.location.file.name == path:
                self.visit(cursor, None)

    # --- What is changed -------------------------------------------------------------------------------------------

    def visit(self, cursor, parent):
        kind = cursor.kind
        children = list(cursor.get_children())
        if kind in (K.ENUM_DECL, K.STATIC_ASSERT, K.TYPE_ALIAS_DECL, K.USING_DIRECTIVE):
            return
        if kind in (K.VAR_DECL, K.FIELD_DECL) and self.is_constexpr(cursor):
            return  # its uses are changed instead
        if kind == K.IF_STMT:
            self.if_statement(children)
        elif kind == K.WHILE_STMT and children:
            self.condition(children[0], "condition")
        elif kind == K.DO_STMT and children:
            self.condition(children[-1], "condition")
        elif kind == K.FOR_STMT:
            self.for_statement(cursor, children)
        elif kind == K.CONDITIONAL_OPERATOR:
            self.condition(children[0], "condition")
        elif kind == K.RETURN_STMT and children and self.is_bool(children[0]):
            self.condition(children[0], "result")
        elif kind in (K.VAR_DECL, K.FIELD_DECL) and children and self.is_bool(cursor) and children[-1].kind.is_expression():
            self.condition(children[-1], "value")
        elif kind == K.BINARY_OPERATOR:
            self.binary(cursor, children)
        elif kind == K.UNARY_OPERATOR and self.text(cursor).startswith("!"):
            self.invert(cursor, "negation")
        elif kind == K.CALL_EXPR:
            self.call(cursor, children)
        elif kind == K.INTEGER_LITERAL:
            if not (parent and parent.kind == K.CALL_EXPR and parent.spelling in ("bind", "text", "number")):
                self.number(cursor)  # the others are places in SQL, and a wrong one is an error of SQLite's
        elif kind == K.STRING_LITERAL:
            self.string(cursor)
        elif kind == K.CXX_BOOL_LITERAL_EXPR:
            self.invert(cursor, "literal")
        elif kind == K.DECL_REF_EXPR and self.is_constant(cursor.referenced):
            self.number(cursor)
        elif kind == K.COMPOUND_STMT:
            for child in children:
                self.statement(child)
        if kind == K.CASE_STMT:
            children = children[1:]
        for child in children:
            self.visit(child, cursor)

    def if_statement(self, children):
        condition = children[0]
        if condition.kind == K.DECL_STMT and len(children) > 2 and children[1].kind.is_expression():
            condition = children[1]  # after an init-statement
        self.condition(condition, "condition")

    def for_statement(self, cursor, children):
        """Which of its parts are there is told by the semicolons only."""
        depth, semicolons = 0, []
        for token in cursor.get_tokens():
            depth += {"(": 1, "{": 1, "[": 1, ")": -1, "}": -1, "]": -1}.get(token.spelling, 0)
            if token.spelling == ";" and depth == 1:
                semicolons.append(token.extent.start.offset)
            if token.spelling == ")" and depth == 0:
                break
        for child in children:
            if len(semicolons) == 2 and semicolons[0] < child.extent.start.offset < semicolons[1]:
                self.condition(child, "condition")

    def condition(self, cursor, what):
        if cursor.kind in (K.DECL_STMT, K.VAR_DECL):
            self.refuse(cursor, f"inverted {what}", "it declares a variable")
            return
        self.invert(cursor, what)

    def invert(self, cursor, what):
        where = self.range(cursor)
        if where in self.inverted:
            return
        self.inverted.add(where)
        mutant = self.mutant(cursor, f"inverted {what}: {self.shown(cursor)}")
        if mutant:
            self.wrap(where, f"({NS}is({mutant.id}) != static_cast<bool>(", "))")

    def binary(self, cursor, children):
        operator = self.operator(children)
        if operator in ("&&", "||"):
            for child in children:
                if self.same_operator(child, operator):
                    continue
                mutant = self.mutant(child, f"dropped operand: {self.shown(child)}")
                if mutant:
                    before = f"({NS}is({mutant.id}) || (" if operator == "&&" else f"(!{NS}is({mutant.id}) && ("
                    self.wrap(self.range(child), before, "))")
        self.compare(cursor, children, operator)
        if operator in SUMS and all(c.type.get_canonical().kind in INTEGERS for c in children):
            name, other = SUMS[operator]
            self.function(cursor, children, operator, name, other)
        if operator == "=" and self.is_bool(children[0]):
            self.condition(children[1], "value")

    def compare(self, cursor, children, operator):
        if operator in RELATIONS:
            name, other = RELATIONS[operator]
            self.function(cursor, children, operator, name, other)
        elif operator in ("==", "!="):
            self.invert(cursor, "comparison")

    def call(self, cursor, children):
        if re.fullmatch(r"operator(==|!=|<|<=|>|>=)", cursor.spelling or "") and len(children) == 3:
            operands = [children[0], children[2]]
            self.compare(cursor, operands, self.operator(operands))
            return
        match = re.match(r"(std::(?:max|min|any_of|all_of|none_of))(<[\w:]+>)?\(", self.text(cursor))
        if match and match[1] in CALLS:
            mutant = self.mutant(cursor, f"{match[1]} became {CALLS[match[1]]}: {self.shown(cursor)}")
            if mutant:
                start = self.range(cursor)[0]
                name = match[1].replace("std::", NS)
                self.replaced.append((start, start + len(match[0]), f"{name}{match[2] or ''}({mutant.id}, "))

    def function(self, cursor, children, operator, name, other):
        """`a < b` becomes less(ID, a, b)."""
        mutant = self.mutant(cursor, f"{operator} became {other}: {self.shown(cursor)}")
        if not mutant:
            return
        start, end = self.range(cursor)
        at = self.operator_at(children, operator)
        self.wrap((start, end), f"{NS}{name}({mutant.id}, ", ")")
        self.replaced.append((at, at + len(operator), ","))

    def number(self, cursor):
        text = self.text(cursor)
        if not re.fullmatch(r"(0x[0-9a-fA-F]+|\d+)[uUlL]*|[\w:]*\bk[A-Z]\w*", text):
            self.refuse(cursor, f"{text} one more", "not a plain number")
            return
        more = self.mutant(cursor, f"{text} one more: {self.around(cursor)}")
        less = self.mutant(cursor, f"{text} one less: {self.around(cursor)}")
        if more and less:
            self.wrap(self.range(cursor), f"{NS}number({more.id}, {less.id}, ", ")")

    def string(self, cursor):
        if not re.match(r'"(SELECT|INSERT|UPDATE|DELETE)|HPKP_[A-Z_]+', self.text(cursor)):
            return
        text = sql_text.expanded(self.text(cursor), self.macros)
        before = ""
        for change, at, other in sql_text.mutants(text):
            mutant = self.mutant(cursor, f"SQL {change}: {text[max(0, at - 30):at + 30]}")
            if mutant:
                before += f'{NS}is({mutant.id}) ? "{other}" : '
        if before:
            self.wrap(self.range(cursor), "(" + before, ")")

    def statement(self, cursor):
        kind, text = cursor.kind, self.text(cursor)
        simple = kind in (K.CALL_EXPR, K.BINARY_OPERATOR, K.COMPOUND_ASSIGNMENT_OPERATOR, K.UNARY_OPERATOR,
                          K.CXX_THROW_EXPR, K.CONTINUE_STMT, K.BREAK_STMT, K.UNEXPOSED_EXPR)
        bare_return = kind == K.RETURN_STMT and text.strip() == "return"
        end = self.range(cursor)[1]
        if not (simple or bare_return) or not self.source[end:].lstrip().startswith(b";"):
            return
        mutant = self.mutant(cursor, f"dropped statement: {self.shown(cursor)}")
        if mutant:
            self.wrap((self.range(cursor)[0], end), f"if (!{NS}is({mutant.id})) ", "")

    # --- Text and types --------------------------------------------------------------------------------------------

    def mutant(self, cursor, change):
        """None where it cannot be made."""
        mutant = self.refuse(cursor, change, "")
        line = cursor.extent.start.line
        if self.range(cursor) == (0, 0):
            mutant.why_not = "in a macro"
        elif any(line <= bad <= cursor.extent.end.line for bad in self.not_on):
            mutant.why_not = "does not compile"
        return None if mutant.why_not else mutant

    def refuse(self, cursor, change, why_not):
        line = cursor.extent.start.line
        mutant = Mutant(self.next_id, self.name, line, change, self.lines[line - 1].strip(), why_not)
        self.mutants.append(mutant)
        self.next_id += 1
        return mutant

    def range(self, cursor):
        extent = cursor.extent
        if not extent.start.file or extent.start.file.name != self.path or extent.end.file.name != self.path:
            return (0, 0)
        return (extent.start.offset, extent.end.offset)

    def text(self, cursor):
        start, end = self.range(cursor)
        return self.source[start:end].decode()

    def shown(self, cursor):
        text = " ".join(self.text(cursor).split())
        return text if len(text) <= 70 else text[:67] + "..."

    def around(self, cursor):
        """The column's neighbourhood: one line may have the same number twice."""
        start, end = self.range(cursor)
        line_start = self.source.rfind(b"\n", 0, start) + 1
        line_end = self.source.find(b"\n", end)
        before, after = self.source[line_start:start].decode(), self.source[end:line_end].decode()
        return (before.strip()[-16:] + "[" + self.text(cursor) + "]" + after[:12]).strip()

    def operator_between(self, children):
        start, end = self.range(children[0])[1], self.range(children[1])[0]
        # A comment must not be taken for an operator; its place is kept.
        return re.sub(r"//[^\n]*|/\*.*?\*/", lambda m: " " * len(m[0]), self.source[start:end].decode(), flags=re.S)

    def operator(self, children):
        return self.operator_between(children).strip() if len(children) == 2 else ""

    def operator_at(self, children, operator):
        return self.range(children[0])[1] + self.operator_between(children).index(operator)

    def same_operator(self, cursor, operator):
        while cursor.kind == K.UNEXPOSED_EXPR:
            inner = list(cursor.get_children())
            if len(inner) != 1:
                return False
            cursor = inner[0]
        return cursor.kind == K.BINARY_OPERATOR and self.operator(list(cursor.get_children())) == operator

    def is_bool(self, cursor):
        return cursor.type.get_canonical().kind == TypeKind.BOOL

    def is_constexpr(self, cursor):
        for token in cursor.get_tokens():
            if token.spelling in ("constexpr", "=", "{"):
                return token.spelling == "constexpr"
        return False

    def is_constant(self, declared):
        return (declared is not None and declared.kind == K.VAR_DECL
                and declared.type.get_canonical().kind in INTEGERS and self.is_constexpr(declared))

    # --- The new text ----------------------------------------------------------------------------------------------

    def wrap(self, where, before, after):
        self.wraps.append((*where, len(self.wraps), before, after))

    def rewritten(self):
        """Where several begin at one place, the longest is outermost; where they are as long, the first."""
        edits = []
        for start, end, order, before, after in self.wraps:
            edits.append((start, 1, -end, order, start, before))
            edits.append((end, 0, -start, -order, end, after))
        for start, end, text in self.replaced:
            edits.append((start, 2, 0, 0, end, text))
        out, at = [], 0
        for start, _, _, _, end, text in sorted(edits):
            out += [self.source[at:start].decode(), text]
            at = end
        out.append(self.source[at:].decode())
        # The flag 3 is that of system headers: no warnings for what nobody wrote.
        return f'#include "mutation.hpp"\n# 1 "{self.name}" 3\n' + "".join(out)
