#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <sys/stat.h>
#include <zlib.h>

#include "catch.hpp"
#include "handgrad/data/idx.hpp"
#include "handgrad/error.hpp"
#include "support/gzip.hpp"
#include "support/temporary_folder.hpp"

using namespace handgrad;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::EndsWith;
using support::gzip;
using support::TemporaryFolder;
using Bytes = std::vector<std::uint8_t>;

namespace {

Bytes idx_header(std::uint8_t type, const std::vector<std::uint32_t>& extents) {
    Bytes bytes{0, 0, type, static_cast<std::uint8_t>(extents.size())};
    for (const std::uint32_t e : extents) {
        for (const int shift : {24, 16, 8, 0}) { bytes.push_back(static_cast<std::uint8_t>(e >> shift)); }
    }
    return bytes;
}

// 2 images of 3 x 4 pixels with values 0, 1, .. 23.
Bytes small_file() {
    Bytes bytes = idx_header(0x08, {2, 3, 4});
    for (std::uint8_t i = 0; i < 24; ++i) { bytes.push_back(i); }
    return bytes;
}

data::Idx parse(const Bytes& bytes, std::size_t rank = 3) {
    return data::parse_idx(bytes.data(), bytes.size(), "digits", rank);
}

// The message of the DataError that reading throws: one line that names the file.
std::string error_of(const Bytes& bytes, std::size_t rank = 3) {
    try {
        parse(bytes, rank);
    } catch (const DataError& error) {
        const std::string message = error.what();
        REQUIRE_THAT(message, Catch::Matchers::StartsWith("digits: "));
        REQUIRE(message.find('\n') == std::string::npos);
        return message;
    }
    return "no error";
}

} // namespace

TEST_CASE("IDX data is read from memory and files, plain and gzipped", "[data][idx]") {
    const TemporaryFolder folder;
    const Bytes plain = small_file();
    const Bytes packed = gzip(plain);
    for (const data::Idx& idx : {parse(plain), parse(packed), data::read_idx(folder.write("plain", plain), 3),
                                 data::read_idx(folder.write("packed", packed), 3)}) {
        REQUIRE(idx.shape == Shape{2, 3, 4});
        REQUIRE(idx.bytes == Bytes(plain.begin() + 16, plain.end()));
    }
    REQUIRE(parse(idx_header(0x08, {0}), 1).bytes.empty());
}

TEST_CASE("a gzipped IDX file of several megabytes is read whole", "[data][idx]") {
    Bytes plain = idx_header(0x08, {5, 1000, 1001}); // several pieces, the last one not full
    std::uint32_t noise = 1;
    for (std::size_t i = 0; i < 5 * 1000 * 1001; ++i) {
        noise = noise * 1664525U + 1013904223U;
        plain.push_back(static_cast<std::uint8_t>(noise >> 24));
    }
    REQUIRE(parse(gzip(plain)).bytes == Bytes(plain.begin() + 16, plain.end()));
}

TEST_CASE("IDX data cut off anywhere is refused", "[data][idx]") {
    const TemporaryFolder folder;
    for (const Bytes& whole : {small_file(), gzip(small_file())}) {
        for (std::size_t size = 0; size < whole.size(); ++size) {
            CAPTURE(size, whole.size());
            const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
            REQUIRE(error_of(cut) != "no error");
            REQUIRE_THROWS_AS(data::read_idx(folder.write("cut", cut), 3), DataError);
        }
    }
}

TEST_CASE("IDX data with bytes after the end is refused", "[data][idx]") {
    Bytes plain = small_file();
    Bytes after_gzip = gzip(plain);
    after_gzip.push_back(0);
    CHECK_THAT(error_of(after_gzip), EndsWith("1 bytes after the end of the gzip data"));
    Bytes two_members = gzip(plain);
    const Bytes second = gzip(Bytes{1});
    two_members.insert(two_members.end(), second.begin(), second.end());
    CHECK_THAT(error_of(two_members), ContainsSubstring("after the end of the gzip data"));
    plain.push_back(0);
    CHECK_THAT(error_of(plain), ContainsSubstring("41 bytes, expected 40"));
    CHECK_THAT(error_of(gzip(plain)), ContainsSubstring("continues after the 24 values"));
}

TEST_CASE("IDX headers that are wrong are refused", "[data][idx]") {
    Bytes bytes = small_file();
    bytes[0] = 1;
    CHECK_THAT(error_of(bytes), ContainsSubstring("01 00, expected 00 00"));
    bytes = small_file();
    bytes[2] = 0x0d;
    CHECK_THAT(error_of(bytes), ContainsSubstring("type 0x0d, expected 0x08"));
    CHECK_THAT(error_of(small_file(), 1), ContainsSubstring("has 3 dimensions, expected 1"));
    bytes = small_file();
    bytes[7] = 3; // three images promised, two there
    CHECK_THAT(error_of(bytes), ContainsSubstring("40 bytes, expected 52 (header (3, 3, 4), values 36)"));
    CHECK_THAT(error_of(gzip(bytes)), ContainsSubstring("ends after 24 values, expected 36"));
    bytes[7] = 1;
    CHECK_THAT(error_of(bytes), ContainsSubstring("40 bytes, expected 28"));
    CHECK_THAT(error_of(gzip(bytes)), ContainsSubstring("continues after the 12 values"));
}

TEST_CASE("IDX headers that promise the moon allocate nothing", "[data][idx]") {
    for (const std::vector<std::uint32_t>& extents : {std::vector<std::uint32_t>{0x80000000U, 28, 28},
                                                      {0xffffffffU, 0xffffffffU, 0xffffffffU},
                                                      {0x10000U, 0x10000U, 0x10000U}, // 2^48
                                                      {0x80000000U, 0x80000000U, 4},  // 2^64: zero, if it overflowed
                                                      {60000, 28, 28}}) {
        Bytes bytes = idx_header(0x08, extents);
        bytes.resize(100);
        CHECK(error_of(bytes) != "no error");
        CHECK(error_of(gzip(bytes)) != "no error");
    }
    CHECK_THAT(error_of(idx_header(0x08, {0x80000000U, 28, 28})),
               ContainsSubstring("announces more than 1073741824 values"));
    CHECK_THAT(error_of(gzip(idx_header(0x08, {60000, 28, 28}))), ContainsSubstring("at most"));
}

TEST_CASE("a gzip bomb is stopped where the header says the data end", "[data][idx]") {
    Bytes bomb = idx_header(0x08, {2, 3, 4});
    bomb.resize(50'000'000);
    const Bytes packed = gzip(bomb);
    REQUIRE(packed.size() < 100'000);
    CHECK_THAT(error_of(packed), ContainsSubstring("continues after the 24 values"));
    // The same without an honest header: a gigabyte at most is promised, and a thousandfold of the file's size.
    Bytes promise = idx_header(0x08, {1024, 1024, 1024});
    promise.resize(1'000'000);
    CHECK_THAT(error_of(gzip(promise)), ContainsSubstring("at most"));
}

TEST_CASE("a gzip file may not expand to a thousand times its size, unless it is small", "[data][idx]") {
    CHECK(data::max_gzip_values(1'000'000) == 116'777'216);
    const std::vector<std::uint32_t> extents{8, 2048, 1024}; // 16 MiB
    Bytes plain = idx_header(0x08, extents);
    plain.resize(plain.size() + (16U << 20));
    CHECK(parse(gzip(plain)).shape == Shape{8, 2048, 1024});
    plain = idx_header(0x08, {24, 2048, 1024});
    plain.resize(plain.size() + 24 * 2048 * 1024); // zeros: 48 MiB in 48 KiB, and an honest header
    const Bytes packed = gzip(plain);
    REQUIRE(packed.size() < 100'000);
    CHECK_THAT(error_of(packed), ContainsSubstring("gzipped bytes promises 50331648 values, expected at most"));
    CHECK(parse(plain).shape == Shape{24, 2048, 1024});
}

TEST_CASE("the extents of an IDX file are checked before its values are read", "[data][idx]") {
    const TemporaryFolder folder;
    const Bytes whole = small_file();
    const auto refuse = [](const Shape& shape) { throw DataError("shape " + to_string(shape)); };
    for (const Bytes& bytes : {whole, Bytes(whole.begin(), whole.begin() + 16), gzip(whole)}) {
        CHECK_THROWS_WITH(data::read_idx(folder.write("x", bytes), 3, refuse), "shape (2, 3, 4)");
    }
    CHECK(data::read_idx(folder.write("x", whole), 3, [](const Shape&) {}).bytes.size() == 24);
}

TEST_CASE("gzip data with any bit wrong is refused or means the same", "[data][idx]") {
    const Bytes plain = small_file();
    const Bytes packed = gzip(plain);
    const Bytes values(plain.begin() + 16, plain.end());
    int refused = 0;
    for (std::size_t i = 0; i < packed.size(); ++i) {
        for (int bit = 0; bit < 8; ++bit) {
            Bytes damaged = packed;
            damaged[i] = static_cast<std::uint8_t>(damaged[i] ^ (1U << bit));
            CAPTURE(i, bit);
            try {
                const data::Idx idx = parse(damaged);
                REQUIRE(idx.bytes == values); // bits that nobody needs: time and system in the header, padding
            } catch (const DataError&) { ++refused; }
        }
    }
    REQUIRE(refused > static_cast<int>(8 * (packed.size() - 11))); // 10 bytes of header, up to 7 bits of padding
    Bytes checksum = packed;
    checksum[packed.size() - 8] ^= 1U;
    CHECK_THAT(error_of(checksum), ContainsSubstring("damaged"));
}

TEST_CASE("only regular files are read", "[data][idx]") {
    const TemporaryFolder folder;
    CHECK_THROWS_WITH(data::read_idx(folder / "nowhere", 3), EndsWith("/nowhere': No such file or directory"));
    CHECK_THROWS_WITH(data::read_idx(folder.path(), 3), EndsWith("': Is a directory"));
    const auto fifo = folder / "fifo";
    REQUIRE(mkfifo(fifo.c_str(), 0600) == 0);
    CHECK_THROWS_WITH(data::read_idx(fifo, 3),
                      ContainsSubstring("not a regular file")); // and does not wait for a writer
    CHECK_THROWS_WITH(data::read_idx("/dev/zero", 3), ContainsSubstring("not a regular file"));
    CHECK_THROWS_WITH(data::read_idx(folder.write("empty", Bytes{}), 3),
                      ContainsSubstring("ends within the magic number"));
    const auto huge = folder.write("huge", small_file());
    std::filesystem::resize_file(huge, std::uintmax_t{1} << 32); // a sparse file
    CHECK_THROWS_WITH(data::read_idx(huge, 3), EndsWith("it has 4294967296 bytes, expected at most 1073741840"));
}
