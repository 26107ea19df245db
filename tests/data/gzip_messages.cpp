// What a damaged gzip file says is wrong, and how large a good one may be.

#include <cstdint>
#include <vector>

#include "catch.hpp"
#include "handgrad/data/byte_source.hpp"
#include "handgrad/error.hpp"
#include "support/gzip.hpp"
#include "support/tensors.hpp"

using namespace handgrad;

TEST_CASE("a damaged gzip file is refused with zlib's reason", "[data][idx]") {
    const std::string plain(1000, 'x'), packed = support::gzip(plain);
    const auto message = [](const std::string& bytes) {
        return support::message_of<DataError>([&] {
            data::ByteSource source(bytes, "digits");
            std::vector<std::uint8_t> out(1000);
            source.read(out.data(), out.size());
            source.read(out.data(), 1); // the checksum stands after the last byte
        });
    };
    REQUIRE(message(packed) == "no exception");
    std::string damaged = packed;
    damaged[damaged.size() - 8] ^= 1; // the first byte of the checksum
    CHECK(message(damaged) == "digits: the gzip data are damaged (incorrect data check)");
    damaged = packed;
    damaged[damaged.size() - 4] ^= 1; // the first byte of the length
    CHECK(message(damaged) == "digits: the gzip data are damaged (incorrect length check)");
    damaged = packed;
    damaged[2] = 7; // the method of compression
    CHECK(message(damaged) == "digits: the gzip data are damaged (unknown compression method)");
    CHECK(message(packed.substr(0, 20)) == "digits: the gzip data end too early: the file is truncated");
}

TEST_CASE("gzip data hold at most 1032 times their own size", "[data][idx]") {
    const std::string plain(std::size_t{1} << 24, 0), packed = support::gzip(plain);
    const data::ByteSource source(packed, "zeros");
    CHECK(source.largest_size() >= plain.size());
    CHECK(source.largest_size() == 1032 * packed.size()); // 258 bytes from two bits, in 8 bits of a byte
    CHECK(data::ByteSource(plain, "plain").largest_size() == plain.size());
}
