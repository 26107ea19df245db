// Marks the coding exercises of chapter 01. Angle brackets: the include path
// decides whether these are the stubs or the solutions.

#include <cmath>
#include <string>
#include <vector>

#include <handgrad/check/check.hpp>
#include <handgrad/check/exercise.hpp>
#include <handgrad/tensor/random.hpp>

#include <idx_header.hpp>
#include <standardize.hpp>

using namespace handgrad;

namespace {

// ---- 01.4 ----

struct Column {
    double mean, variance; // divided by N
};

Column statistics(const Tensor<double>& x, std::size_t i) {
    const auto N = static_cast<double>(x.shape(0));
    Column c{0, 0};
    for (std::size_t n = 0; n < x.shape(0); ++n) { c.mean += x(n, i) / N; }
    for (std::size_t n = 0; n < x.shape(0); ++n) {
        c.variance += (x(n, i) - c.mean) * (x(n, i) - c.mean) / N;
    }
    return c;
}

// y = formula(x_ni, mean and variance of column i).
template <class F>
Tensor<double> by_columns(const Tensor<double>& x, const F& formula) {
    Tensor<double> y = x;
    for (std::size_t i = 0; i < x.shape(1); ++i) {
        const Column c = statistics(x, i);
        for (std::size_t n = 0; n < x.shape(0); ++n) {
            y(n, i) = formula(x(n, i), c);
        }
    }
    return y;
}

Tensor<double> standardized(const Tensor<double>& x) {
    return by_columns(x, [](double v, Column c) {
        return (v - c.mean) / std::sqrt(c.variance);
    });
}

check::Mistakes standardize_mistakes(const Tensor<double>& x) {
    const auto N = static_cast<double>(x.shape(0));
    Tensor<double> flat = x;
    flat.reshape({x.size(), 1});
    Tensor<double> of_all = standardized(flat);
    of_all.reshape(x.shape());
    const Tensor<double> of_rows =
        xt::transpose(standardized(Tensor<double>(xt::transpose(x))));
    using std::sqrt;
    return {
        {by_columns(x, [](double v, Column c) { return v - c.mean; }),
         "the division by the standard deviation is left out"},
        {by_columns(x, [](double v, Column c) { return v / sqrt(c.variance); }),
         "the mean is not subtracted"},
        {by_columns(
             x, [](double v, Column c) { return (v - c.mean) / c.variance; }),
         "it is divided by the variance: the square root is missing"},
        {by_columns(x,
                    [N](double v, Column c) {
                        return (v - c.mean) / sqrt(c.variance * N / (N - 1));
                    }),
         "the sum of squares is divided by N - 1; here it is N "
         "(unbiased=False)"},
        {by_columns(x,
                    [N](double v, Column c) {
                        return (v - c.mean) / sqrt(c.variance * N);
                    }),
         "the sum of squares is not divided by N"},
        {by_columns(x,
                    [](double v, Column c) {
                        return (v - c.mean) /
                               sqrt(c.variance + c.mean * c.mean);
                    }),
         "the squares are those of x, not of its deviations from the mean"},
        {of_rows, "each row is standardised: the axes are swapped, since each "
                  "column has its own mean and deviation"},
        {of_all, "all columns share one mean and one standard deviation"},
    };
}

void mark_standardize(check::Exercise& exercise) {
    // Mean 2 and standard deviation 2; mean 2 and standard deviation 4.
    const Tensor<double> x{
        {1.0, 0.0}, {1.0, 10.0}, {1.0, 0.0}, {1.0, 0.0}, {6.0, 0.0}};
    exercise.by_hand({{"x", x}});
    exercise.value(
        "y", standardize(x),
        Tensor<double>{
            {-0.5, -0.5}, {-0.5, 2.0}, {-0.5, -0.5}, {-0.5, -0.5}, {2.0, -0.5}},
        standardize_mistakes(x));

    NumpyRandom random(14);
    const Tensor<double> other = random.randn({6, 3}) * 3.0 + 1.0;
    exercise.begin("for random numbers", {{"x", other}});
    exercise.value("y", standardize(other), standardized(other),
                   standardize_mistakes(other));

    const Tensor<double> far{{1e8 - 1.0, 1e8 + 1.0}, {1e8 + 1.0, 1e8 - 1.0}};
    exercise.begin("for 1e8 - 1 and 1e8 + 1");
    exercise.otherwise(
        "the mean of the squares minus the square of the mean "
        "loses all digits here: subtract the mean first, then square");
    exercise.value("y", standardize(far),
                   Tensor<double>{{-1.0, 1.0}, {1.0, -1.0}},
                   standardize_mistakes(far), {1e-6, 0});
}

// ---- 01.5 ----

using Bytes = std::vector<std::uint8_t>;

Bytes header(std::initializer_list<unsigned> extents) {
    Bytes bytes{0, 0, 8, static_cast<std::uint8_t>(extents.size())};
    for (const unsigned extent : extents) {
        for (const int shift : {24, 16, 8, 0}) {
            bytes.push_back(static_cast<std::uint8_t>(extent >> shift));
        }
    }
    return bytes;
}

Bytes with_values(Bytes bytes, std::size_t count) {
    bytes.resize(bytes.size() + count, 7);
    return bytes;
}

Bytes with_byte(Bytes bytes, std::size_t position, std::uint8_t value) {
    bytes[position] = value;
    return bytes;
}

void expect_shape(check::Exercise& exercise,
                  std::initializer_list<unsigned> extents) {
    std::size_t values = 1;
    for (const unsigned extent : extents) { values *= extent; }
    Tensor<double> expected = zeros<double>({extents.size()});
    std::copy(extents.begin(), extents.end(), expected.begin());
    Tensor<double> last_bytes = expected, reversed = expected;
    for (std::size_t i = 0; i < expected.size(); ++i) {
        const auto extent = static_cast<std::uint32_t>(expected(i));
        last_bytes(i) = extent & 255;
        reversed(i) = extent << 24 | (extent & 0xFF00) << 8 |
                      (extent >> 8 & 0xFF00) | extent >> 24;
    }
    try {
        const Shape shape = idx_shape(with_values(header(extents), values));
        Tensor<double> got = zeros<double>({shape.size()});
        std::copy(shape.begin(), shape.end(), got.begin());
        exercise.value(
            "shape", got, expected,
            {{last_bytes, "only the last of an extent's four bytes is read"},
             {reversed,
              "the least significant byte is read first; in an IDX file "
              "the most significant one comes first"}});
    } catch (const DataError& error) {
        exercise.require("shape", false,
                         "shape: an undamaged file was refused: " +
                             std::string(error.what()) +
                             "\nhint: does the header have 4 + 4 * rank bytes, "
                             "and does the most "
                             "significant byte of an extent come first?");
    }
}

void expect_refusal(check::Exercise& exercise, const std::string& what,
                    const Bytes& file, const std::string& hint) {
    std::string found = "accepted";
    try {
        idx_shape(file);
    } catch (const DataError&) {
        found = "";
    } catch (const std::exception& error) {
        found = std::string("refused by another exception, ") + error.what();
    }
    exercise.require(what, found.empty(),
                     what + ": " + found +
                         ", expected a DataError\nhint: " + hint);
}

void mark_idx(check::Exercise& exercise) {
    exercise.by_hand(
        {{"file", "00 00 08 02  00 00 00 02  00 00 00 03  07 07 07 07 07 07"}});
    expect_shape(exercise, {2, 3});
    exercise.begin("for extents 300, 28, 28");
    expect_shape(exercise, {300, 28, 28});

    exercise.begin("");
    expect_refusal(exercise, "no byte at all", {},
                   "look at file.size() before file[0]");
    expect_refusal(exercise, "first byte 1",
                   with_byte(with_values(header({2}), 2), 0, 1),
                   "the check that the first byte is 0 is missing");
    expect_refusal(exercise, "second byte 1",
                   with_byte(with_values(header({2}), 2), 1, 1),
                   "the check that the second byte is 0 is missing");
    expect_refusal(exercise, "type 13",
                   with_byte(with_values(header({2}), 2), 2, 13),
                   "the check that the type is 8 is missing");
    const Bytes whole = header({2, 3, 4});
    expect_refusal(
        exercise, "header cut off", Bytes(whole.begin(), whole.begin() + 10),
        "compare file.size() with 4 + 4 * rank before the extents are read");
    expect_refusal(
        exercise, "one value too few", with_values(whole, 23),
        "file.size() minus the header must be the product of the extents: the "
        "file is one byte too short");
    expect_refusal(
        exercise, "one value too many", with_values(whole, 25),
        "file.size() minus the header must be the product of the extents: the "
        "file is one byte too long");
    // 2^16 * 2^16 * 2^16 * 2^16 is 2^64.
    expect_refusal(exercise, "extents whose product is 2^64",
                   header({65536, 65536, 65536, 65536}),
                   "the product overflows 64 bits and becomes 0: compare it "
                   "with the file's "
                   "size after each factor");
}

} // namespace

int main(int argc, char** argv) {
    check::Exercises exercises;
    exercises.add("01.4", "standardize", "standardize.hpp", mark_standardize);
    exercises.add("01.5", "idx_shape", "idx_header.hpp", mark_idx);
    return exercises.main(argc, argv);
}
