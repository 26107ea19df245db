// The examples that the reference shows for modules, optimisers, training and gradient checks. Each is a test case.
#include <cmath>
#include <complex>
#include <handgrad/app/interrupt.hpp>
#include <handgrad/backends/cpu.hpp>
#include <handgrad/backends/reference.hpp>
#include <handgrad/check/central_difference.hpp>
#include <handgrad/check/check.hpp>
#include <handgrad/check/exercise.hpp>
#include <handgrad/check/gradient_check.hpp>
#include <handgrad/data/data_loader.hpp>
#include <handgrad/data/token_loader.hpp>
#include <handgrad/nn/nn.hpp>
#include <handgrad/nn/summary.hpp>
#include <handgrad/optim/lr_scheduler.hpp>
#include <handgrad/optim/sgd.hpp>
#include <handgrad/train/checkpoint.hpp>
#include <handgrad/train/predictions.hpp>
#include <handgrad/train/train.hpp>
#include <sstream>

#include "examples.hpp"
#include "support/temporary_folder.hpp"

using namespace handgrad;
using check::cast_like;

namespace {

/// Eight images of 4 x 4 pixels, the upper or the lower half of each is white: two classes.
data::ImageDataset stripes() {
    data::ImageDataset set{"stripes", {"upper", "lower"}, 4, 4, {}, {}};
    for (std::uint8_t n = 0; n < 8; ++n) {
        const std::uint8_t label = n % 2;
        for (std::size_t i = 0; i < 16; ++i) {
            set.pixels.push_back(i / 8 == label ? 255 : n);
        }
        set.labels.push_back(label);
    }
    return set;
}

//! [exercise]
// is the reader's backward right?
void check_relu(check::Exercise& exercise) {
    const Tensor<double> x{1, -2, 3}, dy{1, 1, 10};
    const Tensor<double> readers_dx{1, 0, 10};
    exercise.gradient("x", x, readers_dx, [&](const auto& x_) {
        return check::weighted_sum(reference::relu_forward(x_), dy);
    });
}

int marks(int argc, char** argv) { // the checker's main
    check::Exercises exercises;
    exercises.add("05.4", "relu_backward", "relu.hpp", check_relu);
    return exercises.main(argc, argv);
}
//! [exercise]

} // namespace

TEST_CASE("example: an exercise that marks itself", "[examples]") {
    std::string name = "check";
    char* argv[] = {name.data(), nullptr};
    REQUIRE(marks(1, argv) == 0);
}

TEST_CASE("example: three lines", "[examples]") {
    const Tensor<double> w{{3, -4}}, dw{{1.5, -2}};
    const auto loss = [](const auto& w_) {
        return reference::l2_penalty_forward(w_, 0.5);
    };
    std::ostringstream out;
    //! [proof]
    const Tensor<double> numeric = check::complex_step(loss, w);
    const check::Report report = check::compare("dw", dw, numeric);
    out << report; // passed, or which entry is wrong, and by how much
    //! [proof]
    assert(report.passed());
}

TEST_CASE("example: complex_step", "[examples]") {
    //! [complex_step]
    // f(x) = sum of x_i^3, whose gradient is 3 x_i^2.
    const auto f = [](const auto& x) { // any scalar: also complex
        auto sum = x(0) * 0.0;
        for (const auto& value : x) { sum += value * value * value; }
        return sum;
    };
    const Tensor<double> x{1, 2, 3};
    const Tensor<double> numeric = check::complex_step(f, x);
    assert(numeric(2) == Approx(27).epsilon(1e-15));
    //! [complex_step]

    //! [compare]
    const Tensor<double> by_hand{3, 12, 26}; // the last entry should be 27
    const check::Report report = check::compare("dx", by_hand, numeric);
    assert(!report.passed());
    assert(report.worst_entry() == "dx[2]");
    //! [compare]

    //! [central_difference]
    assert(check::compare("dx", Tensor<double>{3, 12, 27},
                          check::central_difference(f, x))
               .passed());
    //! [central_difference]
}

TEST_CASE("example: gradient check of a layer", "[examples]") {
    //! [gradient_check]
    Random random(1);
    Tensor<double> x(Shape{4, 3}), w(Shape{3, 2}), b(Shape{2}),
        dy(Shape{4, 2});
    for (auto* t : {&x, &w, &b, &dy}) { normal_(*t, 0, 1, random); }
    // L = sum of dy_nk y_nk: then dL/dy is dy.
    const auto loss = [&](const auto& x_, const auto& w_, const auto& b_) {
        return check::weighted_sum(reference::linear_forward(x_, w_, b_),
                                   dy);
    };
    const auto [dx, dw, db] = cpu::linear_backward(x, w, dy);
    check::GradientCheck checker;
    // Each input in turn is made complex; cast_like makes the others so.
    checker.wrt("x", x, dx, [&](const auto& v) {
        return loss(v, cast_like(v, w), cast_like(v, b));
    });
    checker.wrt("w", w, dw, [&](const auto& v) {
        return loss(cast_like(v, x), v, cast_like(v, b));
    });
    checker.wrt("b", b, db, [&](const auto& v) {
        return loss(cast_like(v, x), cast_like(v, w), v);
    });
    std::ostringstream out;
    out << checker; // a table: shape, largest error, where, passed or not
    assert(checker.passed());
    //! [gradient_check]
}

TEST_CASE("example: modules", "[examples]") {
    //! [modules]
    using B = Cpu<float>;
    Random random(1234);
    nn::Sequential<B> model;
    model.add<nn::Flatten<B>>();
    model.add<nn::Linear<B>>(16, 8, random);
    model.add<nn::ReLU<B>>();
    model.add<nn::Linear<B>>(8, 2, random);
    assert(model.parameter_count() == 16 * 8 + 8 + 8 * 2 + 2);
    assert(model.named_parameters().front().first == "1.weight");

    const auto x = full<float>({5, 1, 4, 4}, 0.5F);
    const Labels y{0, 1, 0, 1, 0};
    nn::CrossEntropyLoss<B> criterion;
    model.zero_grad();
    const float loss =
        criterion.forward(model(x), y); // x and y must live until backward
    model.backward(
        criterion.backward()); // each module adds to its parameters' grad
    assert(std::isfinite(loss));
    //! [modules]
}

TEST_CASE("example: the layers of an image network", "[examples]") {
    //! [image_modules]
    using B = Cpu<float>;
    Random random(1234);
    nn::Sequential<B> model;
    // 1 channel to 3, kernels of 3 x 3
    model.add<nn::Conv2d<B>>(1, 3, 3, random);
    model.add<nn::MaxPool2d<B>>(2);
    model.add<nn::ReLU<B>>();
    model.add<nn::Flatten<B>>();
    assert(model.output_shape({64, 1, 28, 28}) == Shape{64, 3 * 13 * 13});
    //! [image_modules]
}

TEST_CASE("example: data loader", "[examples]") {
    const data::ImageDataset train = stripes();
    //! [data_loader]
    data::LoaderOptions options;
    options.batch_size = 3;
    data::DataLoader<Cpu<float>> loader(train, options, {data::ToTensor{}});
    assert(loader.size() == 3); // batches of 3, 3 and 2, of 8 images
    std::size_t seen = 0;
    for (int epoch = 0; epoch < 2; ++epoch) {
        // shuffled anew in each epoch
        for (const auto& [images, labels] : loader) {
            assert(images.shape() == Shape{labels.size(), 1, 4, 4});
            seen += labels.size();
        }
    }
    assert(seen == 16);
    //! [data_loader]
}

TEST_CASE("example: token loader", "[examples]") {
    //! [token_loader]
    const std::vector<std::string> names{"ava", "eve"};
    const data::CharacterVocabulary vocabulary("ava\neve\n");
    assert(vocabulary.size() == 4); // "\n", "a", "e", "v"
    // three characters of context: 4 examples from each name
    const data::Contexts examples(names, vocabulary, 3);
    assert(examples.size() == 8);
    data::TokenLoader<Cpu<float>> loader(examples, {5}); // batches of 5
    const auto& batch = loader.next();
    assert(batch.inputs.shape() == Shape{5, 3});
    assert(batch.targets.shape() == Shape{5});
    assert(loader.state().batch == 1);
    //! [token_loader]
}

TEST_CASE("example: training, stopped, saved and resumed", "[examples]") {
    using B = Cpu<float>;
    const data::ImageDataset train = stripes();
    const support::TemporaryFolder folder;
    const auto path = folder / "run.safetensors";
    const std::size_t epochs = 20;
    Random random(1234);
    nn::Sequential<B> model;
    model.add<nn::Flatten<B>>();
    model.add<nn::Linear<B>>(16, 2, random);
    data::DataLoader<B> loader(train, {}, {data::ToTensor{}});
    //! [training]
    train::Classification<B> task(model, loader);
    SgdOptions sgd;
    sgd.lr = 0.1;
    sgd.momentum = 0.9;
    optim::SGD<B> optimizer(model.parameters(), sgd);
    // half the step size after every 10 epochs
    optim::StepLR scheduler(optimizer, 10, 0.5);
    train::Run<B> run{task, optimizer};
    for (std::size_t epoch = 0; epoch < 5; ++epoch) {
        train::train_one_epoch(run);
        scheduler.step();
    }
    data::DataLoader<B> test_loader(train, {}, {data::ToTensor{}});
    train::Classification<B> testing(model, test_loader);
    const auto result = train::test_one_epoch<B>(testing);
    assert(result.loss < run.history.train_losses.front());
    //! [training]

    //! [checkpoint]
    run.options = {{"--batch-size", "64"}, {"--seed", "1234"}};
    train::EpochSettings settings;
    settings.stop = app::interrupted;
    const app::InterruptGuard
        guard; // the first Ctrl-C only makes interrupted() true
    while (loader.state().epoch < epochs) {
        train::train_one_epoch(run, settings);
        // complete and on the disk, or as it was
        train::save_checkpoint(path, run);
        if (app::interrupted()) {
            throw app::Interrupted("interrupted; the run is in " +
                                   path.string());
        }
    }
    // Later, in a program that has built the same model, optimiser and loader:
    train::load_checkpoint(path, run);
    assert(loader.state().epoch == epochs);
    //! [checkpoint]
}
