// Every format that is read, damaged in every way that is cheap to try: cut off behind every byte, and with random bits
// flipped. A file is read or refused in one line; and it is not read if a length or a checksum says that it is wrong.

#include <functional>

#include "catch.hpp"
#include "handgrad/data/idx.hpp"
#include "support/gzip.hpp"
#include "support/saved_run.hpp"

using namespace handgrad;
using namespace support;

namespace {

/// Reads a file; returns all that it says, in words that are the same only if the contents are. Throws DataError.
using Reader = std::function<std::string(const std::string&)>;

struct Format {
    std::string name;
    std::string whole; ///< a good file
    Reader read;
    bool checked; ///< whether a checksum covers the contents: what is read is what was written
};

std::string idx_file() {
    std::string file("\0\0\x08\x03\0\0\0\x05\0\0\0\x03\0\0\0\x04", 16);
    for (int i = 0; i < 60; ++i) { file += static_cast<char>(7 * i); }
    return file;
}

std::string read_idx(const std::string& bytes) {
    const auto idx = data::parse_idx(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size(), "file", 3);
    if (idx.bytes.size() != idx.shape[0] * idx.shape[1] * idx.shape[2]) {
        throw std::logic_error("half of an IDX file");
    }
    return to_string(idx.shape) + std::string(idx.bytes.begin(), idx.bytes.end());
}

std::string read_tensors(const std::string& bytes) { return io::to_bytes(io::parse_safetensors(bytes, "file")); }

/// A run that has gone on from a checkpoint; `folder` is where it is saved again, to be compared.
std::string read_run(const std::string& bytes, const TemporaryFolder& folder) {
    Resumable<Cpu<float>> fresh;
    train::parse_checkpoint(bytes, "file", fresh.run);
    return all_of(fresh, folder);
}

std::vector<Format> formats(const Saved& saved) {
    const std::string checkpoint = read_bytes(saved.path);
    return {
        {"IDX", idx_file(), read_idx, false},
        {"gzipped IDX", gzip(idx_file()), read_idx, true},
        {"safetensors", checkpoint, read_tensors, false},
        {"checkpoint", checkpoint, [&saved](const std::string& bytes) { return read_run(bytes, saved.folder); }, true}};
}

/// Whether a damaged file is refused; fails the test if it is neither read nor refused as it should be.
bool refused(const Format& format, const std::string& damaged, const std::string& contents) {
    try {
        const std::string read = format.read(damaged);
        if (format.checked && read != contents) { FAIL_CHECK(format.name << ": damage goes unnoticed"); }
        return false;
    } catch (const DataError& error) {
        const std::string message = error.what();
        if (message.substr(0, 6) != "file: " || message.find('\n') != std::string::npos) { FAIL_CHECK(message); }
        return true;
    }
}

} // namespace

TEST_CASE("every file that is cut off anywhere is refused", "[damage]") {
    const Saved saved;
    for (const Format& format : formats(saved)) {
        const std::string contents = format.read(format.whole);
        for (std::size_t n = 0; n < format.whole.size(); ++n) {
            if (!refused(format, format.whole.substr(0, n), contents)) {
                FAIL_CHECK(format.name << ": " << n << " bytes of " << format.whole.size() << " are read");
            }
        }
        CHECK_FALSE(refused(format, format.whole, contents));
    }
}

TEST_CASE("ten thousand files of every format with random bits flipped are refused or read", "[damage]") {
    const Saved saved;
    for (const Format& format : formats(saved)) {
        const std::string contents = format.read(format.whole);
        Random random(20);
        int count = 0;
        for (int i = 0; i < 10'000; ++i) {
            std::string damaged = format.whole;
            // Half of them near the front, where the headers are; one bit or a few.
            const std::size_t within =
                random.below(2) == 0 ? damaged.size() : std::min<std::size_t>(damaged.size(), 64);
            for (std::uint64_t flips = random.below(4) + 1; flips > 0; --flips) {
                char& byte = damaged[random.below(within)];
                byte = static_cast<char>(byte ^ (1 << random.below(8)));
            }
            count += refused(format, damaged, contents) ? 1 : 0;
        }
        INFO(format.name << ": " << count << " of 10000 are refused");
        CHECK(count > 2'000);
        if (!format.checked) { CHECK(count < 10'000); } // in plain numbers nothing can be wrong
    }
}
