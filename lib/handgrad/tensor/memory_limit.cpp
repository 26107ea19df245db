#include "memory_limit.hpp"

#include <sys/mman.h>
#include <sys/resource.h>

namespace handgrad {

bool memory_is_limited() {
    static const bool limited = [] {
        rlimit space = {}, data = {};
        return (::getrlimit(RLIMIT_AS, &space) == 0 && space.rlim_cur != RLIM_INFINITY) ||
               (::getrlimit(RLIMIT_DATA, &data) == 0 && data.rlim_cur != RLIM_INFINITY);
    }();
    return limited;
}

bool memory_is_left(std::size_t bytes) {
    void* const memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory != MAP_FAILED && ::munmap(memory, bytes) == 0;
}

} // namespace handgrad
