// The scripts that gnuplot gets and the numbers behind a figure, word by word: a picture that is drawn without a complaint
// may still show something else.

#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include "catch.hpp"
#include "handgrad/error.hpp"
#include "handgrad/plot/figure.hpp"
#include "handgrad/plot/image_grid.hpp"
#include "support/temporary_folder.hpp"
#include "support/text.hpp"

using namespace handgrad;
using plot::Figure;
using support::contains;

namespace {

struct Written {
    std::string size;   ///< of the SVG picture
    std::string script; ///< what differs between figures: from the title on
    std::string csv;
};

Written written(const std::vector<Figure>& figures) {
    const support::TemporaryFolder folder;
    plot::save_side_by_side(figures, folder.path(), "figure");
    const std::string script = support::read_bytes(folder / "figure.gp");
    const auto between = [&](const std::string& begin, const std::string& end) {
        const std::size_t first = script.find(begin);
        REQUIRE(first != std::string::npos);
        return script.substr(first, script.find(end, first) - first);
    };
    return {between("svg standalone size", " font"), between("set title", "unset output"),
            support::read_bytes(folder / "figure.csv")};
}

} // namespace

TEST_CASE("figure scripts: curves, markers, steps and dashed lines") {
    Figure figure;
    figure.title("it's").x_label("x").y_label("y").x_range(-1, 5).y_log();
    figure.line("a", {0, 1}, {2, 300}).line_points("b", {1, 2}, {3, 4});
    figure.points("c", {5, 6}, {7, 8}).step("d", {9, 10}, {11, 12});
    figure.horizontal_line("h", 1.5).vertical_line("v", 2.5).horizontal_line("", 3).vertical_line("w", 4);
    figure.horizontal_line("u", 5); // the dashes of the first one again
    const Written got = written({figure});
    CHECK(got.size == "svg standalone size 720,488");
    CHECK(got.script == R"(set title 'it''s' noenhanced
set xlabel 'x' noenhanced
set xrange [-1:5]
set ylabel 'y' noenhanced
set logscale y
set format y '10^{/*1.12 %L}'
set arrow from 2.5, graph 0 to 2.5, graph 1 nohead lw 2 dt 3 lc rgb '#404040'
set arrow from 4, graph 0 to 4, graph 1 nohead lw 2 dt 5 lc rgb '#404040'
set key outside bottom center horizontal Left reverse height 1 noenhanced samplen 3
plot data skip 1 every ::0::1 using 2:3 with lines lt 1 lw 2.5 title 'a', \
     data skip 1 every ::2::3 using 2:3 with linespoints lt 2 dt 1 lw 2 ps dot title 'b', \
     data skip 1 every ::4::5 using 2:3 with points lt 3 ps 1.5*dot title 'c', \
     data skip 1 every ::4::5 using 2:3 with points pt marker(3) - 1 ps 1.5*dot lw 0.6 lc rgb '#202020' notitle, \
     data skip 1 every ::6::7 using 2:3 with steps lt 4 lw 2.5 title 'd', \
     1.5 with lines lw 2 dt 2 lc rgb '#404040' title 'h', \
     NaN with lines lw 2 dt 3 lc rgb '#404040' title 'v', \
     3 with lines lw 2 dt 4 lc rgb '#404040' notitle, \
     NaN with lines lw 2 dt 5 lc rgb '#404040' title 'w', \
     5 with lines lw 2 dt 2 lc rgb '#404040' title 'u'
)");
    CHECK(got.csv == R"(series,x,y
a,0,2
a,1,300
b,1,3
b,2,4
c,5,7
c,6,8
d,9,11
d,10,12
h,,1.5
v,2.5,
,,3
w,4,
u,,5
)");
}

TEST_CASE("figure scripts: classes in the plane") {
    Figure figure;
    figure.scatter({0.5, -0.5, 0.25}, {1, 2, 3}, {2, 0, 2}).regions({-1, 1}, {0, 2, 4}, {0, 1, 2, 2, 1, 0});
    figure.equal_axes().legend(plot::Legend::top_left);
    const Written got = written({figure});
    CHECK(got.size == "svg standalone size 720,720");
    CHECK(got.script == R"(set title '' noenhanced
set xlabel '' noenhanced
set xrange [-1:1]
set ylabel '' noenhanced
set yrange [0:4]
set size ratio -1
set palette defined (0 '#a6cee5', 1 '#a6cee5', 1 '#f1c7a6', 2 '#f1c7a6', 2 '#a6dece', 3 '#a6dece')
set cbrange [-0.5:2.5]
set key inside top left Left reverse opaque noenhanced samplen 0
plot data skip 1 every ::0::5 using 2:3:4 with image notitle, \
     data skip 1 every ::6::6 using 2:3 with points lt 1 ps 1*dot title 'class 0', \
     data skip 1 every ::6::6 using 2:3 with points pt marker(1) - 1 ps 1*dot lw 0.6 lc rgb '#202020' notitle, \
     data skip 1 every ::7::8 using 2:3 with points lt 3 ps 1*dot title 'class 2', \
     data skip 1 every ::7::8 using 2:3 with points pt marker(3) - 1 ps 1*dot lw 0.6 lc rgb '#202020' notitle
)");
    CHECK(got.csv == R"(series,x,y,value
regions,-1,0,0
regions,1,0,1
regions,-1,2,2
regions,1,2,2
regions,-1,4,1
regions,1,4,0
class 0,-0.5,2,
class 2,0.5,1,
class 2,0.25,3,
)");
}

TEST_CASE("figure scripts: the smallest regions, and ranges that are given") {
    Figure figure;
    figure.x_range(-3, 3).y_range(-4, 4).regions({-1, 1}, {0, 2}, {0, 1, 1, 0});
    CHECK(written({figure}).script == R"(set title '' noenhanced
set xlabel '' noenhanced
set xrange [-3:3]
set ylabel '' noenhanced
set yrange [-4:4]
set palette defined (0 '#a6cee5', 1 '#a6cee5', 1 '#f1c7a6', 2 '#f1c7a6')
set cbrange [-0.5:1.5]
unset key
plot data skip 1 every ::0::3 using 2:3:4 with image notitle
)");
    CHECK_THROWS_AS(Figure().regions({-1, 1}, {0}, {0, 1}), ShapeError);
    CHECK_THROWS_AS(Figure().regions({-1}, {0, 1}, {0, 1}), ShapeError);
    CHECK_THROWS_AS(Figure().regions({-1, 1}, {0, 1, 2}, {0, 1, 0, 1, 0}), ShapeError);
}

TEST_CASE("figure scripts: matrices") {
    Figure cells, matrix, named;
    cells.heat_map({1, -2.5, 3, 0, 5, 6}, 2, 3);
    matrix.confusion_matrix(Tensor<std::int64_t>{{7, 1}, {0, 9}});
    named.x_label("guess").y_label("truth").confusion_matrix(Tensor<std::int64_t>{{7, 1}, {0, 9}});
    const Written got = written({cells, matrix});
    CHECK(got.size == "svg standalone size 720,420");
    CHECK(got.script == R"(set title '' noenhanced
set xlabel '' noenhanced
set xrange [-0.5:2.5]
set xtics ('0' 0, '1' 1, '2' 2) noenhanced 
set ylabel '' noenhanced
set yrange [1.5:-0.5]
set ytics ('0' 0, '1' 1) noenhanced 
set size ratio -1
unset grid
set tics scale 0
set palette defined (-1 '#d55e00', 0 '#ffffff', 1 '#0072b2')
set cbrange [-6:6]
set colorbox
set rmargin -1
unset key
plot data skip 1 every ::0::5 using 2:3:($4) with image pixels notitle, \
     data skip 1 every ::0::5 using 2:3:(sprintf('%.3g', $4)):(abs($4) > 3.5999999999999996 ? 0xffffff : 0) with labels tc rgb variable notitle

reset
set datafile separator ','
set border 3 lc rgb '#404040'
set grid lt 1 dt 1 lw 0.7 lc rgb '#d0d0d0'
set tics nomirror scale 0.6
set format '%h'
set rmargin 2
unset colorbox
set title '' noenhanced
set xlabel 'predicted class' noenhanced
set xrange [-0.5:1.5]
set xtics ('0' 0, '1' 1) noenhanced 
set ylabel 'true class' noenhanced
set yrange [1.5:-0.5]
set ytics ('0' 0, '1' 1) noenhanced 
set size ratio -1
unset grid
set tics scale 0
set palette defined (0 '#ffffff', 1 '#0072b2')
set cbrange [0:2.302585092994046]
set colorbox
set rmargin -1
set cbtics ('0' 0, '1' 0.6931471805599453)
unset key
plot data skip 1 every ::6::9 using 2:3:(log(1 + $4)) with image pixels notitle, \
     data skip 1 every ::6::9 using 2:3:(sprintf('%.0f', $4)):(abs(log(1 + $4)) > 1.3815510557964275 ? 0xffffff : 0) with labels tc rgb variable notitle
unset multiplot
)");
    CHECK(got.csv == R"(series,x,y,value,panel
cells,0,0,1,1
cells,1,0,-2.5,1
cells,2,0,3,1
cells,0,1,0,1
cells,1,1,5,1
cells,2,1,6,1
cells,0,0,7,2
cells,1,0,1,2
cells,0,1,0,2
cells,1,1,9,2
)");
    CHECK(written({named}).script.find("set xlabel 'guess'") != std::string::npos);
    CHECK(written({named}).script.find("set ylabel 'truth'") != std::string::npos);
}

TEST_CASE("figure scripts: bars") {
    Figure figure;
    figure.bars("one", {"p", "q"}, {1, 2}).bars("two", {"p", "q"}, {3, 4});
    const Written got = written({figure});
    CHECK(got.script == R"(set title '' noenhanced
set xlabel '' noenhanced
set xtics ('p' 0, 'q' 1) noenhanced 
set ylabel '' noenhanced
set style histogram clustered gap 0.5
set yrange [0:*]
set key outside bottom center horizontal Left reverse height 1 noenhanced samplen 0
plot data skip 1 every ::0::1 using 3 with histograms fill solid 1 border rgb 'white' lt 1 dt 1 title 'one', \
     data skip 1 every ::2::3 using 3 with histograms fill solid 1 border rgb 'white' lt 2 dt 1 title 'two'
)");
    CHECK(got.csv == R"(series,x,y
one,p,1
one,q,2
two,p,3
two,q,4
)");
}

TEST_CASE("figure scripts: a legend with many names makes the picture higher, not the diagram flatter") {
    const auto size = [](std::size_t count, const std::string& name, plot::Legend where, std::size_t panels) {
        Figure figure;
        figure.legend(where);
        for (std::size_t i = 0; i < count; ++i) { figure.line(name, {0, 1}, {0, 1}); }
        return written(std::vector<Figure>(panels, figure)).size;
    };
    const std::string long_name(30, 'x');
    CHECK(size(1, "a", plot::Legend::none, 1) == "svg standalone size 720,440");
    CHECK(size(5, long_name, plot::Legend::top_left, 1) == "svg standalone size 720,440");
    CHECK(size(6, "a", plot::Legend::below, 1) == "svg standalone size 720,464"); // in one row
    CHECK(size(7, "a", plot::Legend::below, 1) == "svg standalone size 720,488");
    CHECK(size(5, long_name, plot::Legend::below, 1) == "svg standalone size 720,560"); // one below the other
    CHECK(size(3, "a", plot::Legend::below, 2) == "svg standalone size 720,444");
    CHECK(size(3, "a", plot::Legend::below, 3) == "svg standalone size 720,888"); // two rows of panels
}

TEST_CASE("figure scripts: a noisy curve is pale, and its mean stands on top of it") {
    Figure figure;
    figure.line("other", {0, 1}, {0, 0}).smoothed_line("loss", {0, 1, 2, 3, 4}, {5, 1, 3, 2, 10}, 3);
    const Written got = written({figure});
    CHECK(contains(got.script, "::2::6 using 2:3 with lines lt 1 lw 1 lc rgb '#f1c7a6' title 'loss'"));
    CHECK(contains(got.script, "::7::11 using 2:3 with lines lt 2 lw 2.5 title 'loss, mean of 3'"));
    CHECK(contains(got.csv, "\nloss,4,10\n\"loss, mean of 3\",0,3\n\"loss, mean of 3\",1,3\n\"loss, mean of 3\",2,2\n"
                            "\"loss, mean of 3\",3,5\n\"loss, mean of 3\",4,6\n"));
    CHECK_THROWS_WITH(figure.smoothed_line("even", {0, 1}, {0, 1}, 2),
                      "Figure::smoothed_line: a window of 2, expected an odd number");
    CHECK_THROWS_WITH(figure.smoothed_line("short", {0, 1}, {0}, 1),
                      "Figure::smoothed_line: 2 x values and 1 y values");
}

TEST_CASE("figure scripts: points have their texts beside them") {
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    Figure figure;
    figure.labelled_points("letters", {0.5, nan, 3}, {-1, 0, 2}, {"a", "b", "it's"});
    const Written got = written({figure});
    CHECK(contains(got.script, "set label 'a' at 0.5,-1 left offset 0.7,0 noenhanced\n"));
    CHECK(contains(got.script, "set label 'it''s' at 3,2 left offset 0.7,0 noenhanced\n"));
    CHECK_FALSE(contains(got.script, "'b'")); // has no place
    CHECK(contains(got.csv, "letters,0.5,-1\n"));
    CHECK_THROWS_WITH(figure.labelled_points("letters", {0, 1}, {0, 1}, {"a"}),
                      "Figure::labelled_points: 1 texts for 2 points");
}

TEST_CASE("figure scripts: contour lines stand where the function has their level") {
    Figure figure; // x + 10 y on a grid of 2 rows and 3 columns; a saddle x y on another
    figure.contour({0, 1, 2}, {0, 1}, {0, 1, 2, 10, 11, 12}, {5, 1.5, 99});
    const Written plane = written({figure});
    CHECK(contains(plane.script, "set xrange [0:2]\n"));
    CHECK(contains(plane.script, "set yrange [0:1]\n"));
    CHECK(contains(plane.script, "set label '5' at 2,0.3 left offset 0.3,0 tc rgb '#606060'\n"));
    CHECK(contains(plane.script, "set label '1.5' at 1.5,0 left offset 0.3,0.6 tc"));
    CHECK_FALSE(contains(plane.script, "'99'")); // nowhere
    // Level 1.5: from (0, 0.15) to (1, 0.05) and on to (1.5, 0); level 5: from (0, 0.5) by (1, 0.4) to (2, 0.3).
    CHECK(plane.csv == "series,x,y\n,1,0.05\n,0,0.15000000000000002\n,nan,nan\n,1.5,0\n,1,0.050000000000000044\n"
                       ",nan,nan\n,1,0.4\n,0,0.5\n,nan,nan\n,2,0.3\n,1,0.4\n,nan,nan\n");
    Figure saddle;
    saddle.contour({-1, 1}, {-1, 1}, {1, -1, -1, 1}, {0});
    CHECK(written({saddle}).csv == "series,x,y\n,0,-1\n,1,0\n,nan,nan\n,0,1\n,-1,0\n,nan,nan\n"); // two pieces
    CHECK_THROWS_WITH(figure.contour({0, 1}, {0, 1}, {0, 0, 0}, {1}),
                      "Figure::contour: 3 values for a grid of 2 rows and 2 columns");
    CHECK_THROWS_AS(figure.contour({0}, {0, 1}, {0, 0}, {1}), ShapeError);
}

TEST_CASE("figure scripts: pictures of values with a sign share a scale with zero in its middle") {
    const Tensor<float> images{{{0.5f, -2.0f}, {std::numeric_limits<float>::quiet_NaN(), 0.75f}}};
    const Written grid = written({plot::image_grid(images, 1, 1, {}, plot::Colours::diverging)});
    CHECK(contains(grid.script, "set palette defined (-1 '#d55e00', 0 '#ffffff', 1 '#0072b2')\nset cbrange [-2:2]\n"));
    CHECK(contains(grid.script, "set cbtics ('-2' -2, '0' 0, '2' 2) scale 0.6\n"));
    CHECK(contains(grid.script, "set colorbox horizontal user origin"));
    CHECK(contains(grid.csv, "\n,187,533,0\n")); // not a number: no colour
    const Tensor<float> nothing(Shape{1, 2, 2}, 0.0f);
    CHECK(contains(written({plot::image_grid(nothing, 1, 1, {}, plot::Colours::diverging)}).script, "[-1:1]"));
}

TEST_CASE("figure scripts: a long title of a picture gets two lines") {
    const Tensor<float> images(Shape{5, 2, 2}, 1.0f);
    const std::vector<std::string> titles{"it's a boot taken for", "a sneaker as such", "short", "x",
                                          "blanklessandmuchtoolong"};
    const std::string script = written({plot::image_grid(images, 1, 5, titles)}).script;
    CHECK(contains(script, "set label 'it''s a boot'.\"\\n\".'taken for' at "));
    CHECK(contains(script, "set label 'short' at "));
    CHECK(contains(script, "set label 'blanklessandmuchtoolong' at "));
}

TEST_CASE("figure scripts: the places of the pictures in a grid") {
    // The page is 720 wide. Between c pictures in a row, and beside them, the gap is min(14, 80 / c).
    struct Case {
        std::size_t columns;
        double gap;
    };
    for (const auto& [columns, gap] : {Case{1, 14}, Case{2, 14}, Case{8, 10}, Case{10, 8}}) {
        for (const bool titles : {false, true}) {
            INFO(columns << " columns" << (titles ? ", with titles" : ""));
            const Tensor<std::uint8_t> images(Shape{2 * columns, 1, 3, 2}, 1);
            const std::vector<std::string> names(titles ? 2 * columns : 0, "name");
            const Written grid = written({plot::image_grid(images, 2, columns, names)});
            std::istringstream csv(grid.csv);
            std::string cell;
            std::getline(csv, cell);
            CHECK(cell == "series,x,y,value");
            const double width = (720 - gap) / static_cast<double>(columns) - gap, pixel = width / 2;
            const double title = titles ? 24 : 0;
            CHECK(grid.script.find("set xrange [0:720]") != std::string::npos);
            const std::size_t bottom = grid.script.find("set yrange [") + 12;
            CHECK_THAT(std::stod(grid.script.substr(bottom)),
                       Catch::Matchers::WithinAbs(2 * (title + 3 * pixel + gap) + gap, 1e-9));
            CHECK(grid.script.find(":0]", bottom) < grid.script.find('\n', bottom)); // row 0 at the top
            for (std::size_t n = 0; n < 2 * columns; ++n) {
                for (std::size_t i = 0; i < 6; ++i) {
                    std::getline(csv, cell, ',');
                    CHECK(cell == (titles ? "name" : ""));
                    std::getline(csv, cell, ',');
                    const double left = gap + static_cast<double>(n % columns) * (width + gap);
                    CHECK_THAT(std::stod(cell),
                               Catch::Matchers::WithinAbs(left + (static_cast<double>(i % 2) + 0.5) * pixel, 1e-9));
                    std::getline(csv, cell, ',');
                    const double top = gap + static_cast<double>(n / columns) * (title + 3 * pixel + gap) + title;
                    CHECK_THAT(std::stod(cell),
                               Catch::Matchers::WithinAbs(top + (static_cast<double>(i / 2) + 0.5) * pixel, 1e-9));
                    std::getline(csv, cell);
                }
            }
        }
    }
}

TEST_CASE("figure scripts: an infinite value has no part in the range of a grid") {
    const float infinity = std::numeric_limits<float>::infinity();
    const Tensor<float> images{{{0.5f, infinity}, {-infinity, 0.75f}}};
    CHECK(written({plot::image_grid(images, 1, 1)}).script.find("set cbrange [0.5:0.75]") != std::string::npos);
}
