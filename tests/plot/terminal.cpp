// Diagrams made of characters.

#include <limits>
#include <string>

#include "catch.hpp"
#include "handgrad/error.hpp"
#include "handgrad/plot/terminal.hpp"

using namespace handgrad;
using Catch::Matchers::Equals;

TEST_CASE("A curve in the terminal: points, the lines between them, the ends of the axes") {
    // 27 columns: the middle point stands in column 13, at a quarter of the height.
    CHECK(plot::terminal_lines({0, 10, 20}, {4, 1, 0}, 30, 5) == "4 |*..\n"
                                                                 "  |   ....\n"
                                                                 "  |       ....\n"
                                                                 "  |           ..*......\n"
                                                                 "0 |                    ......*\n"
                                                                 "  +---------------------------\n"
                                                                 "   0                        20\n");
}

TEST_CASE("A curve in the terminal leaves out what is not finite, and does not bridge it") {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    CHECK(plot::terminal_lines({0, 1, 2}, {1, nan, 2}, 30, 4) == "2 |                          *\n"
                                                                 "  |\n"
                                                                 "  |\n"
                                                                 "1 |*\n"
                                                                 "  +---------------------------\n"
                                                                 "   0                         2\n");
}

TEST_CASE("A constant and a single point can be drawn") {
    CHECK_THAT(plot::terminal_lines({0, 1}, {5, 5}, 30, 4), Catch::Matchers::ContainsSubstring("*........"));
    CHECK_THAT(plot::terminal_lines({7}, {5}), Catch::Matchers::ContainsSubstring("*"));
}

TEST_CASE("Curves in the terminal refuse what they cannot draw") {
    CHECK_THROWS_WITH(plot::terminal_lines({1, 2}, {1}), Equals("terminal_lines: 2 x values and 1 y values"));
    CHECK_THROWS_WITH(plot::terminal_lines({}, {}), Equals("terminal_lines: no finite point to draw"));
    CHECK_THROWS_WITH(plot::terminal_lines({1}, {1}, 29, 4),
                      Equals("terminal_lines: 29 x 4 characters, expected 30 x 4 or more"));
}

TEST_CASE("A confusion matrix as a table") {
    const Tensor<std::int64_t> counts{{980, 0, 20}, {1, 1, 0}, {0, 0, 0}};
    CHECK(plot::confusion_matrix_text(counts) == "        predicted\n"
                                                 "true  |   0   1   2 |  recall\n"
                                                 "------+-------------+--------\n"
                                                 "    0 | 980   .  20 |  98.00%\n"
                                                 "    1 |   1   1   . |  50.00%\n"
                                                 "    2 |   .   .   . |       -\n");
    CHECK_THROWS_WITH(plot::confusion_matrix_text(Tensor<std::int64_t>(Shape{2, 3}, 0)),
                      Equals("confusion_matrix_text: counts have shape (2, 3), expected (K, K)"));
}
