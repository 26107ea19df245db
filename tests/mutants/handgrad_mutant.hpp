#pragma once
// Which planted bug is at work: the number in HANDGRAD_MUTANT, asked for once; 0 is none. See mutants.py.

#include <cstdlib>

inline const int handgrad_active_mutant = [] {
    const char* const number = std::getenv("HANDGRAD_MUTANT");
    return number == nullptr ? 0 : std::atoi(number);
}();

inline bool handgrad_mutant(int number) { return handgrad_active_mutant == number; }
