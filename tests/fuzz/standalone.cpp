// A fuzz target without a fuzzer, for any compiler: runs it once on every file of the folders it is given, and looks at
// the memory that it asks for. That a file makes the program stop is what the fuzzer would report as well.

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <new>

#include "fuzz.hpp"

namespace {

std::atomic<std::size_t> largest{0}; // number of bytes that were asked for at once

void* allocate(std::size_t size) {
    for (std::size_t seen = largest; size > seen && !largest.compare_exchange_weak(seen, size);) {}
    return std::malloc(std::max<std::size_t>(size, 1));
}

} // namespace

void* operator new(std::size_t size) {
    void* const memory = allocate(size);
    if (memory == nullptr) { throw std::bad_alloc(); }
    return memory;
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return allocate(size); }
// Not inlined: beside a new that is a call, GCC 14 would take the bare free() for the wrong partner of it.
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

int main(int argc, char** argv) {
    namespace fs = std::filesystem;
    std::vector<fs::path> files;
    for (int i = 1; i < argc; ++i) {
        for (const auto& entry : fs::directory_iterator(argv[i])) { files.push_back(entry.path()); }
    }
    std::sort(files.begin(), files.end());
    for (const fs::path& file : files) {
        std::ifstream stream(file, std::ios::binary);
        const std::vector<char> bytes{std::istreambuf_iterator<char>(stream), {}};
        std::fprintf(stderr, "%s: %zu bytes\n", file.c_str(), bytes.size());
        largest = 0;
        LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
        // What a header promises is not believed: two megabytes of buffers, and what deflate can make of these bytes.
        fuzz::require(largest <= (std::size_t{1} << 21) + 1032 * 2 * bytes.size(), "memory is asked for in proportion");
    }
    std::printf("%zu files\n", files.size());
    return files.empty() ? 1 : 0;
}
