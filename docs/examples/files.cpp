// The examples that the reference shows for files, figures and programs. Each is a test case.
#include <fmt/format.h>

#include <filesystem>
#include <handgrad/app/program.hpp>
#include <handgrad/data/spiral.hpp>
#include <handgrad/io/csv.hpp>
#include <handgrad/io/json.hpp>
#include <handgrad/io/safetensors.hpp>
#include <handgrad/plot/figure.hpp>
#include <handgrad/plot/image_grid.hpp>
#include <nlohmann/json.hpp>

#include "examples.hpp"
#include "support/temporary_folder.hpp"

using namespace handgrad;

namespace {

//! [program]
int chapter(int argc, char** argv) { // a chapter's main
    app::Program program("05_two_layer_net",
                         "A two-layer net on the spiral");
    auto& options = program.options();
    options.epochs = 10000;
    options.lr = 1.0;
    // of the options that all chapters know, with these defaults
    program.take({"--epochs", "--lr"});
    int hidden = 100;
    program.option("--hidden", hidden, 1, 10000,
                   "units in the hidden layer");
    return program.main(argc, argv, [&] {
        fmt::print("The lesson, with {} hidden units.\n", hidden);
        program.result("test_accuracy", 0.97); // goes into run.json
    });
}
//! [program]

} // namespace

TEST_CASE("example: program", "[examples]") {
    std::string name = "chapter", help = "--help";
    char* argv[] = {name.data(), help.data(), nullptr};
    assert(chapter(2, argv) == 0);
    std::string wrong = "--hidden=0";
    argv[1] = wrong.data();
    assert(chapter(2, argv) == 2);
}

TEST_CASE("example: csv", "[examples]") {
    const support::TemporaryFolder folder;
    const auto path = folder.path() / "history.csv";
    //! [csv]
    io::CsvTable table;
    table.add("epoch", std::vector<int>{1, 2})
        .add("loss", std::vector<double>{0.5, 0.25});
    table.write(path);
    assert(table.to_string() == "epoch,loss\n1,0.5\n2,0.25\n");
    //! [csv]
}

TEST_CASE("example: json", "[examples]") {
    const support::TemporaryFolder folder;
    const auto path = folder.path() / "run.json";
    //! [json]
    nlohmann::ordered_json run{{"lr", 0.1}, {"epochs", 10}};
    io::write_json(path, run);
    //! [json]
    assert(std::filesystem::file_size(path) > 0);
}

TEST_CASE("example: safetensors", "[examples]") {
    const support::TemporaryFolder folder;
    const auto path = folder.path() / "model.safetensors";
    //! [safetensors]
    const Tensor<float> weight{{1, 2}, {3, 4}};
    io::Safetensors file;
    file.tensors.push_back(io::stored("weight", weight));
    file.metadata["made by"] = "an example";
    io::write_safetensors(path, file);

    const auto read = io::read_safetensors(path);
    assert(io::tensor_of<float>(*read.find("weight")) == weight);
    //! [safetensors]
}

TEST_CASE("example: figure", "[examples]") {
    const support::TemporaryFolder folder;
    //! [figure]
    plot::Figure figure;
    figure.title("A parabola").x_label("x").y_label("f(x)");
    figure.line("f", {0, 1, 2, 3}, {0, 1, 4, 9})
        .points("measured", {1, 2}, {1.1, 3.8});
    // .csv, .gp, and with gnuplot .svg and .png
    const auto saved = figure.save(folder.path(), "parabola");
    if (!saved.note.empty()) { fmt::print(stderr, "{}\n", saved.note); }

    plot::save_side_by_side({figure, figure}, folder.path(),
                            "two"); // in one picture
    //! [figure]
    assert(std::filesystem::exists(folder.path() / "parabola.csv"));
}

TEST_CASE("example: image grid", "[examples]") {
    const support::TemporaryFolder folder;
    //! [image_grid]
    const auto images = full<float>({6, 1, 28, 28}, 0.5F);
    const std::vector<std::string> titles{"5", "0", "4", "1", "9", "2"};
    plot::image_grid(images, 2, 3, titles)
        .save(folder.path(), "digits"); // as figures are saved
    fmt::print("{}", plot::terminal_grid(images, 2, 3, titles));
    //! [image_grid]
    assert(std::filesystem::exists(folder.path() / "digits.csv"));
}

TEST_CASE("example: spiral", "[examples]") {
    //! [spiral]
    NumpyRandom random(0); // np.random.seed(0)
    const auto [x, y] = data::make_spiral(random, 100, 3);
    assert(x.shape() == Shape{300, 2});
    assert(y(299) == 2);
    //! [spiral]
}
