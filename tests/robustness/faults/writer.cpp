// A program that writes every kind of file that the library writes; faults.py lets things go wrong around it.
//   --do write  one file of each kind into --out
//   --do save   goes on with the checkpoint --save, if it is there, and saves it again after every batch, for ever
//   --do load   says where the checkpoint --resume goes on
//   --do train  trains chapter 09's network on two batches of digits, on --device with --threads, and writes it to --save

#include <clocale>
#include <locale>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "09_cnn/model.hpp"
#include "handgrad/app/program.hpp"
#include "handgrad/backends/cpu.hpp"
#include "handgrad/backends/device.hpp"
#include "handgrad/data/mnist.hpp"
#include "handgrad/io/csv.hpp"
#include "handgrad/plot/figure.hpp"
#include "handgrad/plot/image_grid.hpp"
#include "support/resumable.hpp"

using namespace handgrad;
using Run = support::Resumable<Cpu<float>>;

namespace {

/// Batches since the beginning of the run.
std::size_t batches(const Run& r) {
    return static_cast<std::size_t>(r.net.loader.state().epoch) * r.net.loader.size() + r.net.loader.state().batch;
}

void train_one_batch(Run& r) {
    train::train_one_epoch(r.run, {1, {}, [] { return true; }});
    r.run.history = {}; // or the file would grow
}

[[noreturn]] void save_for_ever(const std::filesystem::path& path) {
    Run r;
    if (std::filesystem::exists(path)) { r.load(path); }
    for (;;) {
        train_one_batch(r);
        r.save(path);
    }
}

/// Files that differ with the seed in what they contain, but not in their names.
void write_all(const app::Program& program, double seed) {
    Run r;
    r.run.options["--seed"] = fmt::format("{}", seed);
    train_one_batch(r);
    r.save(program.output("checkpoint.safetensors"));
    const std::vector<double> x{0.5, 1.25, 1234567.5}, y{seed + 0.125, 2.5e-7, -3.75};
    io::CsvTable().add("x", x).add("y", y).write(program.output("table.csv"));
    plot::Figure figure;
    figure.title(fmt::format("Figure {}", seed)).x_label("x").y_label("y").line("line", x, y);
    figure.save(program.output(""), "figure");
    const Tensor<float> image{{{0.0F, 255.0F}, {static_cast<float>(seed), 9.0F}}};
    plot::image_grid(image, 1, 1, {fmt::format("Image {}", seed)}).save(program.output(""), "image");
}

/// As chapter 09 does, but without the many other things that it does, so that it can run many times.
template <class Backend> void train_cnn(const app::Options& options) {
    const auto digits = data::load_mnist(data::Split::train, options.data);
    data::LoaderOptions loading;
    loading.limit = 128;
    data::DataLoader<Backend> loader(digits, loading);
    Random random(options.seed);
    CNN<Backend> model(CNNSizes{}, random);
    train::Classification<Backend> task(model, loader);
    optim::SGD<Backend> optimizer(model.parameters(), {});
    train::Run<Backend> run{task, optimizer};
    train::train_one_epoch(run, {1});
    train::save_checkpoint(options.save, run);
}

} // namespace

int main(int argc, char** argv) {
    app::Program program("writer", "Writes what the library can write");
    auto& options = program.options();
    program.take({"--lr", "--save", "--resume", "--data"}).take_device();
    std::string task = "write";
    bool locale = false;
    program.option("--do", task, {"write", "save", "load", "train"}, "what to do")
        .flag("--locale", locale, "take over the user's locale, as programs with windows do");
    return program.main(argc, argv, [&] {
        if (locale) {
            if (std::setlocale(LC_ALL, "") == nullptr) { throw std::runtime_error("there is no such locale"); }
            std::locale::global(std::locale(""));
            const auto user = std::use_facet<std::numpunct<char>>(std::locale()).decimal_point();
            fmt::print("one half is 0{}5 there and {} here\n", user, 0.5);
        }
        if (task == "save") { save_for_ever(options.save); }
        if (task == "load") {
            Run r;
            r.load(options.resume);
            fmt::print("batches {}\n", batches(r));
            return;
        }
        if (task == "train") {
            options.device == "thrust" ? train_cnn<Device<float>>(options) : train_cnn<Cpu<float>>(options);
            return;
        }
        write_all(program, options.seed);
        program.result("loss", 0.125);
        program.result("losses", std::vector<double>{1234567.5, 2.5e-7});
    });
}
