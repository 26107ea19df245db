// What a damaged gzip file says is wrong.

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
