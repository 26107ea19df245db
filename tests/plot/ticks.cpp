// Names at the axes, and matrices in colours.

#include "catch.hpp"
#include "handgrad/error.hpp"
#include "handgrad/plot/figure.hpp"
#include "support/temporary_folder.hpp"
#include "support/text.hpp"

using namespace handgrad;
using support::contains;
using support::read_bytes;
using support::TemporaryFolder;

namespace {

std::string script_of(const plot::Figure& figure) {
    const TemporaryFolder folder;
    figure.save(folder.path(), "figure");
    return read_bytes(folder / "figure.gp");
}

} // namespace

TEST_CASE("a matrix has the names at its axes that it was given, or numbers", "[plot]") {
    const std::vector<double> values{1, -2, 3, 0};
    plot::Figure named;
    named.x_ticks({"left", "right"}).y_ticks({"above", "below"}).heat_map(values, 2, 2);
    const std::string script = script_of(named);
    for (const char* name : {"left", "right", "above", "below"}) { CHECK(contains(script, name)); }
    const std::string plain = script_of(plot::Figure().heat_map(values, 2, 2));
    CHECK_FALSE(contains(plain, "left"));
    CHECK(plain != script);
}

TEST_CASE("cells contain their numbers as long as there is room", "[plot]") {
    const auto numbered = [](std::size_t rows, std::size_t cols) {
        return contains(script_of(plot::Figure().heat_map(std::vector<double>(rows * cols, 1), rows, cols)), "sprintf");
    };
    CHECK(numbered(16, 16));
    CHECK_FALSE(numbered(17, 2));
    CHECK_FALSE(numbered(2, 17));
}

TEST_CASE("names that do not fit beside each other are turned", "[plot]") {
    const auto turned = [](const std::vector<std::string>& names) {
        return contains(script_of(plot::Figure().x_ticks(names).line("a", {0, 1}, {0, 1})), "rotate by 25 right");
    };
    CHECK_FALSE(turned(std::vector<std::string>(10, "class")));
    CHECK_FALSE(turned(std::vector<std::string>(5, "twelve chars")));
    CHECK(turned(std::vector<std::string>(10, "Sneaker")));
    CHECK_FALSE(turned(std::vector<std::string>(27, "a")));
    CHECK(turned(std::vector<std::string>(27, "ab")));
}

TEST_CASE("a confusion matrix is square, counts, and says which way round it is", "[plot]") {
    const std::string script = script_of(plot::Figure().confusion_matrix(Tensor<std::int64_t>{{90, 10}, {0, 100}}));
    CHECK(contains(script, "predicted class"));
    CHECK(contains(script, "true class"));
    const std::string mine = script_of(
        plot::Figure().x_label("guess").y_label("truth").confusion_matrix(Tensor<std::int64_t>{{90, 10}, {0, 100}}));
    CHECK(contains(mine, "guess"));
    CHECK_FALSE(contains(mine, "predicted class"));
    CHECK_THROWS_WITH(plot::Figure().confusion_matrix(Tensor<std::int64_t>{{1, 2, 3}, {4, 5, 6}}),
                      "Figure::confusion_matrix: counts have shape (2, 3), expected (K, K)");
    CHECK_THROWS_WITH(plot::Figure().confusion_matrix(Tensor<std::int64_t>{{1, -2}, {4, 5}}),
                      "Figure::confusion_matrix: a count is negative");
}
