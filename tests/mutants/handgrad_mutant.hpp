#pragma once
// Which planted bug is at work: the number in HANDGRAD_MUTANT, asked for once; 0 is none. See mutants.py. If
// HANDGRAD_REACHED names a file, the program adds to it, when it ends, the numbers of all bugs whose place it went through.

#include <cstdio>
#include <cstdlib>
#include <type_traits>

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

// An argument in the place of another, which only one of the same type may take: otherwise ?: would convert both, and so
// change the program without any bug at work. handgrad_exchanged<decltype((old))>(new)
template <class Old, class New, class = std::enable_if_t<std::is_same_v<std::decay_t<Old>, std::decay_t<New>>>>
constexpr New&& handgrad_exchanged(New&& value) {
    return static_cast<New&&>(value);
}
