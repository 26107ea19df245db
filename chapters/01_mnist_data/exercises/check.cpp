// Marks the coding exercises of chapter 01. Angle brackets: the include path says whether these are the stubs or the
// solutions.

#include <string>

#include <handgrad/check/check.hpp>
#include <handgrad/check/exercise.hpp>

#include <idx_header.hpp>
#include <standardize.hpp>

using namespace handgrad;

namespace {

void mark_standardize(check::Exercise& exercise) {
    // Columns whose mean and standard deviation can be reckoned: 2 and sqrt(2), 10 and 5, 0 and 1.
    const Tensor<double> x{{0.0, 5.0, -1.0}, {2.0, 15.0, 1.0}, {2.0, 5.0, 1.0}, {4.0, 15.0, -1.0}};
    const double r = 1.4142135623730951;
    exercise.value("y", standardize(x),
                   Tensor<double>{{-r, -1.0, -1.0}, {0.0, 1.0, 1.0}, {0.0, -1.0, 1.0}, {r, 1.0, -1.0}});
    // A large mean must not cost all digits.
    const Tensor<double> far{{1e8 - 1.0, 1e8 + 1.0}, {1e8 + 1.0, 1e8 - 1.0}};
    exercise.value("y of 1e8 - 1 and 1e8 + 1", standardize(far), Tensor<double>{{-1.0, 1.0}, {1.0, -1.0}}, {1e-6, 0});
}

using Bytes = std::vector<std::uint8_t>;

Bytes header(std::initializer_list<unsigned> extents) {
    Bytes bytes{0, 0, 8, static_cast<std::uint8_t>(extents.size())};
    for (const unsigned extent : extents) {
        for (const int shift : {24, 16, 8, 0}) { bytes.push_back(static_cast<std::uint8_t>(extent >> shift)); }
    }
    return bytes;
}

Bytes with_values(Bytes bytes, std::size_t count) {
    bytes.resize(bytes.size() + count, 7);
    return bytes;
}

void expect_refusal(check::Exercise& exercise, const std::string& what, const Bytes& file) {
    try {
        idx_shape(file);
        exercise.require(false, what + ": accepted, expected a DataError");
    } catch (const DataError&) { exercise.require(true, what); }
}

void mark_idx(check::Exercise& exercise) {
    for (const auto& extents : {std::initializer_list<unsigned>{2, 3, 4}, {300, 28, 28}}) {
        std::size_t values = 1;
        for (const unsigned extent : extents) { values *= extent; }
        const Shape shape = idx_shape(with_values(header(extents), values));
        Tensor<double> got = zeros<double>({shape.size()}), expected = zeros<double>({extents.size()});
        std::copy(shape.begin(), shape.end(), got.begin());
        std::copy(extents.begin(), extents.end(), expected.begin());
        exercise.value("shape", got, expected);
    }
    expect_refusal(exercise, "no byte at all", {});
    expect_refusal(exercise, "first byte 1", [] {
        Bytes bytes = with_values(header({2}), 2);
        bytes[0] = 1;
        return bytes;
    }());
    expect_refusal(exercise, "type 13", [] {
        Bytes bytes = with_values(header({2}), 8);
        bytes[2] = 13;
        return bytes;
    }());
    const Bytes cut = header({2, 3, 4});
    expect_refusal(exercise, "header cut off", Bytes(cut.begin(), cut.begin() + 10));
    expect_refusal(exercise, "a value too few", with_values(header({2, 3, 4}), 23));
    expect_refusal(exercise, "a value too many", with_values(header({2, 3, 4}), 25));
    // 2^16 * 2^16 * 2^32 is 2^64, and 64 bits hold nothing of it.
    expect_refusal(exercise, "2^64 values promised, none there", header({65536, 65536, 65536, 65536}));
}

} // namespace

int main(int argc, char** argv) {
    check::Exercises exercises;
    exercises.add("01.4", "standardize", "standardize.hpp", mark_standardize);
    exercises.add("01.5", "idx_shape", "idx_header.hpp", mark_idx);
    return exercises.main(argc, argv);
}
