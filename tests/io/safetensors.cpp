// The file format safetensors: bytes that are known, bytes that are refused and why, bytes that are damaged.

#include <cstring>
#include <limits>

#include <sys/stat.h>

#include "catch.hpp"
#include "handgrad/error.hpp"
#include "handgrad/io/file.hpp"
#include "handgrad/io/safetensors.hpp"
#include "handgrad/tensor/random.hpp"
#include "support/temporary_folder.hpp"
#include "support/tensors.hpp"

using namespace handgrad;
using namespace support;

namespace {

/// Two tensors of two types, and a text.
io::Safetensors small_tensors() {
    io::Safetensors file;
    file.metadata = {{"made by", "hand"}};
    file.tensors.push_back(io::stored("w", Tensor<float>{{1.0F, -2.0F, 0.5F}}));
    file.tensors.push_back(io::stored("n", Tensor<std::int64_t>{7, -1}));
    return file;
}

/// A file with this header and these numbers behind it.
std::string with_header(const std::string& header, const std::string& numbers = "") {
    std::string length(8, '\0');
    const std::uint64_t n = header.size();
    std::memcpy(length.data(), &n, 8);
    return length + header + numbers;
}

std::string refusal(const std::string& bytes) {
    return message_of<DataError>([&] { io::parse_safetensors(bytes, "f"); });
}

/// The refusal of one tensor "a" with this description, eight bytes behind it.
std::string refused_entry(const std::string& description) {
    return refusal(with_header("{\"a\":" + description + "}", std::string(8, 'x')));
}

bool same(const io::Safetensors& a, const io::Safetensors& b) { return io::to_bytes(a) == io::to_bytes(b); }

} // namespace

TEST_CASE("a small file is known byte for byte", "[safetensors]") {
    const std::string header = "{\"__metadata__\":{\"made by\":\"hand\"},"
                               "\"n\":{\"dtype\":\"I64\",\"shape\":[2],\"data_offsets\":[0,16]},"
                               "\"w\":{\"dtype\":\"F32\",\"shape\":[1,3],\"data_offsets\":[16,28]}}      ";
    REQUIRE(header.size() == 152);
    const std::string expected = std::string("\x98\0\0\0\0\0\0\0", 8) + header +
                                 std::string("\x07\0\0\0\0\0\0\0"                // 7
                                             "\xff\xff\xff\xff\xff\xff\xff\xff"  // -1
                                             "\0\0\x80\x3f\0\0\0\xc0\0\0\0\x3f", // 1, -2, 1/2
                                             28);
    CHECK(io::to_bytes(small_tensors()) == expected);
    const io::Safetensors read = io::parse_safetensors(expected, "f");
    CHECK(read.metadata == small_tensors().metadata);
    REQUIRE(read.tensors.size() == 2);
    CHECK(same_bits(io::tensor_of<float>(*read.find("w")), Tensor<float>{{1.0F, -2.0F, 0.5F}}));
    CHECK(same_bits(io::tensor_of<std::int64_t>(*read.find("n")), Tensor<std::int64_t>{7, -1}));
    CHECK(read.find("x") == nullptr);
    CHECK(message_of<DataError>([&] { io::tensor_of<double>(*read.find("w")); }) ==
          "tensor 'w' has dtype F32, expected F64");
}

TEST_CASE("every number comes back with its bits", "[safetensors]") {
    const TemporaryFolder folder;
    using Limits = std::numeric_limits<double>;
    io::Safetensors file;
    const Tensor<double> odd{0.0, -0.0, Limits::denorm_min(), Limits::max(), Limits::infinity(), -Limits::quiet_NaN(),
                             0.1};
    const Tensor<std::uint8_t> bytes{{{0, 255}, {1, 2}}};
    file.tensors.push_back(io::stored("bytes", bytes));
    file.tensors.push_back(io::stored("odd", odd));
    file.tensors.push_back(io::stored("empty", zeros<float>({3, 0})));
    file.tensors.push_back(io::stored("one", zeros<float>({})));
    file.metadata = {{"text", "a \"quoted\" line\nand \xC3\xA9"}, {"", ""}};
    io::write_safetensors(folder / "x", file);
    const io::Safetensors read = io::read_safetensors(folder / "x");
    CHECK(same_bits(io::tensor_of<double>(*read.find("odd")), odd));
    CHECK(same_bits(io::tensor_of<std::uint8_t>(*read.find("bytes")), bytes));
    CHECK(io::tensor_of<float>(*read.find("empty")).shape() == Shape{3, 0});
    CHECK(io::tensor_of<float>(*read.find("one")).dimension() == 0);
    CHECK(read.metadata == file.metadata);
    CHECK(io::to_bytes(io::Safetensors{}) == with_header("{}      "));
    CHECK(io::parse_safetensors(with_header("{}"), "f").tensors.empty());
}

TEST_CASE("metadata that is not UTF-8 does not stop a file from being written", "[safetensors]") {
    io::Safetensors file;
    file.metadata = {{"path", "a\xff"}};
    CHECK(io::parse_safetensors(io::to_bytes(file), "f").metadata.at("path") == "a\xEF\xBF\xBD");
}

TEST_CASE("what makes no file is not written", "[safetensors]") {
    io::Safetensors file = small_tensors();
    file.tensors.push_back(file.tensors[0]);
    CHECK(message_of([&] { io::to_bytes(file); }) == "safetensors: 'w' is taken, expected another name");
    file.tensors[2].name = "__metadata__";
    CHECK(message_of([&] { io::to_bytes(file); }) == "safetensors: '__metadata__' is taken, expected another name");
    file.tensors[2].name = "v";
    file.tensors[2].bytes += "x";
    CHECK(message_of([&] { io::to_bytes(file); }) ==
          "safetensors: tensor 'v' has 13 bytes, expected 12 for shape (1, 3)");
}

TEST_CASE("each damaged header is refused with what is wrong", "[safetensors]") {
    CHECK(refusal("1234567") == "f: has 7 bytes, too few for a safetensors file: it is truncated");
    CHECK(refusal(std::string(8, '\xff') + "{}") ==
          "f: its header has 18446744073709551615 bytes, expected at most 100000000: it is not a safetensors file");
    CHECK(refusal(std::string("\x03\0\0\0\0\0\0\0{}", 10)) ==
          "f: its header has 3 bytes, but 2 follow: it is truncated");
    CHECK(refusal(with_header("")) == "f: the header does not begin with '{'");
    CHECK(refusal(with_header("\xEF\xBB\xBF{}")) == "f: the header does not begin with '{'");
    CHECK(refusal(with_header("[1]")) == "f: the header does not begin with '{'");
    CHECK(refusal(with_header("{} x")) == "f: the header is not valid JSON at byte 4");
    CHECK(refusal(with_header(std::string("{}\0x", 4))) == "f: the header is not valid JSON at byte 3");
    CHECK(refusal(with_header("{\"a\":")) == "f: the header is not valid JSON at byte 6");
    CHECK(refusal(with_header("{\"\xff\":1}")) == "f: the header is not valid JSON at byte 3");
    CHECK(refusal(with_header("{\"a\":1e999}")) == "f: the header has a number that is out of range");
    CHECK(refusal(with_header("{\"a\":[]}")) == "f: tensor 'a' is described by a list, expected an object");
    CHECK(refusal(with_header("{\"a\":1e3}")) == "f: tensor 'a' is described by 1000.0, expected an object");
    CHECK(refusal(with_header("{\"__metadata__\":null}")) == "f: the metadata is null, expected an object of strings");
    CHECK(refusal(with_header("{\"__metadata__\":{\"k\":true}}")) ==
          "f: the metadata has true for 'k', expected a string");
    CHECK(refusal(with_header("{\"__metadata__\":{\"k\":{}}}")) ==
          "f: the metadata has an object for 'k', expected a string");
    CHECK(refusal(with_header("{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}}")) == "f: the metadata names 'k' twice");
    CHECK(refusal(with_header("{\"__metadata__\":{},\"__metadata__\":{}}")) ==
          "f: the header names '__metadata__' twice");
    const std::string a = "\"a\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}";
    CHECK(refusal(with_header("{" + a + "," + a + "}")) == "f: the header names 'a' twice");
    CHECK(refusal(with_header("{" + a + "}", "xy")) == "f: 2 bytes at its end belong to no tensor");
    const std::string deep = "{\"a\":{\"shape\":" + std::string(1'000'000, '[');
    CHECK(refusal(with_header(deep)) == "f: tensor 'a' has a list in its shape, expected whole numbers, 0 or more");
    const std::string long_name = std::string(99, 'n') + "\\n";
    CHECK(refusal(with_header("{\"" + long_name + "\":1}")) ==
          "f: tensor '" + std::string(80, 'n') + "...' is described by 1, expected an object");
    CHECK(refusal(with_header("{\"a\\nb\":1}")) == "f: tensor 'a?b' is described by 1, expected an object");
}

TEST_CASE("each damaged description of a tensor is refused with what is wrong", "[safetensors]") {
    const std::string f = "f: tensor 'a' ", whole = ", expected whole numbers, 0 or more";
    CHECK(refused_entry(R"({})") == f + "has no dtype");
    CHECK(refused_entry(R"({"dtype":"F32"})") == f + "has no shape");
    CHECK(refused_entry(R"({"dtype":"F32","shape":[2]})") == f + "has no data_offsets");
    CHECK(refused_entry(R"({"dtype":"F32","shape":[2],"data_offsets":[0]})") == f + "has 1 data_offsets, expected 2");
    CHECK(refused_entry(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8,9]})") == f + "has more than 2 data_offsets");
    CHECK(refused_entry(R"({"dtype":"F32","dtype":"F64"})") == f + "has 'dtype' twice");
    CHECK(refused_entry(R"({"strides":[1]})") ==
          f + "has an unknown field 'strides', expected dtype, shape and data_offsets");
    CHECK(refused_entry(R"({"dtype":32})") == f + "has 32 as its dtype, expected a string");
    CHECK(refused_entry(R"({"shape":"2"})") == f + "has a string in its shape" + whole);
    CHECK(refused_entry(R"({"shape":[-2]})") == f + "has -2 in its shape" + whole);
    CHECK(refused_entry(R"({"shape":[2.0]})") == f + "has 2.0 in its shape" + whole);
    CHECK(refused_entry(R"({"shape":[18446744073709551616]})") ==
          f + "has 1.8446744073709552e+19 in its shape" + whole);
    CHECK(refused_entry(R"({"data_offsets":[0,null]})") == f + "has null in its data_offsets" + whole);
    std::string ones = "1";
    for (int i = 0; i < 32; ++i) { ones += ",1"; }
    CHECK(refused_entry(R"({"shape":[)" + ones + "]}") == f + "has more than 32 dimensions");
    CHECK(refused_entry(R"({"dtype":"F16","shape":[4],"data_offsets":[0,8]})") ==
          f + "has dtype 'F16', expected F64, I64, F32 or U8");
    const auto placed = [](const std::string& shape, const std::string& offsets) {
        return refused_entry(R"({"dtype":"F32","shape":[)" + shape + R"(],"data_offsets":[)" + offsets + "]}");
    };
    CHECK(placed("2", "0,8") == "no exception");
    CHECK(placed("3", "0,8") == f + "has 8 bytes, expected 12 for F32 of shape (3,)");
    CHECK(placed("1", "4,8") ==
          f + "begins at byte 4 of the numbers, expected 0: tensors must neither overlap nor leave gaps");
    CHECK(placed("1", "0,4") == "f: 4 bytes at its end belong to no tensor");
    CHECK(placed("2", "8,0") == f + "has data_offsets 8 and 0, expected the smaller one first");
    CHECK(placed("2", "4,12") == f + "ends at byte 12 of the numbers, but there are 8: the file is truncated");
    CHECK(placed("4611686018427387904,4", "0,8") == f + "has shape (4611686018427387904, 4), too large for any file");
    CHECK(placed("0,4611686018427387904", "0,0") == f + "has shape (0, 4611686018427387904), too large for any file");
    CHECK(refusal(with_header(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
                              R"("b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
                              std::string(8, 'x'))) ==
          "f: tensor 'b' begins at byte 4 of the numbers, expected 8: tensors must neither overlap nor leave gaps");
}

TEST_CASE("a file that ends anywhere too early is refused", "[safetensors]") {
    const std::string whole = io::to_bytes(small_tensors());
    for (std::size_t n = 0; n < whole.size(); ++n) {
        INFO(n << " bytes of " << whole.size());
        CHECK(refusal(whole.substr(0, n)).substr(0, 3) == "f: ");
    }
    CHECK(refusal(whole) == "no exception");
}

TEST_CASE("a flipped bit is refused or seen by the checksum, unless it means nothing", "[safetensors]") {
    io::Safetensors file = small_tensors();
    const std::uint32_t sum = io::checksum(file, "crc");
    file.metadata["crc"] = std::to_string(sum);
    CHECK(io::checksum(file, "crc") == sum);
    const std::string whole = io::to_bytes(file);
    int refused = 0, noticed = 0;
    for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
        std::string bytes = whole;
        bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
        try {
            const io::Safetensors read = io::parse_safetensors(bytes, "f");
            const auto kept = read.metadata.find("crc");
            const bool good = kept != read.metadata.end() && kept->second == std::to_string(io::checksum(read, "crc"));
            noticed += good ? 0 : 1;
            if (good && !same(read, file)) { FAIL_CHECK("bit " << bit << " went unnoticed"); }
        } catch (const DataError&) { ++refused; }
    }
    CHECK(refused > 500);        // most of the header
    CHECK(noticed > 28 * 8 - 1); // every bit of the numbers, for a start
}

TEST_CASE("the checksum covers names, types, shapes and where one text ends", "[safetensors]") {
    const std::uint32_t sum = io::checksum(small_tensors(), "");
    io::Safetensors turned = small_tensors();
    std::swap(turned.tensors[0], turned.tensors[1]);
    CHECK(io::checksum(turned, "") == sum);
    io::Safetensors other = small_tensors();
    other.tensors[0].name = "v";
    CHECK(io::checksum(other, "") != sum);
    other = small_tensors();
    other.tensors[0].shape = {3, 1};
    CHECK(io::checksum(other, "") != sum);
    other = small_tensors();
    other.metadata = {{"made b", "yhand"}};
    CHECK(io::checksum(other, "") != sum);
}

TEST_CASE("ten thousand damaged files are read or refused", "[safetensors]") {
    const std::string whole = io::to_bytes(small_tensors());
    const std::string json = "{}[]\",:0123456789-e.ntf\\u \xff";
    Random random(7);
    int refused = 0;
    for (int i = 0; i < 10'000; ++i) {
        std::string bytes = whole;
        for (std::uint64_t change = random.below(4) + 1; change > 0 && !bytes.empty(); --change) {
            const std::size_t at = random.below(bytes.size());
            switch (random.below(5)) {
            case 0:
                bytes[at] = static_cast<char>(random.below(256));
                break;
            case 1:
                bytes[at] = json[random.below(json.size())];
                break;
            case 2:
                bytes.erase(at, random.below(20));
                break;
            case 3:
                bytes.insert(at, bytes.substr(random.below(bytes.size()), random.below(40)));
                break;
            default:
                bytes.insert(at, 1, json[random.below(json.size())]);
            }
            // Keep the length right half the time, so that more than the first eight bytes is put to the test.
            if (bytes.size() >= 36 && random.below(2) == 0) {
                const std::uint64_t length = bytes.size() - 36;
                std::memcpy(bytes.data(), &length, 8);
            }
        }
        try {
            const io::Safetensors read = io::parse_safetensors(bytes, "f");
            if (!same(io::parse_safetensors(io::to_bytes(read), "f"), read)) { FAIL_CHECK("mutation " << i); }
        } catch (const DataError& error) {
            if (std::string(error.what()).find('\n') != std::string::npos) { FAIL_CHECK(error.what()); }
            ++refused;
        }
    }
    CHECK(refused > 5'000);
    CHECK(refused < 10'000);
}

TEST_CASE("only regular files of a sensible size are read", "[safetensors]") {
    const TemporaryFolder folder;
    const std::string where = "cannot read '" + folder.path().string();
    const auto message = [&](const std::string& name, std::uint64_t largest = 1000) {
        return message_of<DataError>([&] { io::read_safetensors(folder / name, largest); });
    };
    CHECK(message("missing") == where + "/missing': No such file or directory");
    CHECK(message(".") == where + "/.': Is a directory");
    REQUIRE(::mkfifo((folder / "fifo").c_str(), 0600) == 0);
    CHECK(message("fifo") == where + "/fifo': not a regular file");
    CHECK(message_of<DataError>([] { io::read_file("/dev/zero", 10); }) ==
          "cannot read '/dev/zero': not a regular file");
    io::write_file(folder / "x", "12345678");
    CHECK(message("x", 7) == where + "/x': it has 8 bytes, expected at most 7");
    CHECK(message("x") == (folder / "x").string() + ": its header has 4050765991979987505 bytes, expected at most "
                                                    "100000000: it is not a safetensors file");
    CHECK(io::read_file(folder / "x", 8) == "12345678");
    io::require_readable(folder / "x");
    CHECK(message_of<DataError>([&] { io::require_readable(folder / "fifo"); }) ==
          where + "/fifo': not a regular file");
}
