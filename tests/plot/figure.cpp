// Figures: the data and the script are always written, the picture where gnuplot is installed.

#include <cmath>
#include <cstdlib>
#include <limits>
#include <string>
#include <vector>

#include <sys/stat.h>

#include "catch.hpp"
#include "handgrad/error.hpp"
#include "handgrad/io/file.hpp"
#include "handgrad/plot/figure.hpp"
#include "support/file_size_limit.hpp"
#include "support/temporary_folder.hpp"

using namespace handgrad;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::Equals;
using plot::Figure;
using support::FileSizeLimit;
using support::read_bytes;
using support::TemporaryFolder;

namespace {

/// Another PATH while it lives.
class Path {
public:
    explicit Path(const std::string& value) {
        if (const char* before = std::getenv("PATH")) { before_ = before; }
        ::setenv("PATH", value.c_str(), 1);
    }
    Path(const Path&) = delete;
    Path& operator=(const Path&) = delete;
    ~Path() { ::setenv("PATH", before_.c_str(), 1); }

private:
    std::string before_;
};

/// Whether pictures are to be expected: gnuplot is one of the packages that the tests need, unless told otherwise.
bool gnuplot_expected() { return std::getenv("HANDGRAD_NO_GNUPLOT") == nullptr; }

Figure loss_curves() {
    Figure figure;
    figure.title("It's `learning`, \"slowly\" $x @y").x_label("examples seen").y_label("loss_w, %");
    figure.line("training", {0, 100, 200}, {2.5, 1.25, 0.5});
    figure.points("test, \"held out\"", {0, 200}, {2.5, std::numeric_limits<double>::quiet_NaN()});
    figure.horizontal_line("chance", std::log(10.0)).vertical_line("smaller steps", 150);
    return figure;
}

/// One figure with every kind of series, in panels, as they do not all fit together.
std::vector<Figure> every_kind() {
    const std::vector<double> grid{-1, 0, 1};
    Figure regions, bars, lines, cells;
    regions.scatter({-0.5, 0.5, 0.1}, {0, 0, 0.2}, {0, 2, 1}).equal_axes();
    regions.regions(grid, grid, {0, 0, 1, 0, 2, 1, 2, 2, 1});
    bars.bars("float", {"ijk", "OpenBLAS"}, {1.5, 98}).bars("double", {"ijk", "OpenBLAS"}, {1, 50});
    lines.step("step", {1, 2, 3}, {1e-3, 1e-6, 1e-9}).line_points("V", {1, 2, 3}, {1e-1, 1e-5, 1e-3}).y_log().x_log();
    cells.heat_map({1, -2.5, 3, 4, 5, 6}, 2, 3).legend(plot::Legend::below);
    return {regions, bars, lines, cells};
}

} // namespace

TEST_CASE("A figure's data are a tidy table") {
    const TemporaryFolder folder;
    const Path none("");
    loss_curves().save(folder.path(), "loss");
    CHECK(read_bytes(folder / "loss.csv") == "series,x,y\n"
                                             "training,0,2.5\n"
                                             "training,100,1.25\n"
                                             "training,200,0.5\n"
                                             "\"test, \"\"held out\"\"\",0,2.5\n"
                                             "\"test, \"\"held out\"\"\",200,nan\n"
                                             "chance,,2.302585092994046\n"
                                             "smaller steps,150,\n");
    plot::save_side_by_side(every_kind(), folder.path(), "all");
    const std::string table = read_bytes(folder / "all.csv");
    CHECK_THAT(table, Catch::Matchers::StartsWith("series,x,y,value,panel\nregions,-1,-1,0,1\nregions,0,-1,0,1\n"));
    CHECK_THAT(table, ContainsSubstring("\nclass 0,-0.5,0,,1\nclass 1,0.1,0.2,,1\nclass 2,0.5,0,,1\n"));
    CHECK_THAT(table, ContainsSubstring("\nfloat,ijk,1.5,,2\nfloat,OpenBLAS,98,,2\ndouble,ijk,1,,2\n"));
    CHECK_THAT(table, ContainsSubstring("\ncells,1,0,-2.5,4\n"));
}

TEST_CASE("Without gnuplot the data and the script are written, and that is no error") {
    const TemporaryFolder folder;
    const Path none(GENERATE("", "/nowhere", "::relative"));
    io::write_file(folder / "loss.svg", "an older picture");
    const auto saved = loss_curves().save(folder.path(), "loss");
    CHECK(saved.files == std::vector<std::filesystem::path>{folder / "loss.csv", folder / "loss.gp"});
    CHECK_THAT(saved.note, Equals("no picture: gnuplot is not installed; once it is, run 'gnuplot loss.gp' in '" +
                                  folder.path().string() + "'"));
    CHECK(folder.entries() == 2); // the older picture, which does not show these data, is gone
}

TEST_CASE("A gnuplot that fails is reported and leaves nothing half-drawn") {
    const TemporaryFolder folder, programs;
    const std::string svg = "#!/bin/sh\nprintf '<svg>\\n</svg>\\n'; ";
    const auto [program, reason] = GENERATE_COPY(table<std::string, std::string>({
        {"#!/bin/sh\necho first >&2; echo 'line 3: no such terminal' >&2; echo; exit 1\n", "line 3: no such terminal"},
        {"#!/bin/sh\nfor script; do :; done; echo \"\\\"$script\\\" line 3: wrong\" >&2; exit 1\n",
         "\"loss.gp\" line 3: wrong"},
        {"#!/bin/sh\nprintf '<svg>'; exit 7\n", "<svg>"},
        {"#!/bin/sh\nexit 7\n", "no message"},
        {"#!/bin/sh\necho 'gnuplot: error while loading shared libraries: libm.so: cannot map' >&2; exit 127\n",
         "gnuplot: error while loading shared libraries: libm.so: cannot map"},
        {"#!/bin/sh\nkill -9 $$\n", "no message"},
        {"#!/bin/sh\nexit 0\n", "the SVG picture is incomplete"}, // says that all went well, and did nothing
        {"#!/bin/sh\nprintf '<svg>\\n'\n", "the SVG picture is incomplete"},
        {svg + "\n", "the PNG picture is incomplete"},
        {svg + "printf '\\211PNG\\r\\n\\032\\n\\0\\0\\0\\015IHDR'\n", "the PNG picture is incomplete"},
        {svg + "printf '\\211PNG\\r\\n\\032\\n\\0\\0\\0\\0IEND\\256B`'\n", "the PNG picture is incomplete"},
    }));
    CAPTURE(program);
    io::write_file(programs / "gnuplot", program);
    ::chmod((programs / "gnuplot").c_str(), 0755);
    const Path path(programs.path().string() + ":/bin:/usr/bin");
    io::write_file(folder / "loss.png", "an older picture");
    const auto saved = loss_curves().save(folder.path(), "loss");
    CHECK(saved.files.size() == 2);
    CHECK_THAT(saved.note, Equals("no picture: gnuplot failed on '" + (folder / "loss.gp").string() + "': " + reason));
    CHECK(folder.entries() == 2);
}

TEST_CASE("Pictures that gnuplot drew get their names only if they are complete") {
    const TemporaryFolder folder, programs;
    io::write_file(programs / "gnuplot",
                   "#!/bin/sh\nprintf '<svg>\\n</svg>\\n\\211PNG\\r\\n\\032\\n\\0\\0\\0\\0IEND\\256B`\\202'\n"
                   "echo a warning >&2\n");
    ::chmod((programs / "gnuplot").c_str(), 0755);
    const Path path(programs.path().string() + ":/bin:/usr/bin");
    const auto saved = loss_curves().save(folder.path(), "loss");
    CHECK(saved.note == "");
    CHECK(saved.files.size() == 4);
    CHECK(read_bytes(folder / "loss.svg") == "<svg>\n</svg>\n");
    CHECK(read_bytes(folder / "loss.png") == std::string("\x89PNG\r\n\x1a\n\0\0\0\0IEND\xae\x42\x60\x82", 20));
    CHECK(folder.entries() == 4);
}

TEST_CASE("A disk that is too full for a picture leaves the old figure") {
    const TemporaryFolder folder;
    const std::string endings[] = {".csv", ".gp", ".svg", ".png"};
    for (const std::string& ending : endings) { io::write_file(folder / ("loss" + ending), "old " + ending); }
    const auto limit_and_file = GENERATE(table<rlim_t, std::string>({{1, ".csv"}, {1000, ".gp"}, {6000, ".svg"}}));
    const auto& [limit, file] = limit_and_file;
    if (file == ".svg" && !gnuplot_expected()) { return; }
    std::string message;
    {
        const FileSizeLimit full(limit);
        try {
            loss_curves().save(folder.path(), "loss");
        } catch (const DataError& error) { message = error.what(); }
    }
    CHECK(message == "cannot write '" + (folder / ("loss" + file)).string() + "': File too large");
    for (const std::string& ending : endings) { CHECK(read_bytes(folder / ("loss" + ending)) == "old " + ending); }
    CHECK(folder.entries() == 4);
}

TEST_CASE("gnuplot draws every kind of series without a complaint, the same bytes each time") {
    if (!gnuplot_expected()) {
        WARN("HANDGRAD_NO_GNUPLOT is set: no picture was drawn");
        return;
    }
    const TemporaryFolder folder, other;
    for (const auto* where : {&folder, &other}) {
        const auto loss = loss_curves().save(where->path(), "loss");
        CHECK(loss.note == "");
        const auto all = plot::save_side_by_side(every_kind(), where->path(), "all");
        CHECK(all.note == "");
        CHECK(all.files.size() == 4);
        CHECK(where->entries() == 8);
    }
    for (const std::string name : {"loss.csv", "loss.gp", "loss.svg", "loss.png", "all.svg", "all.png"}) {
        INFO(name);
        CHECK(read_bytes(folder / name) == read_bytes(other / name));
    }
    CHECK_THAT(read_bytes(folder / "loss.png"), Catch::Matchers::StartsWith("\x89PNG\r\n"));
    const std::string svg = read_bytes(folder / "loss.svg");
    CHECK_THAT(svg, ContainsSubstring("</svg>"));
    CHECK_THAT(svg, ContainsSubstring("It's `learning`, \"slowly\" $x @y"));
    CHECK_THAT(svg, ContainsSubstring("loss_w, %"));

    SECTION("and the reader can run the script in that folder") {
        std::filesystem::remove(folder / "loss.svg");
        std::filesystem::remove(folder / "loss.png");
        REQUIRE(std::system(("cd '" + folder.path().string() + "' && gnuplot -d loss.gp").c_str()) == 0);
        CHECK(read_bytes(folder / "loss.svg") == svg);
        CHECK(read_bytes(folder / "loss.png") == read_bytes(other / "loss.png"));
    }
}

TEST_CASE("The legend stands below the diagram, unless told otherwise") {
    const TemporaryFolder folder;
    const Path none("");
    const auto key = [&](const Figure& figure) { // the line of the script that places it
        figure.save(folder.path(), "f");
        const std::string script = read_bytes(folder / "f.gp");
        const auto start = script.find("set key ");
        return start == std::string::npos ? "none" : script.substr(start, script.find('\n', start) - start);
    };
    Figure figure;
    CHECK(key(figure.line("a", {1, 2}, {1, 2})) == "none"); // a single name says no more than the title
    CHECK(key(figure.line("", {1, 2}, {1, 2})) == "none");
    CHECK_THAT(key(figure.line("b", {1, 2}, {2, 1})), ContainsSubstring("outside bottom"));
    CHECK_THAT(key(figure.legend(plot::Legend::top_right)), ContainsSubstring("inside top right"));
    CHECK_THAT(key(figure.legend(plot::Legend::top_left)), ContainsSubstring("inside top left"));
    CHECK_THAT(key(figure.legend(plot::Legend::bottom_right)), ContainsSubstring("inside bottom right"));
    CHECK_THAT(key(figure.legend(plot::Legend::bottom_left)), ContainsSubstring("inside bottom left"));
    CHECK(key(figure.legend(plot::Legend::none)) == "none");
}

TEST_CASE("Figures refuse data that do not fit together") {
    Figure figure;
    CHECK_THROWS_WITH(figure.line("a", {1, 2}, {1}), Equals("Figure::line: 2 x values and 1 y values"));
    CHECK_THROWS_WITH(figure.scatter({1, 2}, {1, 2}, {0}), Equals("Figure::scatter: 1 labels for 2 points"));
    for (const double label : {-1.0, 0.5, 256.0, std::numeric_limits<double>::quiet_NaN()}) {
        CHECK_THROWS_AS(figure.scatter({1}, {1}, {label}), ShapeError);
    }
    CHECK_THROWS_AS(figure.bars("a", {"x"}, {1, 2}), ShapeError);
    CHECK_THROWS_WITH(Figure(figure).bars("a", {"x"}, {1}).bars("b", {"y"}, {1}),
                      Equals("Figure::bars: the categories are not those of the bars before"));
    CHECK_THROWS_WITH(figure.regions({0, 1}, {0, 1}, {0, 0, 0}),
                      Equals("Figure::regions: 3 classes for a grid of 2 rows and 2 columns"));
    CHECK_THROWS_AS(figure.regions({0}, {0, 1}, {0, 0}), ShapeError);
    CHECK_THROWS_AS(figure.heat_map({1, 2, 3}, 2, 2), ShapeError);
    CHECK_THROWS_WITH(figure.confusion_matrix(Tensor<std::int64_t>(Shape{2, 3}, 0)),
                      Equals("Figure::confusion_matrix: counts have shape (2, 3), expected (K, K)"));
    CHECK_THROWS_AS(figure.confusion_matrix(Tensor<std::int64_t>(Shape{2, 2}, -1)), ShapeError);
}

TEST_CASE("save refuses a figure without data, a name that is none, and a folder that is not there") {
    const TemporaryFolder folder;
    Figure figure;
    CHECK_THROWS_WITH(figure.save(folder.path(), "x"), Equals("Figure::save: 'x' has nothing to draw"));
    CHECK_THROWS_WITH(plot::save_side_by_side({}, folder.path(), "x"), Equals("Figure::save: 'x' has no figure"));
    figure.line("a", {1, 2}, {1, 2});
    for (const std::string stem : {"", "../x", "-x", "a b", "a\nb"}) {
        CHECK_THROWS_AS(figure.save(folder.path(), stem), ShapeError);
    }
    CHECK_THROWS_WITH(figure.save(folder / "missing", "x"),
                      Equals("cannot write '" + (folder / "missing/x.csv").string() + "': No such file or directory"));
    CHECK(folder.entries() == 0);
}
