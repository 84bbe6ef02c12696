// Included into every mutated file. Each function below is the original unless its own mutant is the one asked for.
#pragma once
#pragma GCC system_header  // no warnings for what a mutant compares

#include <algorithm>

namespace hpkp::mutation {

extern int active;              // from HPKP_MUTANT; 0: none
extern unsigned char* reached;  // one byte a mutant, set once it has been evaluated

inline bool is(int mutant)
{
    reached[mutant] = 1;
    return mutant == active;
}

template <typename A, typename B>
bool less(int mutant, const A& a, const B& b)
{
    return is(mutant) ? a <= b : a < b;
}

template <typename A, typename B>
bool less_equal(int mutant, const A& a, const B& b)
{
    return is(mutant) ? a < b : a <= b;
}

template <typename A, typename B>
bool greater(int mutant, const A& a, const B& b)
{
    return is(mutant) ? a >= b : a > b;
}

template <typename A, typename B>
bool greater_equal(int mutant, const A& a, const B& b)
{
    return is(mutant) ? a > b : a >= b;
}

template <typename A, typename B>
auto plus(int mutant, const A& a, const B& b) -> decltype(a + b)
{
    return is(mutant) ? a - b : a + b;
}

template <typename A, typename B>
auto minus(int mutant, const A& a, const B& b) -> decltype(a - b)
{
    return is(mutant) ? a + b : a - b;
}

/// One more, and one less.
template <typename T>
T number(int more, int less, T value)
{
    return is(more) ? T(value + 1) : is(less) ? T(value - 1) : value;
}

template <typename T>
const T& max(int mutant, const T& a, const T& b)
{
    return is(mutant) ? std::min(a, b) : std::max(a, b);
}

template <typename T>
const T& min(int mutant, const T& a, const T& b)
{
    return is(mutant) ? std::max(a, b) : std::min(a, b);
}

template <typename It, typename Test>
bool any_of(int mutant, It from, It to, Test test)
{
    return is(mutant) ? std::all_of(from, to, test) : std::any_of(from, to, test);
}

template <typename It, typename Test>
bool all_of(int mutant, It from, It to, Test test)
{
    return is(mutant) ? std::any_of(from, to, test) : std::all_of(from, to, test);
}

template <typename It, typename Test>
bool none_of(int mutant, It from, It to, Test test)
{
    return is(mutant) ? !std::all_of(from, to, test) : std::none_of(from, to, test);
}

}  // namespace hpkp::mutation
