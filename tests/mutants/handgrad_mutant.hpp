#pragma once
// Which planted bug is at work: the number in HANDGRAD_MUTANT, asked for once; 0 is none. See mutants.py. If
// HANDGRAD_REACHED names a file, the program adds to it, when it ends, the numbers of all bugs whose place it went through.

#include <cstdio>
#include <cstdlib>

inline const int handgrad_active_mutant = [] {
    const char* const number = std::getenv("HANDGRAD_MUTANT");
    return number == nullptr ? 0 : std::atoi(number);
}();

struct HandgradReached {
    static constexpr int most = 1 << 15;
    unsigned char numbers[most] = {};
    ~HandgradReached() {
        const char* const name = std::getenv("HANDGRAD_REACHED");
        std::FILE* const file = name == nullptr ? nullptr : std::fopen(name, "a");
        if (file == nullptr) { return; }
        for (int i = 0; i < most; ++i) {
            if (numbers[i] != 0) { std::fprintf(file, "%d\n", i); }
        }
        std::fclose(file);
    }
};
inline HandgradReached handgrad_reached;

inline bool handgrad_note(int number) {
    __atomic_store_n(&handgrad_reached.numbers[number], static_cast<unsigned char>(1), __ATOMIC_RELAXED);
    return handgrad_active_mutant == number;
}

// What the compiler computes has no bugs; they would not compile there.
constexpr bool handgrad_mutant(int number) { return !__builtin_is_constant_evaluated() && handgrad_note(number); }
